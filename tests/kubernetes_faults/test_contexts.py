"""Clusters that a template names by a context of the bridge's kubeconfig."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.api.native.judging import judge, read
from bridge.catalog import Catalog
from bridge.catalog.needs import needs_of
from bridge.model.scope import Scope
from bridge.settings import Settings

SCOPE = Scope(cloud="aws", account="123456789012", region="us-east-1")


def _document(cluster: str) -> dict[str, Any]:
    return {
        "description": "Slow",
        "targets": {
            "Cluster": {
                "resourceType": "aws:eks:cluster",
                "resourceArns": [cluster],
                "selectionMode": "ALL",
            }
        },
        "actions": {
            "slow": {
                "actionId": "aws:eks:inject-kubernetes-custom-resource",
                "parameters": {
                    "kubernetesApiVersion": "chaos-mesh.org/v1alpha1",
                    "kubernetesKind": "NetworkChaos",
                    "kubernetesNamespace": "default",
                    "kubernetesSpec": {
                        "action": "delay",
                        "mode": "one",
                        "selector": {"namespaces": ["shop"]},
                        "delay": {"latency": "10ms"},
                    },
                    "maxDuration": "PT2M",
                },
                "targets": {"Cluster": "Cluster"},
            }
        },
        "stopConditions": [{"source": "none"}],
        "roleArn": "arn:aws:iam::123456789012:role/my-fis-role",
    }


def _errors(cluster: str, *allowed: str) -> list[str]:
    settings = Settings(cluster_contexts=allowed)
    found = judge(Catalog(settings), SCOPE, _document(cluster)).problems
    return [str(one) for one in found if one.severity.value == "error"]


@pytest.mark.parametrize("allowed", ["kind-kind", "*"])
def test_a_context_that_is_allowed_is_a_cluster(allowed: str) -> None:
    assert _errors("k8s:context/kind-kind", allowed) == []


def test_a_context_is_refused_unless_the_bridge_allows_it() -> None:
    (said,) = _errors("k8s:context/kind-kind", "staging")
    assert said.startswith('targets.Cluster.resourceArns[0]: "k8s:context/kind-kind" is not among')
    assert 'FAULTBRIDGE_CLUSTER_CONTEXTS="kind-kind"' in said
    assert _errors("k8s:context/kind-kind")


@pytest.mark.parametrize("name", ["k8s:context/a context", "k8s:kind-kind-kind-kind"])
def test_what_is_no_context_is_none(name: str) -> None:
    assert any("is not the ARN of an EKS cluster" in one for one in _errors(name, "*"))


def test_aws_has_to_grant_nothing_for_it() -> None:
    catalog = Catalog(Settings(cluster_contexts=("kind-kind",)))
    template = read(catalog, SCOPE, _document("k8s:context/kind-kind")).template
    assert template is not None
    assert {one.place.cloud for one in needs_of(template, catalog)} == {"kubernetes"}
