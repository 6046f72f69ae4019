"""`faultbridge rbac` on an EKS cluster: moto's EKS, and the emulator behind its endpoint.

moto knows no access entries: those are in test_access_entries.py, over botocore's stubs.
"""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator

import pytest

from bridge.sandbox.kubernetes.authentication import moto_secret
from bridge.sandbox.kubernetes.cluster import SandboxCluster
from bridge.sandbox.kubernetes.estate import EXPERIMENT_ROLE_ARN
from tests.aws_emulator.account import aws, estate
from tests.rbac_mapping.conftest import Command

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from bridge.sandbox.aws import AwsEmulator, Estate

__all__ = ["aws", "estate"]

RBAC = "rbac.authorization.k8s.io"


@pytest.fixture
async def cluster(
    aws: AwsEmulator, estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SandboxCluster]:
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    async with SandboxCluster(sts_endpoint=aws.url, secret_of=moto_secret) as made:
        emulator = made.emulator
        aws.set_cluster_endpoint("sandbox", endpoint=emulator.url, ca_pem=emulator.ca_pem)
        yield made


async def test_what_the_role_may_not_read_is_told(
    cluster: SandboxCluster, estate: Estate, command: Command
) -> None:
    as_role = ("--as", EXPERIMENT_ROLE_ARN)
    code, output, errors = await command("rbac", "show", estate.cluster_arn, *as_role)
    assert code == 7
    assert output == f"{estate.cluster_arn} (EKS, authentication mode CONFIG_MAP)\n"
    assert "cannot read ConfigMap kube-system/aws-auth" in errors
    assert "cannot read clusterroles: " in errors


async def test_a_role_with_the_rights_sees_and_writes(
    cluster: SandboxCluster, estate: Estate, command: Command
) -> None:
    cluster.store.create(
        (RBAC, "clusterrolebindings", "", "admins"),
        {
            "metadata": {"name": "admins"},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "admins"},
            "subjects": [{"kind": "Group", "name": "chaosmesh:manager", "apiGroup": RBAC}],
        },
    )
    every = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
    role = {"metadata": {"name": "admins"}, "rules": [every]}
    cluster.store.create((RBAC, "clusterroles", "", "admins"), role)
    as_role = ("--as", EXPERIMENT_ROLE_ARN)
    code, output, errors = await command("rbac", "show", estate.cluster_arn, *as_role)
    assert (code, errors) == (0, "")
    assert f"{EXPERIMENT_ROLE_ARN} = user chaosmesh-manager" in output
    assert "may impersonate users: any (ClusterRoleBinding admins to ClusterRole admins)" in output
    new = "arn:aws:iam::123456789012:role/new"
    asked = ("rbac", "map", new, "--user", "new", "--cluster", estate.cluster_arn, *as_role)
    code, output, errors = await command(*asked, "--apply", "--yes")  # CONFIG_MAP: no entries
    assert (code, errors) == (0, "faultbridge: written\n")
    code, output, _ = await command("rbac", "show", estate.cluster_arn, *as_role)
    assert f"{new} = user new (aws-auth mapRoles[2])\n  no rights on chaos resources" in output
