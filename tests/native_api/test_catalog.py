"""What `/v1` says of documents and of actions, and whether the bridge is well."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.api.native.judging import judge
from bridge.catalog import Catalog
from bridge.model.problem import Severity
from bridge.model.scope import Scope
from bridge.settings import Settings
from tests.cli.doubles import document
from tests.native_api.conftest import Here

LATENCY: dict[str, Any] = {
    "action": "delay",
    "delay": {"latency": "90ms"},
    "duration": "180s",
    "mode": "one",
    "selector": {"labelSelectors": {"name": "carts"}, "namespaces": ["sock-shop"]},
}
YAML = """
action: delay
delay: {latency: 90ms}
duration: 180s
mode: one
selector: {labelSelectors: {name: carts}, namespaces: [sock-shop]}
"""


def with_spec(spec: Any) -> dict[str, Any]:
    return {
        "description": "Latency",
        "targets": {
            "cluster": {
                "resourceType": "aws:eks:cluster",
                "resourceArns": ["arn:aws:eks:us-east-1:123456789012:cluster/shop"],
                "selectionMode": "ALL",
            }
        },
        "actions": {
            "latency": {
                "actionId": "aws:eks:inject-kubernetes-custom-resource",
                "parameters": {
                    "kubernetesApiVersion": "chaos-mesh.org/v1alpha1",
                    "kubernetesKind": "NetworkChaos",
                    "kubernetesNamespace": "default",
                    "kubernetesSpec": spec,
                    "maxDuration": "PT5M",
                },
                "targets": {"Cluster": "cluster"},
            }
        },
        "stopConditions": [{"source": "none"}],
        "roleArn": "arn:aws:iam::123456789012:role/my-fis-role",
    }


@pytest.mark.parametrize("spec", [LATENCY, YAML], ids=["object", "yaml"])
def test_a_spec_may_be_an_object_or_yaml(spec: Any) -> None:
    scope = Scope(cloud="aws", account="123456789012", region="us-east-1")
    catalog = Catalog(Settings())
    assert judge(catalog, scope, with_spec(spec)).valid
    wrong = {**LATENCY, "delay": {"latency": "90 ms"}}
    found = judge(catalog, scope, with_spec(wrong))
    assert not found.valid
    errors = [one for one in found.problems if one.severity is Severity.ERROR]
    assert [one.path for one in errors] == [
        "actions.latency.parameters.kubernetesSpec.delay.latency"
    ]


async def test_validation_stores_nothing_and_warns(here: Here) -> None:
    found = await here.client.validate(document())
    assert found.valid
    assert {one.severity for one in found.problems} == {Severity.WARNING}
    assert not await here.process.bridge.store.templates(here.process.bridge.scope)


async def test_actions_are_listed_and_shown(here: Here) -> None:
    (listed,) = (await here.client.actions()).actions
    assert await here.client.action("aws:test:break") == listed
    assert listed.targets == {"Things": "aws:test:thing"}
    (parameter,) = listed.parameters
    assert (parameter.name, parameter.required) == ("duration", True)


async def test_a_bridge_whose_store_is_gone_is_alive_and_not_ready(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await here.http.get("/healthz")).status_code == 200
    assert (await here.http.get("/readyz")).json() == {"status": "ready"}

    async def gone() -> None:
        raise OSError("disk")

    with monkeypatch.context() as patch:
        patch.setattr(here.process.bridge.store, "next_due", gone)
        answer = await here.http.get("/readyz")
    assert answer.status_code == 503
    assert "disk" not in answer.text
    assert (await here.http.get("/healthz")).status_code == 200


async def test_the_api_describes_itself(here: Here) -> None:
    described = (await here.http.get("/openapi.json")).json()["paths"]
    start = described["/v1/experiments"]["post"]["requestBody"]["content"]["application/json"]
    assert "templateId" in start["schema"]["properties"]
    assert "/v1/experiments/{experiment_id}/events" in described
