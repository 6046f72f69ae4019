"""Definitions, and what their schemas let through: the same on both servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.kubernetes_emulator import differences
from tests.kubernetes_emulator.api_calls import causes, eventually, message
from tests.kubernetes_emulator.definitions import GROUP, definition, probe

if TYPE_CHECKING:
    import httpx

    from tests.kubernetes_emulator.conftest import Cluster


def wrong(field: str, value: str, detail: str) -> tuple[str, str, str]:
    """The cause that names a value which its schema refuses."""
    return field, "FieldValueInvalid", f"Invalid value: {value}: {field} in body {detail}"


def mistyped(field: str, sent: str, wanted: str) -> tuple[str, str, str]:
    """The cause that names a value of the wrong type."""
    return wrong(field, f'"{sent}"', f'must be of type {wanted}: "{sent}"')


ONE_OR_ALL = 'Unsupported value: "x": supported values: "one", "all"'
TWO_CHOICES = (
    'Invalid value: "": "spec.choice" must validate one and only one schema (oneOf). '
    "Found 2 valid alternatives"
)


@pytest.mark.parametrize(
    ("spec", "cause"),
    [
        ({"mode": "x"}, ("spec.mode", "FieldValueNotSupported", ONE_OR_ALL)),
        ({"selector": None}, ("spec.selector", "FieldValueRequired", "Required value")),
        ({"value": 2}, mistyped("spec.value", "integer", "string")),
        ({"n": 1.5}, mistyped("spec.n", "number", "integer")),
        ({"either": 1.5}, mistyped("spec.either", "number", "integer,string")),
        ({"map": {"a": 1}}, mistyped("spec.map.a", "integer", "string")),
        ({"flag": "x"}, mistyped("spec.flag", "string", "boolean")),
        ({"when": "x"}, mistyped("spec.when", "x", "date-time")),
        ({"n": 0}, wrong("spec.n", "0", "should be greater than or equal to 1")),
        ({"n": 6}, wrong("spec.n", "6", "should be less than or equal to 5")),
        ({"over": 0}, wrong("spec.over", "0", "should be greater than 0")),
        ({"s": "b"}, wrong("spec.s", '"b"', "should match '^a+$'")),
        ({"l": []}, wrong("spec.l", "0", "should have at least 1 items")),
        ({"choice": {"a": "", "b": ""}}, ("<nil>", "FieldValueInvalid", TWO_CHOICES)),
    ],
)
def test_refusals_name_the_field_and_the_reason(
    api: httpx.Client, probes: str, spec: dict[str, Any], cause: tuple[str, str, str]
) -> None:
    refused = api.post(probes, json=probe("a", **spec))
    assert refused.status_code == 422
    assert refused.json()["reason"] == "Invalid"
    assert causes(refused) == {cause}
    assert message(refused) == f'Probe.{GROUP} "a" is invalid: {cause[0]}: {cause[2]}'
    details = refused.json()["details"]
    assert (details["name"], details["group"], details["kind"]) == ("a", GROUP, "Probe")


def test_several_refusals_are_listed(api: httpx.Client, probes: str) -> None:
    refused = api.post(probes, json={**probe("a"), "spec": {}})
    assert message(refused) == (
        f'Probe.{GROUP} "a" is invalid: [spec.mode: Required value, spec.selector: Required value]'
    )


def test_fields_of_list_items(api: httpx.Client, probes: str, cluster: Cluster) -> None:
    refused = api.post(probes, json=probe("a", l=[{}]))
    field = cluster.by_age(differences.LIST_INDEX)
    assert causes(refused) == {(field, "FieldValueRequired", "Required value")}


def test_limits(api: httpx.Client, probes: str, cluster: Cluster) -> None:
    refused = api.post(probes, json=probe("a", l=[{"k": ""}] * 3))
    assert causes(refused) == {("spec.l", *cluster.by_age(differences.TOO_MANY))}
    refused = api.post(probes, json=probe("a", s="aaaaa"))
    assert causes(refused) == {("spec.s", *cluster.by_age(differences.TOO_LONG))}


def test_unknown_fields_are_dropped_and_defaults_set(api: httpx.Client, probes: str) -> None:
    made = api.post(
        f"{probes}?fieldValidation=Ignore",
        json=probe(
            "a",
            bogus=1,
            selector={"a": "x", "b": "y"},
            open={"any": {"thing": 1}},
            nothing=None,
            value=None,
            either="5%",
        ),
    )
    assert made.status_code == 201, made.text
    assert made.json()["spec"] == {
        "mode": "one",
        "selector": {"a": "x"},
        "open": {"any": {"thing": 1}},
        "nothing": None,
        "either": "5%",
        "d": "hey",
    }


def test_strict_validation(api: httpx.Client, probes: str, cluster: Cluster) -> None:
    answer = api.post(f"{probes}?fieldValidation=Strict", json=probe("a", bogus=1))
    if not cluster.by_age(differences.FIELD_VALIDATION):
        assert answer.status_code == 201
        return
    assert answer.status_code == 400
    assert message(answer) == (
        'Probe in version "v1" cannot be handled as a Probe: strict decoding error: '
        'unknown field "spec.bogus"'
    )


def test_warnings_by_default(api: httpx.Client, probes: str, cluster: Cluster) -> None:
    answer = api.post(probes, json=probe("a", bogus=1))
    assert answer.status_code == 201
    warnings = answer.headers.get_list("warning")
    assert warnings == cluster.by_age(differences.DEFAULT_FIELD_VALIDATION)


def test_kind_and_version_must_be_given(api: httpx.Client, probes: str) -> None:
    nameless = probe("a")
    del nameless["kind"]
    assert api.post(probes, json=nameless).status_code == 400
    other = api.post(probes, json={**probe("a"), "kind": "Other"})
    assert other.status_code == 422
    assert causes(other) == {("kind", "FieldValueInvalid", 'Invalid value: "Other": must be Probe')}
    assert api.post(probes, json={**probe("a"), "apiVersion": f"{GROUP}/v2"}).status_code == 400


def test_definition_is_established_and_discovered(api: httpx.Client, kinds: None) -> None:
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/probes.{GROUP}"
    defined = api.get(path).json()
    conditions = {item["type"]: item["status"] for item in defined["status"]["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}
    assert defined["status"]["acceptedNames"]["listKind"] == "ProbeList"
    assert defined["status"]["storedVersions"] == ["v1"]
    finalizers = defined["metadata"].get("finalizers", [])
    assert finalizers in ([], ["customresourcecleanup.apiextensions.k8s.io"])
    served = eventually(
        lambda: [
            item
            for item in api.get(f"/apis/{GROUP}/v1").json()["resources"]
            if item["name"] == "probes"
        ]
    )[0]
    assert (served["kind"], served["singularName"], served["namespaced"]) == (
        "Probe",
        "probe",
        True,
    )
    assert set(served["verbs"]) == {
        "create", "delete", "deletecollection", "get", "list", "patch", "update", "watch",
    }  # fmt: skip
    names = [item["name"] for item in api.get(f"/apis/{GROUP}/v1").json()["resources"]]
    assert "splits/status" in names
    assert "probes/status" not in names


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"metadata": {"name": "wrong"}}, "metadata.name"),
        ({"spec": {"scope": "Galaxy"}}, "spec.scope"),
        ({"spec": {"versions": []}}, "spec.versions"),
    ],
)
def test_definitions_that_are_refused(
    api: httpx.Client, change: dict[str, Any], field: str
) -> None:
    wrong = definition("wrongs", "Wrong")
    wrong["metadata"] |= change.get("metadata", {})
    wrong["spec"] |= change.get("spec", {})
    refused = api.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", json=wrong)
    assert refused.status_code == 422
    assert field in {cause[0] for cause in causes(refused)}
