"""Admission of Schedules, Workflows and StatusChecks, in upstream's words."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from bridge.sandbox.kubernetes.chaos_mesh_webhooks import ChaosMeshWebhooks
from bridge.sandbox.kubernetes.identity import AdmissionDeniedError, Attributes, Identity

ANN = Identity("ann")
KILL: dict[str, Any] = {"action": "pod-kill", "mode": "one", "selector": {"namespaces": ["shop"]}}
SCHEDULE = {"schedule": "@every 5m", "type": "PodChaos", "podChaos": KILL}
WAIT = {"name": "wait", "templateType": "Suspend", "deadline": "1s"}
PODS = {"name": "kill", "templateType": "PodChaos", "deadline": "1s", "podChaos": KILL}
HTTP = {"url": "http://a", "criteria": {"statusCode": "200"}}


def admit(kind: str, spec: dict[str, Any], allowed: set[str] | None = None) -> dict[str, Any]:
    new = {
        "apiVersion": "chaos-mesh.org/v1alpha1",
        "kind": kind,
        "metadata": {"name": "fault", "namespace": "own"},
        "spec": copy.deepcopy(spec),
    }

    def authorize(_: Identity, wanted: Attributes) -> bool:
        return allowed is None or f"{wanted.resource} {wanted.namespace}" in allowed

    ChaosMeshWebhooks(authorize)(ANN, "create", None, new)
    return new["spec"]  # type: ignore[return-value]


def workflow(*templates: dict[str, Any], entry: str = "wait") -> dict[str, Any]:
    return {"entry": entry, "templates": list(templates)}


def test_defaults_are_set_at_the_top_only() -> None:
    assert admit("Schedule", SCHEDULE)["concurrencyPolicy"] == "Forbid"
    assert admit("StatusCheck", {"type": "HTTP", "http": HTTP})["mode"] == "Synchronous"
    again = {"name": "again", "templateType": "Schedule", "schedule": SCHEDULE}
    spec = admit("Workflow", workflow(WAIT, again, entry="again"))
    assert spec["templates"][1]["schedule"] == SCHEDULE
    unnamed = {**KILL, "selector": {}}
    assert admit("Schedule", {**SCHEDULE, "podChaos": unnamed})["podChaos"] == unnamed


@pytest.mark.parametrize(
    ("kind", "spec", "reason"),
    [
        ("Schedule", {**SCHEDULE, "schedule": "bad"},
         ('spec.schedule: Invalid value: "bad": parse schedule field error:'
         "expected 5 to 6 fields, found 1: [bad]")),
        ("Schedule", {**SCHEDULE, "schedule": ""},
         ('spec.schedule: Invalid value: "": parse schedule field error:empty spec string')),
        ("Schedule", {"schedule": "@daily", "type": "Nope"},
         "spec: Invalid value: {}: unknown template type Nope: invalid value"),
        ("Workflow", workflow(WAIT, entry="x"),
         'spec.entry: Invalid value: "x": can not find a template with name x'),
        ("Workflow", workflow(WAIT, WAIT),
         ('spec.templates: Invalid value: "": template name must be unique, duplicated names: '
         "[wait]")),
        ("Workflow", workflow({**WAIT, "templateType": "Nope"}),
         ('spec.templates[0].templateType: Invalid value: "Nope": unrecognized template type: '
         "Nope")),
        ("Workflow", workflow({**WAIT, "templateType": "Serial", "children": ["x"]}),
         ('spec.templates[0].children[0]: Invalid value: "x": can not find a template with name '
         "x")),
        ("Workflow", workflow({**WAIT, "children": ["x"]}),
         ('spec.templates[0]: Invalid value: ["x"]: this template should not contain Children')),
        ("Workflow", workflow({"name": "wait", "templateType": "Suspend"}),
         ("spec.templates[0].deadline: Invalid value: null: deadline in template with type Suspend "
         "could not be empty")),
        ("Workflow", workflow({**PODS, "podChaos": {**KILL, "duration": "1s"}}, entry="kill"),
         ('spec.templates[0]: Invalid value: "1s": should not define duration in chaos when using '
         "Workflow, use Template#Deadline instead.")),
    ],
)  # fmt: skip
def test_refusals(kind: str, spec: dict[str, Any], reason: str) -> None:
    with pytest.raises(AdmissionDeniedError) as refused:
        admit(kind, spec)
    assert refused.value.message == (
        f'admission webhook "v{kind.lower()}.kb.io" denied the request: {reason}'
    )
    assert (refused.value.code, refused.value.reason) == (403, "Forbidden")


@pytest.mark.parametrize(
    ("kind", "spec", "place"),
    [
        ("Schedule", {**SCHEDULE, "schedule": "61 * * * *"}, "spec.schedule: the minute"),
        ("Schedule", {**SCHEDULE, "podChaos": {**KILL, "mode": "fixed"}}, "spec.podChaos.value"),
        ("Workflow", workflow({**WAIT, "name": "A"}, entry="A"), "spec.templates[0].name"),
        ("StatusCheck", {"type": "HTTP"}, "spec.http"),
        ("PhysicalMachine", {"address": ""}, "spec.address"),
    ],
)
def test_what_is_left_is_judged_by_the_typed_specs(
    kind: str, spec: dict[str, Any], place: str
) -> None:
    with pytest.raises(AdmissionDeniedError) as refused:
        admit(kind, spec)
    assert f"denied the request: {place}" in refused.value.message


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("Schedule", {"schedule": "@daily", "type": "PodChaos"}),
        ("Workflow", workflow(WAIT, {"name": "x", "templateType": "PodChaos"})),
    ],
)
def test_a_missing_chaos_is_an_error_of_the_webhook(kind: str, spec: dict[str, Any]) -> None:
    with pytest.raises(AdmissionDeniedError, match="nil pointer dereference") as refused:
        admit(kind, spec)
    assert (refused.value.code, refused.value.reason) == (500, "InternalError")


def test_rights_are_asked_for_in_every_namespace_that_is_touched() -> None:
    other = {"name": "other", "templateType": "PodChaos", "deadline": "1s", "podChaos": {
        **KILL, "selector": {"pods": {"bank": ["a"]}},
    }}  # fmt: skip
    again = {"name": "again", "templateType": "Schedule", "schedule": {
        **SCHEDULE, "podChaos": {**KILL, "selector": {}},
    }}  # fmt: skip
    spec = workflow(WAIT, PODS, other, again)
    everywhere = {"workflow shop", "workflow bank", "workflow own"}
    admit("Workflow", spec, everywhere)
    for missing in everywhere:
        with pytest.raises(AdmissionDeniedError) as refused:
            admit("Workflow", spec, everywhere - {missing})
        assert refused.value.message == (
            'admission webhook "vauth.kb.io" denied the request: ann is forbidden on namespace '
            + missing.removeprefix("workflow ")
        )
    admit("Schedule", SCHEDULE, {"schedule shop"})
    with pytest.raises(AdmissionDeniedError):
        admit("Schedule", SCHEDULE, {"podchaos shop", "schedules shop"})
    admit("StatusCheck", {"type": "HTTP", "http": HTTP}, set())
