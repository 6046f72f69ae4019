"""The verdicts of the families of kinds: on what their controllers write, and on odd statuses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model.event import EventType
from bridge.sandbox.kubernetes.chaos_mesh_status_check import PROBE_ANNOTATION
from providers.contract import Effect, Observation
from providers.kubernetes import parts
from providers.kubernetes.cron import next_run, next_run_past
from providers.kubernetes.lifecycle import verdict
from providers.kubernetes.resource import CustomResource, Notes
from providers.kubernetes.verdicts.status import NOTHING_AROUND, Around
from tests.kubernetes_faults.test_verdicts import (
    CHAOS,
    DELAY,
    FAILED,
    IN,
    LITMUS,
    OUT,
    START,
    UNDONE,
    World,
    chaos,
    record,
    resource,
)

MICROS = 1_000_000


def until(seconds: float, **known: Any) -> CustomResource:
    """A Schedule's resource whose action ends so many seconds after the start."""
    end = int((START + timedelta(seconds=seconds)).timestamp()) * MICROS
    return resource("Schedule", deadline=end, child="NetworkChaos", **known)


def schedule(every: str = "1m", *, age: float = 0, **more: Any) -> dict[str, Any]:
    created = (START - timedelta(seconds=age)).strftime("%Y-%m-%dT%H:%M:%SZ")
    spec = {
        "schedule": f"@every {every}",
        "type": "NetworkChaos",
        "networkChaos": {**DELAY, "duration": "20s"},
    }
    status = more.pop("status", {})
    return {
        "metadata": {"name": "fault", "creationTimestamp": created, **more.pop("about", {})},
        "spec": {**spec, **more},
        "status": status,
    }


def time(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def run(*records: dict[str, Any], desired: str = "Run", **about: Any) -> dict[str, Any]:
    made = chaos(*records, desired=desired, age=60)
    made["metadata"] |= {"name": "fault-abcde", **about}
    return {**made, "kind": "NetworkChaos", "spec": {**DELAY, "duration": "20s"}}


def test_a_schedule_begins_with_its_first_run() -> None:
    seen = verdict(until(300), schedule(), START)
    assert seen == Observation(Effect.APPLYING, "its first run is due at 2026-01-02 03:05:05Z")


def test_a_schedule_of_which_no_run_fits_fails_at_once() -> None:
    seen = verdict(until(75), schedule(), START)
    assert seen.effect is Effect.FAILED
    assert "no run of the Schedule is over before maxDuration" in seen.reason
    assert verdict(until(81), schedule(), START).effect is Effect.APPLYING


def test_a_run_that_is_due_and_has_not_begun_is_waited_for() -> None:
    # Due 5 s ago; the one after it would not be over in time.
    assert verdict(until(70), schedule(age=65), START).effect is Effect.APPLYING
    assert verdict(until(100), schedule(age=75), START).effect is Effect.APPLYING
    assert verdict(until(60), schedule(age=75), START).effect is Effect.FAILED


def test_a_schedule_ends_when_no_further_run_fits() -> None:
    manifest = schedule(status={"time": time(-30), "active": []})
    notes = Notes(runs={"fault-abcde": ""})
    assert verdict(until(80), manifest, START).effect is Effect.PRESENT
    seen = verdict(until(40, notes=notes), manifest, START)
    assert seen == Observation(Effect.ENDED)


def test_a_schedule_is_in_effect_while_a_run_is() -> None:
    manifest = schedule(status={"time": time(-10), "active": [{"name": "fault-abcde"}]})
    assert verdict(until(5), manifest, START).effect is Effect.PRESENT
    ended = schedule(status={"time": time(-10), "active": []})
    seen = verdict(until(5), ended, START, Around(parts=[run(record(IN, injected=1))]))
    assert seen.effect is Effect.PRESENT


def test_a_run_without_an_end_is_named() -> None:
    spec = {key: value for key, value in DELAY.items() if key != "duration"}
    manifest = schedule(
        networkChaos=spec, status={"time": time(-10), "active": [{"name": "fault-abcde"}]}
    )
    reason = verdict(until(300), manifest, START).reason
    assert "its run fault-abcde has no end of its own, and no other begins" in reason
    assert "concurrencyPolicy Forbid" in reason


@pytest.mark.parametrize(
    ("runs", "effect", "reason"),
    [
        ({"a": "", "b": ""}, Effect.ENDED, ""),
        ({"a": "no pod", "b": ""}, Effect.ENDED, "1 of 2 runs were never injected: a: no pod"),
        ({"a": "no pod"}, Effect.FAILED, "never injected: run a: no pod"),
        ({}, Effect.ENDED, "is not known: may not list"),
    ],
)
def test_runs_that_never_injected(runs: dict[str, str], effect: Effect, reason: str) -> None:
    manifest = schedule(status={"time": time(-30)})
    around = Around(unread="may not list")
    seen = verdict(until(40, notes=Notes(runs=runs)), manifest, START, around)
    assert seen.effect is effect
    assert reason in seen.reason


def test_a_paused_schedule_says_so() -> None:
    about = {"annotations": {"experiment.chaos-mesh.org/pause": "true"}}
    seen = verdict(until(300), schedule(about=about, status={"time": time(-5)}), START)
    assert seen.effect is Effect.PRESENT
    assert "paused" in seen.reason


# --- remote clusters --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("manifest", "effect", "words"),
    [
        ({"metadata": {}}, Effect.APPLYING, "in the remote cluster far, and its status there"),
        (chaos(age=10), Effect.APPLYING, "is not shown here"),
        (chaos(age=100, desired="Stop"), Effect.FAILED, "whether it was injected cannot be told"),
        (chaos(record(IN, injected=1)), Effect.PRESENT, ""),
        (chaos(UNDONE, desired="Stop", age=100), Effect.ENDED, ""),
        (chaos(FAILED, desired="Stop", age=100), Effect.FAILED, "never injected"),
    ],
)
def test_a_copy_in_a_remote_cluster(manifest: dict[str, Any], effect: Effect, words: str) -> None:
    seen = verdict(resource(lasts=60.0, remote="far"), manifest, START)
    assert seen.effect is effect
    assert words in seen.reason


# --- status checks, workflows, engines --------------------------------------------------------


def checked(**conditions: bool) -> dict[str, Any]:
    states = [{"type": n, "status": "True" if on else "False"} for n, on in conditions.items()]
    return {"metadata": {}, "status": {"startTime": "x", "conditions": states, "records": [
        {"outcome": "Failure"}, {"outcome": "Success"}]}}  # fmt: skip


@pytest.mark.parametrize(
    ("manifest", "effect", "reason"),
    [
        ({"metadata": {}}, Effect.APPLYING, "has not probed yet"),
        (checked(), Effect.PRESENT, "1 of 2 probes"),
        (checked(Completed=True), Effect.ENDED, ""),
        (checked(Completed=True, DurationExceed=True), Effect.ENDED, ""),
        (checked(FailureThresholdExceed=True), Effect.FAILED, "failureThreshold; 1 of 2 probes"),
        (checked(Completed=True, FailureThresholdExceed=True), Effect.FAILED, ""),
        (checked(Completed=False), Effect.PRESENT, ""),
    ],
)
def test_status_check(manifest: dict[str, Any], effect: Effect, reason: str) -> None:
    seen = verdict(resource("StatusCheck"), manifest, START)
    assert seen.effect is effect
    assert reason in seen.reason


def result(name: str, **status: Any) -> dict[str, Any]:
    return {"metadata": {"name": f"fault-{name}"}, "status": {"experimentStatus": status}}


ENGINE: dict[str, Any] = {
    "metadata": {},
    "status": {
        "engineStatus": "completed",
        "experiments": [{"name": "hog", "status": "Completed", "verdict": "Awaited"}],
    },
}


@pytest.mark.parametrize(
    ("told", "effect", "reason"),
    [
        ({"verdict": "Pass"}, Effect.ENDED, ""),
        ({"verdict": "Awaited"}, Effect.PRESENT, "awaited"),
        (
            {
                "verdict": "Fail",
                "errorOutput": {"errorCode": "TARGET_SELECTION_ERROR", "reason": "no pod"},
                "probeSuccessPercentage": "50",
            },
            Effect.FAILED,
            "hog: Fail (error TARGET_SELECTION_ERROR, no pod, 50 % of its probes succeeded)",
        ),
    ],
)
def test_the_verdict_is_the_result_s(told: dict[str, Any], effect: Effect, reason: str) -> None:
    around = Around(parts=[result("hog", **told)])
    seen = verdict(resource("ChaosEngine", LITMUS), ENGINE, START, around)
    assert seen.effect is effect
    assert reason in seen.reason


def test_what_the_result_does_not_say_yet_the_engine_may() -> None:
    (experiment,) = ENGINE["status"]["experiments"]
    told = {**ENGINE["status"], "experiments": [{**experiment, "verdict": "Pass"}]}
    around = Around(parts=[result("hog", verdict="Awaited")])
    seen = verdict(resource("ChaosEngine", LITMUS), {"metadata": {}, "status": told}, START, around)
    assert seen.effect is Effect.ENDED


DONE = {"metadata": {}, "status": {"conditions": [{"type": "Accomplished", "status": "True"}]}}


@pytest.mark.parametrize(
    ("runs", "effect", "reason"),
    [
        ({}, Effect.ENDED, ""),
        ({"a": ""}, Effect.ENDED, ""),
        ({"a": "", "b": "tc is missing"}, Effect.ENDED, "1 of 2 chaos nodes were never injected"),
        ({"b": "tc is missing"}, Effect.FAILED, "never injected: chaos of node b: tc is missing"),
    ],
)
def test_a_workflow_is_accomplished_but_did_it_inject(
    runs: dict[str, str], effect: Effect, reason: str
) -> None:
    seen = verdict(resource("Workflow", notes=Notes(runs=runs)), DONE, START)
    assert seen.effect is effect
    assert reason in seen.reason


# --- parts ------------------------------------------------------------------------------------


def told(
    what: CustomResource, manifest: dict[str, Any], around: Around = NOTHING_AROUND
) -> tuple[list[dict[str, Any]], CustomResource]:
    news, notes = parts.told(what, manifest, START, around)
    assert {one.kind for one in news} <= {EventType.RESOURCE_STATE}
    return [dict(one.details) for one in news], what.model_copy(update={"notes": notes})


def test_how_many_targets_have_it_is_told_when_it_changes() -> None:
    half = chaos(record(IN, injected=1), record(OUT))
    news, known = told(resource(), half)
    assert news == [{"targets": "1 of 2 targets injected"}]
    news, known = told(known, half)
    assert news == []
    news, _ = told(known, chaos(record(IN, injected=1), record(IN, injected=1)))
    assert news == [{"targets": "2 of 2 targets injected"}]


def node(name: str, *conditions: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {"templateName": name.partition("-")[0], "type": "NetworkChaos"},
        "status": {
            "conditions": [{"type": one, "status": "True"} for one in conditions],
            "chaosResource": {"kind": "NetworkChaos", "name": f"{name}-x"},
        },
    }


def test_the_tree_of_a_workflow_is_told() -> None:
    what = resource("Workflow")
    around = Around(parts=[node("delay-1", "ChaosInjected")], chaos={"delay-1": chaos(FAILED)})
    news, known = told(what, DONE, around)
    assert news == [
        {
            "part": "delay-1",
            "template": "delay",
            "type": "NetworkChaos",
            "phase": "chaos created",
            "chaos": "networkchaos delay-1-x",
            "targets": "0 of 1 targets injected",
            "reason": "sock-shop/p cannot be injected into: tc is missing",
        }
    ]
    assert known.notes.runs == {"delay-1": "sock-shop/p cannot be injected into: tc is missing"}
    around = Around(
        parts=[node("delay-1", "ChaosInjected")], chaos={"delay-1": chaos(record(IN, injected=1))}
    )
    _, known = told(known, DONE, around)
    assert known.notes.runs == {"delay-1": ""}
    around = Around(parts=[node("delay-1", "DeadlineExceed")], chaos={"delay-1": chaos(FAILED)})
    news, known = told(known, DONE, around)
    assert news[0]["phase"] == "ended by its deadline"
    assert known.notes.runs == {"delay-1": ""}  # it was injected once


def test_what_cannot_be_read_is_said_once() -> None:
    around = Around(unread="forbidden")
    news, known = told(resource("Workflow"), DONE, around)
    assert news == [{"reason": "its nodes cannot be read: forbidden"}]
    assert told(known, DONE, around)[0] == []


def test_not_more_parts_than_a_journal_bears() -> None:
    around = Around(parts=[node(f"delay-{number}") for number in range(300)])
    news, known = told(resource("Workflow"), DONE, around)
    assert len(news) == parts.MOST_PARTS + 1
    assert "there are more parts" in news[-1]["reason"]
    assert told(known, DONE, around)[0] == []


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            [
                "conditions", "experiment", "containerRecords", "experiments", "type", "status",
                "name", "active", "records", "time", "templates", "events", "phase", "id",
            ]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(status=ODD, spec=ODD, part=ODD)
def test_a_status_of_any_shape_breaks_nothing(status: Any, spec: Any, part: Any) -> None:
    manifest = {"metadata": {"creationTimestamp": time(-10)}, "spec": spec, "status": status}
    made = {"metadata": {"name": "p"}, "spec": spec, "status": part}
    around = Around(parts=[made], chaos={"p": made})
    kinds = (
        ("NetworkChaos", CHAOS),
        ("Workflow", CHAOS),
        ("Schedule", CHAOS),
        ("StatusCheck", CHAOS),
        ("ChaosEngine", LITMUS),
    )
    for kind, group in kinds:
        what = resource(kind, group, child="NetworkChaos", deadline=int(START.timestamp()) * MICROS)
        assert isinstance(verdict(what, manifest, START, around).effect, Effect)
        told(what, manifest, around)


# --- the simulation ---------------------------------------------------------------------------


def test_a_status_check_of_the_simulation_fails() -> None:
    world = World(1)
    body = {
        "apiVersion": f"{CHAOS}/v1alpha1",
        "kind": "StatusCheck",
        "metadata": {"annotations": {PROBE_ANNOTATION: "failure"}},
        "spec": {"type": "HTTP", "http": {"url": "http://a.test"}},
    }
    world.store.create((CHAOS, "statuschecks", "default", "fault"), body)
    seen = []
    for _ in range(4):
        world.settle()
        manifest = world.store.get((CHAOS, "statuschecks", "default", "fault"))
        assert manifest is not None
        seen.append(verdict(resource("StatusCheck"), manifest, world.now).effect)
        world.now += timedelta(seconds=10)
    assert seen == [Effect.PRESENT, Effect.PRESENT, Effect.FAILED, Effect.FAILED]


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("@every 90s", "03:05:35"),
        ("*/5 * * * *", "03:05:00"),
        ("30 */5 * * * *", "03:05:30"),
        ("@hourly", "04:00:00"),
        ("0 5 * * ?", "05:00:00"),
        ("8/10 * * * *", "03:08:00"),
        ("0/20 4/8 * * * *", "03:04:20"),
        ("CRON_TZ=Asia/Tokyo 0 13 * * *", "04:00:00"),
    ],
)
def test_when_a_schedule_is_due(expression: str, wanted: str) -> None:
    found = next_run(expression, START)
    assert found is not None
    assert found.strftime("%H:%M:%S") == wanted
    assert found.utcoffset() == timedelta()


@pytest.mark.parametrize(
    "expression", ["", "nonsense", "@every never", "0 0 30 2 *", "@often", "TZ=No/Where 0 5 * * *"]
)
def test_an_expression_that_names_no_time(expression: str) -> None:
    assert next_run(expression, START) is None
    assert next_run_past(expression, START, START) is None


def test_every_counts_from_the_run_before() -> None:
    now = START + timedelta(seconds=130)
    assert next_run_past("@every 1m", START, now) == START + timedelta(seconds=180)
    assert next_run_past("@every 1m", START, START - timedelta(seconds=9)) == START + timedelta(
        seconds=60
    )
    assert next_run_past("@hourly", START, now) == datetime(2026, 1, 2, 4, tzinfo=UTC)
