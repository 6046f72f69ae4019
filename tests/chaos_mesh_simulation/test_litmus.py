"""Litmus' operator in virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes.litmus import VERDICT_ANNOTATION
from bridge.sandbox.kubernetes.objects import Key, Object

if TYPE_CHECKING:
    from .conftest import World

GROUP = "litmuschaos.io"
ENGINE = Key(GROUP, "chaosengines", "default", "fault")
RESULT = Key(GROUP, "chaosresults", "default", "fault-pod-cpu-hog")


def start(world: World, *, installed: bool = True, **about: Any) -> None:
    if installed:
        place = (GROUP, "chaosexperiments", "default", "pod-cpu-hog")
        world.store.create(place, {"kind": "ChaosExperiment", "metadata": {}, "spec": {}})
    env = [{"name": "TOTAL_CHAOS_DURATION", "value": "60"}]
    spec = {
        "engineState": "active",
        "experiments": [{"name": "pod-cpu-hog", "spec": {"components": {"env": env}}}],
    }
    body = {
        "apiVersion": f"{GROUP}/v1alpha1",
        "kind": "ChaosEngine",
        "metadata": about,
        "spec": spec,
    }
    world.store.create(ENGINE, body)
    world.settle()


def status(world: World) -> tuple[str, str, str]:
    found = world.read(ENGINE)["status"]
    (one,) = found["experiments"]
    return found["engineStatus"], one["status"], one["verdict"]


def result(world: World) -> Object:
    found: Object = world.read(RESULT)["status"]["experimentStatus"]
    return found


def test_an_engine_runs_and_passes(world: World) -> None:
    start(world)
    assert status(world) == ("initialized", "Running", "Awaited")
    world.advance(seconds=59)
    assert status(world)[0] == "initialized"
    world.advance(seconds=1)
    assert status(world) == ("completed", "Completed", "Pass")
    assert world.read(ENGINE)["spec"]["engineState"] == "stop"
    assert result(world)["verdict"] == "Pass"


def test_completed_is_no_success(world: World) -> None:
    start(world, annotations={VERDICT_ANNOTATION: "Fail"})
    world.advance(seconds=60)
    assert status(world) == ("completed", "Completed", "Fail")
    assert result(world)["errorOutput"]["errorCode"] == "GENERIC_ERROR"


def test_an_experiment_that_is_not_installed(world: World) -> None:
    start(world, installed=False)
    assert status(world)[1] == "ChaosExperiment Not Found"


def test_a_stop_aborts_by_force(world: World) -> None:
    start(world)
    engine = world.read(ENGINE)
    engine["spec"]["engineState"] = "stop"
    world.store.update(ENGINE, engine)
    world.settle()
    assert status(world) == ("stopped", "Forcefully Aborted", "Stopped")
    assert result(world) == {"phase": "Stopped", "verdict": "Stopped"}


def test_a_deletion_aborts_too(world: World) -> None:
    start(world)
    world.store.delete(ENGINE)
    world.settle()
    assert world.store.get(ENGINE) is None
    assert result(world)["verdict"] == "Stopped"
