"""The table of kinds, how long their chaos lasts, and the schemas of the typed ones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import jsonschema
import pytest

from providers.kubernetes.specs import (
    KINDS,
    SPECS,
    ChaosSpec,
    crd_schema,
    duration_of,
    honours_duration,
    is_one_shot,
    plural,
    with_duration,
)

STRUCTURAL = {
    "type",
    "format",
    "pattern",
    "enum",
    "minimum",
    "maximum",
    "default",
    "description",
    "required",
    "properties",
    "items",
    "anyOf",
    "additionalProperties",
    "example",
    "minLength",
    "maxLength",
    "x-kubernetes-list-type",
    "x-kubernetes-int-or-string",
    "x-kubernetes-preserve-unknown-fields",
}
CHAOS_SPECS = {kind: model for kind, model in SPECS.items() if issubclass(model, ChaosSpec)}


def schemas(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield schema
    members = [*schema.get("properties", {}).values()]
    members += [schema[key] for key in ("items", "additionalProperties") if key in schema]
    for member in members:
        yield from schemas(member)


def test_there_are_23_kinds_of_chaos_mesh_and_3_of_litmus() -> None:
    groups = [kind.group for kind in KINDS.values()]
    assert groups.count("chaos-mesh.org") == 23
    assert groups.count("litmuschaos.io") == 3
    assert sum(kind.chaos for kind in KINDS.values()) == 14
    assert [kind.name for kind in KINDS.values() if not kind.namespaced] == ["RemoteCluster"]


def test_status_is_a_subresource_of_seven_kinds() -> None:
    assert {kind.name for kind in KINDS.values() if kind.status_subresource} == {
        "Workflow",
        "WorkflowNode",
        "StatusCheck",
        "RemoteCluster",
        "PodHttpChaos",
        "PodIOChaos",
        "PodNetworkChaos",
    }


def test_plurals() -> None:
    assert plural("NetworkChaos") == "networkchaos"
    assert plural("AWSChaos") == "awschaos"
    assert plural("StatusCheck") == "statuschecks"
    assert plural("ChaosEngine") == "chaosengines"
    with pytest.raises(KeyError):
        plural("Pod")


@pytest.mark.parametrize(
    ("kind", "action"),
    [
        ("PodChaos", "pod-kill"),
        ("PodChaos", "container-kill"),
        ("AWSChaos", "ec2-restart"),
        ("GCPChaos", "node-reset"),
        ("AzureChaos", "vm-restart"),
    ],
)
def test_some_actions_happen_once(kind: str, action: str) -> None:
    spec = {"action": action, "duration": "30s"}
    assert is_one_shot(kind, spec)
    assert not honours_duration(kind, spec)
    assert duration_of(kind, spec) is None
    with pytest.raises(ValueError, match=f"{kind} with action {action} does not honour"):
        with_duration(kind, spec, timedelta(seconds=1))


@pytest.mark.parametrize("kind", sorted(CHAOS_SPECS))
def test_models_and_table_agree_on_what_happens_once(kind: str) -> None:
    assert CHAOS_SPECS[kind].one_shot_actions == KINDS[kind].one_shot


@pytest.mark.parametrize("kind", ["Workflow", "Schedule", "ChaosEngine", "Pod"])
def test_other_kinds_do_not_end_by_a_duration(kind: str) -> None:
    assert not is_one_shot(kind, {"action": ["pod-kill"]})
    assert not honours_duration(kind, {})
    with pytest.raises(ValueError, match="does not honour a duration"):
        with_duration(kind, {}, timedelta(seconds=1))


def test_durations_are_read() -> None:
    assert duration_of("NetworkChaos", {"duration": "180s"}) == timedelta(minutes=3)
    assert duration_of("NetworkChaos", {}) is None
    assert duration_of("NetworkChaos", {"duration": None}) is None
    assert duration_of("NetworkChaos", {"duration": ""}) is None
    assert duration_of("PodChaos", {"action": "pod-failure", "duration": "1m"}) == timedelta(
        minutes=1
    )


@pytest.mark.parametrize("duration", ["90 ms", 3, ["1s"]])
def test_a_malformed_duration_names_its_field(duration: Any) -> None:
    with pytest.raises(ValueError, match=r"^spec\.duration: .*write"):
        duration_of("NetworkChaos", {"duration": duration})


def test_a_duration_is_written_into_a_copy() -> None:
    spec = {"action": "delay"}
    assert with_duration("NetworkChaos", spec, timedelta(seconds=240)) == {
        "action": "delay",
        "duration": "4m",
    }
    assert spec == {"action": "delay"}


@pytest.mark.parametrize("kind", sorted([*CHAOS_SPECS, "PhysicalMachine"]))
def test_every_field_is_described(kind: str) -> None:
    """Documentation and editors are made from the schemas."""
    for schema in schemas(crd_schema(kind)):
        for name, member in schema.get("properties", {}).items():
            assert member.get("description", "").endswith("."), name


@pytest.mark.parametrize("kind", sorted(SPECS))
def test_examples_and_defaults_are_what_the_schema_allows(kind: str) -> None:
    for schema in schemas(crd_schema(kind)):
        validator = jsonschema.Draft202012Validator(schema)
        for name in ("example", "default"):
            if name in schema:
                assert validator.is_valid(schema[name]), schema


@pytest.mark.parametrize("kind", sorted(SPECS))
def test_schemas_are_structural(kind: str) -> None:
    schema = crd_schema(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    for each in schemas(schema):
        assert set(each) <= STRUCTURAL
        assert "type" in each or each["x-kubernetes-int-or-string"]
        # A structural schema has either named members or members of one type.
        assert not {"properties", "additionalProperties"} <= set(each)


def test_schemas_hold_the_bounds_of_the_crds() -> None:
    network = crd_schema("NetworkChaos")["properties"]
    assert network["direction"] == {
        "type": "string",
        "enum": ["to", "from", "both"],
        "default": "to",
        "description": "Packets to the target, from it, or both.",
    }
    assert network["delay"]["properties"]["jitter"]["pattern"].startswith("^[0-9]+")
    assert network["bandwidth"]["properties"]["minburst"]["minimum"] == 0
    assert network["bandwidth"]["properties"]["limit"]["format"] == "int32"
    assert network["target"]["required"] == ["mode", "selector"]
    stressors = crd_schema("StressChaos")["properties"]["stressors"]["properties"]
    assert stressors["cpu"]["properties"]["load"]["maximum"] == 100
    assert stressors["memory"]["properties"]["oomScoreAdj"]["minimum"] == -1000
    assert crd_schema("PodChaos")["properties"]["gracePeriod"]["minimum"] == 0


def test_a_schema_belongs_to_who_asked_for_it() -> None:
    crd_schema("PodChaos")["properties"].clear()
    assert crd_schema("PodChaos")["properties"]


@pytest.mark.parametrize("kind", sorted(CHAOS_SPECS))
def test_specs_take_the_names_of_json_only(kind: str) -> None:
    model = CHAOS_SPECS[kind]
    assert "remoteCluster" in {field.alias for field in model.model_fields.values()}
    assert "remote_cluster" not in crd_schema(kind)["properties"]
