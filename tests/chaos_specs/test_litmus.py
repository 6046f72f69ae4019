"""ChaosEngines: the patterns of their CRD, and what it keeps though nobody reads it."""

from __future__ import annotations

from typing import Any

import pytest

from providers.kubernetes.specs import Problem, check

PROBE = {
    "name": "front-end-answers",
    "type": "httpProbe",
    "mode": "Continuous",
    "httpProbe/inputs": {"url": "http://front-end", "method": {"get": {"criteria": "=="}}},
    "runProperties": {"probeTimeout": "10s", "interval": "2s", "retry": 1},
}
ENV = [
    {"name": "TOTAL_CHAOS_DURATION", "value": "30"},
    {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}},
]
DELETE = {"name": "pod-delete", "spec": {"components": {"env": ENV}, "probe": [PROBE]}}
ENGINE = {
    "engineState": "active",
    "chaosServiceAccount": "litmus",
    "appinfo": {"appns": "sock-shop", "applabel": "name=carts", "appkind": "deployment"},
    "experiments": [DELETE],
}

SPEC = "spec.experiments[0].spec"


def engine(**fields: Any) -> list[Problem]:
    spec = {name: value for name, value in {**ENGINE, **fields}.items() if value is not ...}
    return check("litmuschaos.io/v1alpha1", "ChaosEngine", "sock-shop", spec)


def told(problems: list[Problem], severity: str) -> dict[str, str]:
    return {each.path: each.message for each in problems if each.severity == severity}


def test_an_engine_that_works_is_clean() -> None:
    assert engine(jobCleanUpPolicy="delete", defaultHealthCheck=False) == []


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"engineState": "activ"}, "spec.engineState"),
        ({"engineState": ""}, "spec.engineState"),
        ({"jobCleanUpPolicy": "keep"}, "spec.jobCleanUpPolicy"),
        ({"appinfo": {"appkind": "Deployment"}}, "spec.appinfo.appkind"),
        ({"terminationGracePeriodSeconds": "1"}, "spec.terminationGracePeriodSeconds"),
        ({"experiments": {}}, "spec.experiments"),
        ({"selectors": {}}, "spec.selectors"),
        ({"selectors": {"pods": [], "workloads": []}}, "spec.selectors"),
        (
            {"selectors": {"workloads": [{"kind": "job", "namespace": "x"}]}},
            "spec.selectors.workloads[0]",
        ),
        ({"experiments": [{"spec": {"probe": [{}]}}]}, f"{SPEC}.probe[0].runProperties"),
    ],
)
def test_what_the_crd_refuses(fields: dict[str, Any], path: str) -> None:
    assert path in told(engine(**fields), "error")


def test_a_number_in_the_environment_is_text() -> None:
    env = [{"name": "TOTAL_CHAOS_DURATION", "value": 30}]
    found = told(engine(experiments=[{"name": "x", "spec": {"components": {"env": env}}}]), "error")
    assert found == {
        f"{SPEC}.components.env[0].value": 'must be text, is a number, write "30" with quotes'
    }


def test_unknown_fields_are_kept_and_not_read() -> None:
    found = engine(chaosServiceAccount=..., chaosServiceAcount="x", appinfo={"apns": "y"})
    assert told(found, "error") == {}
    warned = told(found, "warning")
    assert 'did you mean "chaosServiceAccount"?' in warned["spec.chaosServiceAcount"]
    assert 'did you mean "appns"?' in warned["spec.appinfo.apns"]
    assert "the runner has no rights" in warned["spec.chaosServiceAccount"]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"experiments": []}, "spec.experiments"),
        ({"engineState": ...}, "spec.engineState"),
        ({"engineState": "stop"}, "spec.engineState"),
        ({"selectors": {"pods": []}}, "spec.appinfo"),
        ({"experiments": [{}]}, "spec.experiments[0].name"),
    ],
)
def test_engines_that_do_nothing(fields: dict[str, Any], path: str) -> None:
    found = engine(**fields)
    assert told(found, "error") == {}
    assert path in told(found, "warning")


@pytest.mark.parametrize("value", ["30s", "", "-1", "1.5"])
def test_a_duration_that_counts_as_nothing(value: str) -> None:
    env = [{"name": "TOTAL_CHAOS_DURATION", "value": value}]
    found = engine(experiments=[{"name": "x", "spec": {"components": {"env": env}}}])
    assert "over at once" in told(found, "warning")[f"{SPEC}.components.env[0].value"]


def test_probes_and_their_inputs() -> None:
    probe = {"type": "cmdProbe", "runProperties": {}, "httpProbe/inputs": {"url": "x"}}
    spec = {"probe": [probe, {"runProperties": {}}]}
    found = told(engine(experiments=[{"name": "x", "spec": spec}]), "warning")
    assert found.keys() == {
        f'{SPEC}.probe[0]["httpProbe/inputs"]',
        f'{SPEC}.probe[0]["cmdProbe/inputs"]',
        f"{SPEC}.probe[1].type",
    }
