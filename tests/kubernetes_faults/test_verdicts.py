"""What a resource's status is taken for, in virtual time and for every shape it can have."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from bridge.sandbox.kubernetes.chaos_mesh import ChaosMesh
from bridge.sandbox.kubernetes.control_loop import settle
from bridge.sandbox.kubernetes.estate import install
from bridge.sandbox.kubernetes.pods import Workloads
from bridge.sandbox.kubernetes.server import KubernetesEmulator
from providers.contract import Effect, Observation
from providers.kubernetes.lifecycle import verdict
from providers.kubernetes.resource import CustomResource

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CHAOS, LITMUS = "chaos-mesh.org", "litmuschaos.io"
SELECTOR = {"labelSelectors": {"name": "carts"}, "namespaces": ["sock-shop"]}
DELAY = {"action": "delay", "delay": {"latency": "90ms"}, "mode": "all", "selector": SELECTOR}


def resource(kind: str = "NetworkChaos", group: str = CHAOS, **known: Any) -> CustomResource:
    return CustomResource(
        cluster="c",
        group=group,
        version="v1alpha1",
        kind=kind,
        plural=kind.lower(),
        namespace="default",
        name="fault",
        installation="i",
        experiment="e",
        action="a",
        **known,
    )


def record(
    phase: str, *, injected: int = 0, events: tuple[tuple[str, str], ...] = (), name: str = "p"
) -> dict[str, Any]:
    return {
        "id": f"sock-shop/{name}",
        "selectorKey": ".",
        "phase": phase,
        "injectedCount": injected,
        "events": [
            {"type": kind, "operation": operation, "message": "tc is missing"}
            for operation, kind in events
        ],
    }


def chaos(
    *records: dict[str, Any], desired: str = "Run", age: float = 0, **about: Any
) -> dict[str, Any]:
    created = (START - timedelta(seconds=age)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "metadata": {"name": "fault", "creationTimestamp": created, **about},
        "status": {
            # The order is random, they lag, and AllRecovered says nothing: never to be read.
            "conditions": [{"type": "AllRecovered", "status": "True"}],
            "experiment": {"desiredPhase": desired, "containerRecords": list(records)},
        },
    }


OUT, IN, UNDONE = "Not Injected", "Injected", record("Not Injected", injected=1)
FAILED = record(OUT, events=(("Apply", "Succeeded"), ("Apply", "Failed")))


@pytest.mark.parametrize(
    ("manifest", "effect", "reason"),
    [
        ({"metadata": {}}, Effect.APPLYING, "has not taken it up yet"),
        (chaos(), Effect.APPLYING, "the selector matches no target"),
        (chaos(record(OUT)), Effect.APPLYING, "0 of 1 targets injected"),
        (chaos(record("Not Injected/Wait")), Effect.APPLYING, "0 of 1"),
        (chaos(FAILED), Effect.APPLYING, "sock-shop/p cannot be injected into: tc is missing"),
        (chaos(record(IN, injected=1), record(OUT)), Effect.APPLYING, "1 of 2"),
        (chaos(record(IN, injected=1)), Effect.PRESENT, ""),
        (chaos(record(IN, injected=1), desired="Stop"), Effect.LIFTING, ""),
        (chaos(record("Injected/Wait", injected=1), desired="Stop"), Effect.LIFTING, ""),
        (
            chaos(record(IN, injected=1, events=(("Recover", "Failed"),)), desired="Stop", age=61),
            Effect.LIFTING,
            "sock-shop/p cannot be recovered from: tc is missing",
        ),
        (chaos(UNDONE, desired="Stop", age=61), Effect.ENDED, ""),
        (chaos(UNDONE, FAILED, desired="Stop", age=61), Effect.ENDED, "1 of 2 targets were never"),
        (chaos(FAILED, desired="Stop", age=61), Effect.FAILED, "never injected: sock-shop/p"),
        (chaos(record(OUT), desired="Stop", age=61), Effect.FAILED, "no target was reached"),
        (chaos(desired="Stop", age=61), Effect.FAILED, "the selector matches no target"),
        # Stopped, but not by its duration: paused by hand, or just resumed.
        (
            chaos(UNDONE, desired="Stop", annotations={"experiment.chaos-mesh.org/pause": "true"}),
            Effect.PRESENT,
            "paused",
        ),
        (chaos(UNDONE, desired="Stop", age=59), Effect.PRESENT, ""),
        (chaos(record(OUT), desired="Stop", age=59), Effect.APPLYING, ""),
        (
            chaos(UNDONE, desired="Stop", deletionTimestamp="2026-01-02T03:04:00Z"),
            Effect.LIFTING,
            "",
        ),
    ],
)
def test_records_decide(manifest: dict[str, Any], effect: Effect, reason: str) -> None:
    seen = verdict(resource(lasts=60.0), manifest, START)
    assert seen.effect is effect
    assert reason in seen.reason
    assert bool(reason) == bool(seen.reason)


def test_without_a_timer_it_never_ends_by_itself() -> None:
    seen = verdict(resource(), chaos(UNDONE, desired="Stop", age=10_000), START)
    assert seen.effect is Effect.PRESENT


@pytest.mark.parametrize(
    ("manifest", "effect"),
    [
        (chaos(), Effect.APPLYING),
        (chaos(record(OUT)), Effect.APPLYING),
        (chaos(record(IN, injected=1), record(OUT)), Effect.APPLYING),
        (chaos(record(IN, injected=1)), Effect.ENDED),
    ],
)
def test_one_shot(manifest: dict[str, Any], effect: Effect) -> None:
    assert verdict(resource("PodChaos", one_shot=True), manifest, START).effect is effect


@pytest.mark.parametrize("kind", ["NetworkChaos", "ChaosEngine", "Gadget"])
def test_a_removal_that_takes_long_names_the_way_out(kind: str) -> None:
    group = {"NetworkChaos": CHAOS, "ChaosEngine": LITMUS}.get(kind, "example.com")
    manifest = {
        "metadata": {"deletionTimestamp": "2026-01-02T03:00:00Z", "finalizers": ["a/b", "c/d"]}
    }
    seen = verdict(resource(kind, group), manifest, START)
    assert seen.effect is Effect.LIFTING
    assert "stuck: its removal has waited 245 s" in seen.reason
    assert "a/b, c/d" in seen.reason
    assert f"{kind.lower()} fault -n default" in seen.reason
    assert ("cleanFinalizer=forced" in seen.reason) == (kind == "NetworkChaos")


def litmus(engine: str | None, *experiments: tuple[str, str]) -> dict[str, Any]:
    return {
        "metadata": {},
        "status": {
            "engineStatus": engine,
            "experiments": [
                {"name": f"pod-cpu-hog-{number}", "status": status, "verdict": result}
                for number, (status, result) in enumerate(experiments)
            ],
        },
    }


@pytest.mark.parametrize(
    ("manifest", "effect", "reason"),
    [
        ({"metadata": {}}, Effect.APPLYING, "operator"),
        (litmus("initialized"), Effect.PRESENT, ""),
        (litmus("initialized", ("Running", "Awaited")), Effect.PRESENT, ""),
        (litmus("initialized", ("ChaosExperiment Not Found", "N/A")), Effect.FAILED, "cpu-hog-0"),
        (litmus("completed", ("Completed", "Pass")), Effect.ENDED, ""),
        (litmus("completed", ("Completed", "Awaited")), Effect.PRESENT, "awaited"),
        (
            litmus("completed", ("Completed", "Pass"), ("Completed", "Fail")),
            Effect.FAILED,
            "pod-cpu-hog-1: Fail",
        ),
        (litmus("stopped", ("Forcefully Aborted", "Stopped")), Effect.FAILED, "stopped"),
    ],
)
def test_litmus_says_by_its_verdict(manifest: dict[str, Any], effect: Effect, reason: str) -> None:
    seen = verdict(resource("ChaosEngine", LITMUS), manifest, START)
    assert seen.effect is effect
    assert reason in seen.reason


@pytest.mark.parametrize(
    ("status", "annotations", "effect"),
    [
        ({}, {}, Effect.APPLYING),
        ({"entryNode": "entry-x", "startTime": "2026-01-02T03:04:05Z"}, {}, Effect.PRESENT),
        ({"conditions": [{"type": "Accomplished", "status": "True"}]}, {}, Effect.ENDED),
        (
            {"conditions": [{"type": "Accomplished", "status": "True"}]},
            {"workflow.chaos-mesh.org/abort": "true"},
            Effect.FAILED,
        ),
    ],
)
def test_workflow(status: dict[str, Any], annotations: dict[str, str], effect: Effect) -> None:
    manifest = {"metadata": {"annotations": annotations}, "status": status}
    assert verdict(resource("Workflow"), manifest, START).effect is effect


@pytest.mark.parametrize(
    ("kind", "group"),
    [("PhysicalMachine", CHAOS), ("NetworkChaos", "example.com"), ("Gadget", "x.io")],
)
def test_of_other_kinds_only_the_existence_is_known(kind: str, group: str) -> None:
    seen = verdict(resource(kind, group), chaos(record(IN, injected=1)), START)
    assert seen == Observation(Effect.PRESENT)


@pytest.mark.parametrize("nonsense", [None, [], "x", {"experiment": "x"}, {"experiment": {}}])
def test_a_status_of_another_shape_breaks_nothing(nonsense: object) -> None:
    manifest = {"metadata": {}, "status": nonsense}
    for kind, group in (("NetworkChaos", CHAOS), ("Workflow", CHAOS), ("ChaosEngine", LITMUS)):
        assert verdict(resource(kind, group), manifest, START).effect is Effect.APPLYING


class World:
    """The simulation in virtual time: its status is what is judged, step by step."""

    def __init__(self, seed: int) -> None:
        self.now = START
        emulator = KubernetesEmulator(now=lambda: self.now)
        install(emulator)
        self.store = emulator.store
        random = Random(seed)  # noqa: S311 - repeatable, no secret
        self.chaos = ChaosMesh(self.store, now=lambda: self.now, random=random)
        self.workloads = Workloads(self.store, now=lambda: self.now, random=random)
        self.settle()

    def settle(self) -> None:
        settle([self.workloads, self.chaos])

    def apply(self, kind: str, spec: dict[str, Any]) -> None:
        body = {"apiVersion": f"{CHAOS}/v1alpha1", "kind": kind, "metadata": {}, "spec": spec}
        self.store.create((CHAOS, kind.lower(), "default", "fault"), body)

    def step(self, kind: str = "networkchaos") -> dict[str, Any]:
        """Let Chaos Mesh go through one reconcile, and return what it leaves."""
        self.chaos.step()
        return self.read(kind)

    def read(self, kind: str = "networkchaos") -> dict[str, Any]:
        found = self.store.get((CHAOS, kind, "default", "fault"))
        assert found is not None
        return found


@pytest.mark.parametrize("seed", range(5))
def test_a_life_seen_at_every_step(seed: int) -> None:
    world, ours = World(seed), resource(lasts=180.0)
    world.apply("NetworkChaos", {**DELAY, "duration": "180s"})
    seen = [verdict(ours, world.read(), world.now).effect]
    seen += [verdict(ours, world.step(), world.now).effect for _ in range(12)]
    world.now += timedelta(seconds=181)
    seen += [verdict(ours, world.step(), world.now).effect for _ in range(12)]
    order = [Effect.APPLYING, Effect.PRESENT, Effect.LIFTING, Effect.ENDED]
    shortened = [effect for n, effect in enumerate(seen) if n == 0 or seen[n - 1] is not effect]
    # Once in effect it is never taken for absent, once ended never for anything else.
    assert [effect for effect in order if effect in shortened] == shortened
    assert shortened[0] is Effect.APPLYING
    assert Effect.PRESENT in shortened
    assert shortened[-1] is Effect.ENDED


def test_never_injected_is_a_failure_and_says_why() -> None:
    world, ours = World(1), resource(lasts=180.0)
    world.chaos.misbehave(never_inject=True)
    world.apply("NetworkChaos", {**DELAY, "duration": "180s"})
    world.settle()
    assert verdict(ours, world.read(), world.now).effect is Effect.APPLYING
    world.now += timedelta(seconds=181)
    world.settle()
    seen = verdict(ours, world.read(), world.now)
    assert seen.effect is Effect.FAILED
    assert "cannot be injected into" in seen.reason


def test_never_recovered_is_no_end() -> None:
    world, ours = World(1), resource(lasts=180.0)
    world.apply("NetworkChaos", {**DELAY, "duration": "180s"})
    world.settle()
    world.chaos.misbehave(never_recover=True)
    world.now += timedelta(seconds=181)
    world.settle()
    seen = verdict(ours, world.read(), world.now)
    assert seen.effect is Effect.LIFTING
    assert "cannot be recovered from" in seen.reason
