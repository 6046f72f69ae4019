"""The JSON Schemas that editors read: whole resources, closed, and in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from providers.kubernetes.specs import KINDS, SPECS, json_schema, manifest_schema, summary

DELAY: dict[str, Any] = {
    "apiVersion": "chaos-mesh.org/v1alpha1",
    "kind": "NetworkChaos",
    "metadata": {"name": "slow-carts", "namespace": "sock-shop", "labels": {"team": "a"}},
    "spec": {
        "action": "delay",
        "mode": "one",
        "selector": {"labelSelectors": {"name": "carts"}},
        "delay": {"latency": "90ms"},
    },
}
AGAIN: dict[str, Any] = {
    "apiVersion": "chaos-mesh.org/v1alpha1",
    "kind": "Schedule",
    "metadata": {"generateName": "again-"},
    "spec": {"schedule": "@daily", "type": "NetworkChaos", "networkChaos": DELAY["spec"]},
}


def validator(schema: dict[str, Any]) -> jsonschema.Draft202012Validator:
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def one(kind: str) -> jsonschema.Draft202012Validator:
    return validator(json_schema(kind))


def objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from objects(each)
    elif isinstance(value, list):
        for each in value:
            yield from objects(each)


@pytest.mark.parametrize("kind", sorted(SPECS))
def test_every_kind_has_a_schema_of_its_whole_resource(kind: str) -> None:
    schema = json_schema(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"/v1/schemas/{KINDS[kind].api_version}/{kind}"
    assert schema["description"] == summary(kind)
    assert schema["required"] == ["apiVersion", "kind", "metadata", "spec"]
    words = {word for each in objects(schema) for word in each}
    assert not {word for word in words if word.startswith("x-kubernetes")}
    assert not words & {"choices", "webhookDefault", "example", "nullable"}


@pytest.mark.parametrize("kind", sorted(SPECS))
def test_references_lead_somewhere(kind: str) -> None:
    for schema in (json_schema(kind), manifest_schema()):
        for each in objects(schema):
            if "$ref" in each:
                assert each["$ref"].removeprefix("#/$defs/") in schema["$defs"]


@pytest.mark.parametrize(
    "change",
    [
        {"apiVersion": "chaos-mesh.org/v1"},
        {"kind": "PodChaos"},
        {"metadata": {}},
        {"metadata": {"name": "x", "namspace": "y"}},
        {"metadata": {"name": "Slow Carts"}},
        {"spec": {}},
        {"spec": {**DELAY["spec"], "mode": "some"}},
        {"spec": {**DELAY["spec"], "laten": "1s"}},
        {"spec": {**DELAY["spec"], "delay": {"latency": "90 ms"}}},
        {"spec": {**DELAY["spec"], "value": 2}},
        {"stray": 1},
    ],
)
def test_what_an_editor_underlines(change: dict[str, Any]) -> None:
    assert one("NetworkChaos").is_valid(DELAY)
    assert validator(manifest_schema()).is_valid(DELAY)
    assert not one("NetworkChaos").is_valid({**DELAY, **change})
    assert not validator(manifest_schema()).is_valid({**DELAY, **change})


def test_words_that_only_the_webhook_judges_are_offered() -> None:
    assert one("Schedule").is_valid(AGAIN)
    typed = {**AGAIN["spec"], "type": "NetworkChoas"}
    assert not one("Schedule").is_valid({**AGAIN, "spec": typed})
    schema = json_schema("Schedule")
    spec = schema["properties"]["spec"]["properties"]
    assert "Workflow" in spec["type"]["enum"]
    assert spec["concurrencyPolicy"]["default"] == "Forbid"
    assert spec["schedule"]["examples"] == ["*/10 * * * *"]


def test_what_litmus_keeps_is_not_underlined() -> None:
    engine = {
        "apiVersion": "litmuschaos.io/v1alpha1",
        "kind": "ChaosEngine",
        "metadata": {"name": "x"},
        "spec": {"engineState": "active", "whatever": 1},
    }
    assert one("ChaosEngine").is_valid(engine)
    assert not one("ChaosEngine").is_valid({**engine, "spec": {"engineState": "on"}})


def test_the_schema_of_any_manifest() -> None:
    every = validator(manifest_schema())
    assert every.is_valid(AGAIN)
    assert every.is_valid({"apiVersion": "v1", "kind": "Pod", "anything": 1})
    assert every.is_valid({"apiVersion": "chaos-mesh.org/v1alpha1", "kind": "WorkflowNode"})
    assert not every.is_valid({**DELAY, "kind": "NetworkCaos"})
    assert not every.is_valid({"apiVersion": "litmuschaos.io/v1alpha1"})
    assert not every.is_valid({**AGAIN, "spec": {"schedule": "@daily"}})


def test_a_schema_belongs_to_who_asked_for_it() -> None:
    json_schema("PodChaos")["properties"].clear()
    assert json_schema("PodChaos")["properties"]


def test_a_kind_without_a_model_has_none() -> None:
    with pytest.raises(KeyError):
        json_schema("WorkflowNode")
