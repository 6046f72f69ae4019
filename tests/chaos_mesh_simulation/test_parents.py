"""Schedule, Workflow and StatusCheck in virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes.chaos_mesh_status_check import PROBE_ANNOTATION
from bridge.sandbox.kubernetes.objects import Key, Object

from .conftest import DELAY, conditions

if TYPE_CHECKING:
    from .conftest import World

GROUP = "chaos-mesh.org"
NO_DURATION = {key: value for key, value in DELAY.items() if key != "duration"}


def create(world: World, kind: str, spec: dict[str, Any], **about: Any) -> Key:
    key = Key(GROUP, f"{kind.lower()}s", "default", "fault")
    body = {
        "apiVersion": f"{GROUP}/v1alpha1",
        "kind": kind,
        "metadata": {"name": "fault", "namespace": "default", **about},
        "spec": spec,
    }
    world.store.create(key, body)
    world.settle()
    return key


def named(world: World, plural: str) -> list[Object]:
    return world.store.list(GROUP, plural, "default")


def schedule(policy: str = "Forbid", **inner: Any) -> dict[str, Any]:
    spec = {**DELAY, **inner}
    return {
        "schedule": "@every 1m",
        "type": "NetworkChaos",
        "concurrencyPolicy": policy,
        "networkChaos": {key: value for key, value in spec.items() if value is not None},
    }


def test_a_schedule_begins_a_run_each_time(world: World) -> None:
    key = create(world, "Schedule", schedule(duration="20s"))
    world.advance(seconds=59)
    assert named(world, "networkchaos") == []
    world.advance(seconds=1)
    (run,) = named(world, "networkchaos")
    assert run["metadata"]["name"].startswith("fault-")
    assert run["metadata"]["labels"] == {"managed-by": "fault"}
    assert run["metadata"]["ownerReferences"][0]["kind"] == "Schedule"
    assert [one["name"] for one in world.read(key)["status"]["active"]] == [run["metadata"]["name"]]
    assert world.suffering() == {"carts": ["delay"]}
    world.advance(seconds=20)
    assert world.suffering() == {}
    assert world.read(key)["status"]["active"] == []
    world.advance(seconds=40)
    assert len(named(world, "networkchaos")) == 2
    world.advance(seconds=25)
    assert len(named(world, "networkchaos")) == 1  # historyLimit


def test_a_run_that_does_not_end_forbids_all_others(world: World) -> None:
    key = create(world, "Schedule", schedule(duration=None))
    world.advance(minutes=5)
    assert len(named(world, "networkchaos")) == 1
    assert "Forbid" in [reason for _, reason, _ in world.events(key)]


def test_where_it_is_allowed_runs_are_side_by_side(world: World) -> None:
    key = create(world, "Schedule", schedule("Allow", duration=None))
    world.advance(minutes=3)
    assert len(named(world, "networkchaos")) == 3
    assert len(world.read(key)["status"]["active"]) == 3


def test_a_paused_schedule_begins_nothing(world: World) -> None:
    key = create(world, "Schedule", schedule(duration="20s"))
    world.annotate(key, "experiment.chaos-mesh.org/pause", "true")
    world.advance(minutes=3)
    assert named(world, "networkchaos") == []
    world.annotate(key, "experiment.chaos-mesh.org/pause", "false")
    world.settle()
    assert len(named(world, "networkchaos")) == 1  # the latest that was missed


def test_one_that_cannot_be_handled_stops_no_other(world: World) -> None:
    key = create(world, "Schedule", schedule(duration="20s"))
    broken = world.read(key)
    broken["status"] = {"time": "some day"}
    world.store.update(key, broken)
    check = Key(GROUP, "statuschecks", "default", "fault")
    create(world, "StatusCheck", CHECK)
    assert conditions(world.read(check))["Completed"] == "True"
    mended = world.read(key)
    del mended["status"]
    world.store.update(key, mended)
    world.advance(minutes=1)
    assert len(named(world, "networkchaos")) == 1


def workflow(*templates: dict[str, Any], **entry: Any) -> dict[str, Any]:
    children = [template["name"] for template in templates]
    first = {"name": "entry", "templateType": "Serial", "children": children, **entry}
    return {"entry": "entry", "templates": [first, *templates]}


def chaos(name: str, deadline: str | None = "30s") -> dict[str, Any]:
    made = {"name": name, "templateType": "NetworkChaos", "networkChaos": NO_DURATION}
    return made if deadline is None else {**made, "deadline": deadline}


def node(world: World, template: str) -> Object:
    (found,) = [
        one for one in named(world, "workflownodes") if one["spec"]["templateName"] == template
    ]
    return found


def test_a_serial_workflow_goes_node_by_node(world: World) -> None:
    pause = {"name": "pause", "templateType": "Suspend", "deadline": "10s"}
    key = create(world, "Workflow", workflow(chaos("first"), pause, chaos("second")))
    assert {one["spec"]["templateName"] for one in named(world, "workflownodes")} == {
        "entry", "first",
    }  # fmt: skip
    assert world.suffering() == {"carts": ["delay"]}
    first = node(world, "first")
    assert conditions(first)["ChaosInjected"] == "True"
    assert first["metadata"]["labels"]["chaos-mesh.org/workflow"] == "fault"
    world.advance(seconds=30)
    assert conditions(node(world, "first"))["DeadlineExceed"] == "True"
    assert world.suffering() == {}
    world.advance(seconds=10)
    assert world.suffering() == {"carts": ["delay"]}
    world.advance(seconds=30)
    assert conditions(world.read(key))["Accomplished"] == "True"
    assert world.read(key)["status"]["endTime"]
    assert named(world, "networkchaos") == []


def test_a_parallel_workflow_does_all_at_once(world: World) -> None:
    spec = workflow(chaos("one"), chaos("two", "40s"), templateType="Parallel")
    key = create(world, "Workflow", spec)
    assert len(named(world, "networkchaos")) == 2
    world.advance(seconds=30)
    assert len(named(world, "networkchaos")) == 1
    world.advance(seconds=10)
    assert conditions(world.read(key))["Accomplished"] == "True"


def test_a_chaos_without_deadline_ends_with_its_parent_only(world: World) -> None:
    key = create(world, "Workflow", workflow(chaos("only", None), deadline="2m"))
    world.advance(seconds=119)
    assert world.suffering() == {"carts": ["delay"]}
    world.advance(seconds=1)
    assert world.suffering() == {}
    assert conditions(node(world, "only"))["DeadlineExceed"] == "True"
    assert conditions(world.read(key))["Accomplished"] == "True"


def test_an_abort_ends_every_node(world: World) -> None:
    key = create(world, "Workflow", workflow(chaos("only")))
    world.annotate(key, "workflow.chaos-mesh.org/abort", "true")
    world.settle()
    assert world.suffering() == {}
    assert conditions(node(world, "only"))["Aborted"] == "True"
    assert conditions(world.read(key))["Accomplished"] == "True"


def test_a_failing_status_check_aborts_its_workflow(world: World) -> None:
    world.annotate(("", "namespaces", "", "default"), PROBE_ANNOTATION, "failure")
    check = {
        "name": "check",
        "templateType": "StatusCheck",
        "deadline": "2m",
        "abortWithStatusCheck": True,
        "statusCheck": {"type": "HTTP", "mode": "Continuous", "http": {"url": "http://a.test"}},
    }
    spec = workflow(check, chaos("only", "2m"), templateType="Parallel")
    key = create(world, "Workflow", spec)
    assert world.suffering() == {"carts": ["delay"]}
    world.advance(seconds=20)
    assert world.read(key)["metadata"]["annotations"]["workflow.chaos-mesh.org/abort"] == "true"
    assert world.suffering() == {}


def test_a_task_says_that_it_is_not_supported(world: World) -> None:
    task = {"name": "task", "templateType": "Task", "deadline": "10s", "task": {}}
    key = create(world, "Workflow", workflow(task))
    assert any("Task is not supported" in message for _, _, message in world.events(key))
    world.advance(seconds=10)
    assert conditions(world.read(key))["Accomplished"] == "True"


CHECK: dict[str, Any] = {"type": "HTTP", "http": {"url": "http://a.test"}, "intervalSeconds": 5}


def test_a_synchronous_check_completes_with_the_first_success(world: World) -> None:
    key = create(world, "StatusCheck", CHECK)
    found = conditions(world.read(key))
    assert (found["Completed"], found["SuccessThresholdExceed"]) == ("True", "True")


def test_a_check_fails_at_its_threshold(world: World) -> None:
    key = create(world, "StatusCheck", CHECK, annotations={PROBE_ANNOTATION: "failure"})
    world.advance(seconds=9)
    assert conditions(world.read(key))["Completed"] == "False"
    world.advance(seconds=1)
    found = conditions(world.read(key))
    assert (found["Completed"], found["FailureThresholdExceed"]) == ("True", "True")
    assert [one["outcome"] for one in world.read(key)["status"]["records"]] == ["Failure"] * 3


def test_a_continuous_check_goes_on_until_its_duration_is_over(world: World) -> None:
    key = create(world, "StatusCheck", {**CHECK, "mode": "Continuous", "duration": "12s"})
    world.advance(seconds=11)
    assert conditions(world.read(key))["Completed"] == "False"
    world.advance(seconds=1)
    found = conditions(world.read(key))
    assert (found["Completed"], found["DurationExceed"]) == ("True", "True")
