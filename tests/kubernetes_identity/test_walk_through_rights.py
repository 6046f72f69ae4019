"""The walk-through's manifests, unmodified: enough for an experiment, and for nothing else."""

from __future__ import annotations

import pytest

from bridge.sandbox.kubernetes.authorization import RbacAuthorizer
from bridge.sandbox.kubernetes.aws_auth import Caller, map_caller
from bridge.sandbox.kubernetes.cluster import SandboxCluster
from bridge.sandbox.kubernetes.estate import EXPERIMENT_ROLE_ARN
from bridge.sandbox.kubernetes.identity import Attributes, Identity
from bridge.sandbox.kubernetes.objects import ObjectStore


@pytest.fixture(scope="module")
def store() -> ObjectStore:
    return SandboxCluster().store


@pytest.fixture(scope="module")
def experiment(store: ObjectStore) -> Identity:
    arn = "arn:aws:sts::123456789012:assumed-role/my-fis-role/EXP1234"
    identity = map_caller(store, Caller(arn, "123456789012", "AROAX:EXP1234", "ASIAX"))
    assert identity is not None
    return identity


def test_the_role_becomes_the_group_of_the_walk_through(experiment: Identity) -> None:
    assert experiment.username == "chaosmesh-manager"
    assert "chaosmesh:manager" in experiment.groups
    assert EXPERIMENT_ROLE_ARN in experiment.extra["canonicalArn"]


@pytest.mark.parametrize(
    ("attributes", "allowed"),
    [
        (Attributes("create", "chaos-mesh.org", "v1alpha1", "networkchaos", "", "default"), True),
        (Attributes("patch", "chaos-mesh.org", "v1alpha1", "podchaos", "", "default", "x"), True),
        (Attributes("list", "", "v1", "pods", "", "sock-shop"), True),
        (Attributes("get", "", "v1", "namespaces", "", "sock-shop", "sock-shop"), True),
        (Attributes("delete", "", "v1", "pods", "", "sock-shop", "carts"), False),
        (Attributes("list", "", "v1", "events", "", "default"), False),
        (Attributes("get", "", "v1", "configmaps", "", "kube-system", "aws-auth"), False),
        (Attributes("list", "chaos-mesh.org", "v1alpha1", "networkchaos", "", "default"), True),
        (Attributes("deletecollection", "chaos-mesh.org", "v1alpha1", "podchaos"), False),
        (Attributes("create", "litmuschaos.io", "v1alpha1", "chaosengines", "", "default"), False),
        (Attributes("create", "authorization.k8s.io", "v1", "selfsubjectaccessreviews"), True),
        (Attributes("create", "authorization.k8s.io", "v1", "subjectaccessreviews"), False),
        (Attributes("get", non_resource_path="/apis"), True),
        (Attributes("get", non_resource_path="/openapi/v3/apis/chaos-mesh.org/v1alpha1"), True),
        (Attributes("get", non_resource_path="/metrics"), False),
    ],
)
def test_rights(
    store: ObjectStore, experiment: Identity, attributes: Attributes, *, allowed: bool
) -> None:
    assert RbacAuthorizer(store)(experiment, attributes).allowed is allowed
