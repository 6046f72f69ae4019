"""Chaos Mesh told to fail."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bridge.sandbox.kubernetes.chaos_mesh_misbehaviour import MISBEHAVE_ANNOTATION
from bridge.sandbox.kubernetes.chaos_mesh_records import MAX_EVENTS
from bridge.sandbox.kubernetes.objects import Key

if TYPE_CHECKING:
    from .conftest import World

DEFAULT_NAMESPACE = ("", "namespaces", "", "default")


def tell(world: World, how: str, words: str) -> dict[str, str]:
    """Tell it in one of three ways; returns the annotations that the resource must carry."""
    if how == "resource":
        return {MISBEHAVE_ANNOTATION: words}
    if how == "namespace":
        world.annotate(DEFAULT_NAMESPACE, MISBEHAVE_ANNOTATION, words)
    else:
        world.chaos.misbehave(
            never_inject=words == "never-inject",
            never_recover=words == "never-recover",
            stuck_finalizer=words == "stuck-finalizer",
        )
    return {}


@pytest.fixture(params=["resource", "namespace", "call"])
def how(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_never_inject(world: World, how: str) -> None:
    key = world.create(annotations=tell(world, how, "never-inject"))
    world.advance(seconds=179)
    [record] = world.records(key)
    assert record["phase"] == "Not Injected"
    assert record["injectedCount"] == 0
    assert {(each["type"], each["operation"]) for each in record["events"]} == {("Failed", "Apply")}
    assert world.conditions(key)["AllRecovered"] == "True"
    assert world.suffering() == {}
    message = "Failed to apply chaos: the sandbox was told never to inject this"
    assert ("Warning", "Failed", message) in world.events(key)
    world.advance(seconds=1)
    assert world.read(key)["status"]["experiment"]["desiredPhase"] == "Stop"
    world.store.delete(key)
    world.settle()
    assert world.store.get(key) is None


def test_never_recover(world: World, how: str) -> None:
    key = world.create(annotations=tell(world, how, "never-recover"))
    world.advance(seconds=200)
    assert world.phases(key) == {"Injected"}
    world.store.delete(key)
    world.advance(hours=1)
    assert world.suffering() == {"carts": ["delay"]}
    assert world.records(key)[0]["events"][-1]["operation"] == "Recover"


def test_stuck_finalizer(world: World, how: str) -> None:
    key = world.create(annotations=tell(world, how, "stuck-finalizer"))
    world.settle()
    world.store.delete(key)
    world.advance(hours=1)
    assert world.phases(key) == {"Not Injected"}
    assert world.suffering() == {}
    assert world.read(key)["metadata"]["finalizers"] == ["chaos-mesh/records"]
    world.annotate(key, "chaos-mesh.chaos-mesh.org/cleanFinalizer", "forced")
    world.settle()
    assert world.store.get(key) is None


def test_retries_back_off_and_events_are_a_ring(world: World) -> None:
    world.chaos.misbehave(never_recover=True)
    key = world.create()
    world.advance(seconds=181)
    # 5 ms, 10 ms, 20 ms …: seven retries in the first second after the failure.
    failures = [each for each in world.records(key)[0]["events"] if each["type"] == "Failed"]
    assert len(failures) == 8
    world.advance(days=3)
    assert len(world.records(key)[0]["events"]) == MAX_EVENTS
    due = world.settle()
    assert due is not None
    assert due - world.now <= timedelta(seconds=1000)


def test_behave_tries_again_at_once(world: World) -> None:
    world.chaos.misbehave(never_recover=True)
    key = world.create()
    world.settle()
    world.store.delete(key)
    world.advance(hours=1)
    world.chaos.behave()
    world.settle()
    assert world.store.get(key) is None
    assert world.suffering() == {}


def test_patterns_choose_whom_it_concerns(world: World) -> None:
    world.chaos.misbehave(never_inject=True, kind="Network*", namespace="default", name="fis-*")
    concerned = world.create(name="fis-1")
    other = world.create(name="mine")
    world.settle()
    assert world.phases(concerned) == {"Not Injected"}
    assert world.phases(other) == {"Injected"}


@pytest.mark.parametrize("by_annotation", [True, False])
def test_delay_holds_for_injection_and_recovery(world: World, *, by_annotation: bool) -> None:
    annotations = {}
    if by_annotation:
        annotations[MISBEHAVE_ANNOTATION] = "delay=5s"
    else:
        world.chaos.misbehave(delay=timedelta(seconds=5))
    key = world.create(annotations=annotations)
    world.advance(seconds=4)
    assert world.phases(key) == {"Not Injected"}
    world.advance(seconds=1)
    assert world.phases(key) == {"Injected"}
    world.store.delete(key)
    world.advance(seconds=4)
    assert world.suffering() == {"carts": ["delay"]}
    world.advance(seconds=1)
    assert world.store.get(key) is None
    assert world.suffering() == {}


def test_an_unreadable_annotation_changes_nothing(world: World) -> None:
    key = world.create(annotations={MISBEHAVE_ANNOTATION: "delay=soon, nonsense"})
    world.settle()
    assert world.phases(key) == {"Injected"}


def test_one_broken_resource_does_not_stop_the_others(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    broken = Key("chaos-mesh.org", "networkchaos", "default", "broken")
    body = {"kind": "NetworkChaos", "spec": {"mode": "all", "selector": "all of them"}}
    world.store.create(broken, {"apiVersion": "chaos-mesh.org/v1alpha1", **body})
    key = world.create()
    world.settle()
    assert world.phases(key) == {"Injected"}
    assert "cannot reconcile networkchaos default/broken" in caplog.text


def test_a_successor_of_the_same_name_inherits_no_failures(world: World) -> None:
    key = world.create(annotations={MISBEHAVE_ANNOTATION: "never-inject"})
    world.advance(seconds=100)
    chaos = world.read(key)
    chaos["metadata"]["finalizers"] = []
    world.store.update(key, chaos)
    world.store.delete(key)
    world.create()
    world.settle()
    assert world.phases(key) == {"Injected"}
