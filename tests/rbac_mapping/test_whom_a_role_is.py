"""Whom a cluster takes a role for, as `faultbridge grants --check` asks: read as EKS reads it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from bridge.cli.connection import load_settings
from bridge.cli.exits import CommandError
from bridge.cli.rbac_access import opened
from bridge.sandbox.kubernetes.cluster import SandboxCluster
from rbac.granted import Subject, subject_of
from tests.rbac_mapping.conftest import CONTEXT

ROLE = "arn:aws:iam::123456789012:role/Runs"
WITH_PATH = "arn:aws:iam::123456789012:role/chaos/Runs"
pytestmark = pytest.mark.usefixtures("kubeconfig")
KEY = ("", "configmaps", "kube-system", "aws-auth")


async def found(cluster: SandboxCluster, text: str | None) -> Subject | None:
    """Return whom aws-auth with this mapRoles makes of the role; None is no aws-auth at all."""
    stored = cluster.store.get(KEY)
    assert stored is not None
    if text is None:
        cluster.store.delete(KEY)
    else:
        stored["data"]["mapRoles"] = text
        cluster.store.update(KEY, stored)
    async with opened(load_settings(), CONTEXT) as (there, _):
        return await subject_of(there, WITH_PATH)


@pytest.mark.parametrize(
    ("entry", "subject"),
    [
        ({"username": "u", "groups": ["g"]}, Subject("u", ("g",))),
        ({"rolearn": ROLE.lower(), "username": "u"}, Subject("u")),
        ({}, Subject(ROLE)),
        ({"username": "", "groups": None}, Subject(ROLE)),
        ({"rolearn": f"{ROLE}2", "username": "u"}, None),
    ],
)
async def test_the_entry_decides(
    cluster: SandboxCluster, entry: dict[str, Any], subject: Subject | None
) -> None:
    text = yaml.safe_dump([{"rolearn": ROLE, **entry}])
    assert await found(cluster, text) == subject


async def test_a_cluster_may_have_no_aws_auth(cluster: SandboxCluster) -> None:
    assert await found(cluster, None) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "mapRoles, line 1, column 2 is not YAML"),
        ("2026-99-99", "mapRoles is not YAML"),
        ("user: u", "mapRoles is no list"),
        (f"[{{rolearn: {WITH_PATH}, username: u}}]", f"never matches.*write {ROLE}"),
        (f"[{{rolearn: {ROLE}, username: 'fis:{{{{SessionName}}}}'}}]", "asks for SessionName"),
    ],
)
async def test_what_cannot_be_told_is_said(cluster: SandboxCluster, text: str, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        await found(cluster, text)
