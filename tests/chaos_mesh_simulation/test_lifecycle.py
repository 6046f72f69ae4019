"""The life of a chaos resource, rule by rule."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import World

SELECT_CARTS = {"namespaces": ["sock-shop"], "labelSelectors": {"name": "carts"}}
DELAY = {
    "action": "delay",
    "delay": {"latency": "90ms"},
    "mode": "one",
    "selector": SELECT_CARTS,
}
STRESS = {"mode": "one", "selector": SELECT_CARTS, "stressors": {"cpu": {"workers": 1}}}
POD_KILL = {"action": "pod-kill", "mode": "one", "selector": SELECT_CARTS, "duration": "10s"}


def updated(field: str) -> tuple[str, str, str]:
    return "Normal", "Updated", f"Successfully update {field} of resource"


def test_a_network_fault_tells_the_published_story(world: World) -> None:
    """The events of the published run, in its order and words."""
    key = world.create()
    world.advance(seconds=180)
    record = f"sock-shop/{world.pods('carts')[0]}"
    world.store.delete(key)
    world.settle()
    assert world.events(key) == [
        ("Normal", "FinalizerInited", "Finalizer has been inited"),
        updated("finalizer"),
        ("Normal", "Started", "Experiment has started"),
        updated("desiredPhase"),
        updated("records"),
        ("Normal", "Applied", f"Successfully apply chaos for {record}"),
        updated("records"),
        ("Normal", "TimeUp", "Time up according to the duration"),
        updated("desiredPhase"),
        updated("records"),
        ("Normal", "Recovered", f"Successfully recover chaos for {record}"),
        updated("records"),
        ("Normal", "FinalizerInited", "Finalizer has been removed"),
        updated("finalizer"),
    ]


def test_status_while_injected(world: World) -> None:
    key = world.create()
    world.settle()
    record = f"sock-shop/{world.pods('carts')[0]}"
    chaos = world.read(key)
    assert chaos["metadata"]["finalizers"] == ["chaos-mesh/records"]
    assert chaos["status"]["experiment"] == {
        "desiredPhase": "Run",
        "containerRecords": [
            {
                "id": record,
                "selectorKey": ".",
                "phase": "Injected",
                "injectedCount": 1,
                "recoveredCount": 0,
                "events": [
                    {
                        "type": "Succeeded",
                        "operation": "Apply",
                        "timestamp": "2026-01-02T03:04:05Z",
                    }
                ],
            }
        ],
    }
    assert chaos["status"]["instances"] == {record: 1}
    assert world.suffering() == {"carts": ["delay"]}


def test_the_finalizer_comes_before_the_fault(world: World) -> None:
    key = world.create()
    world.settle()
    for state in world.versions(key):
        if "status" in state:
            assert state["metadata"]["finalizers"] == ["chaos-mesh/records"]


def test_conditions_lag_one_round_behind_records(world: World) -> None:
    key = world.create("StressChaos", STRESS)
    world.chaos.step()
    assert world.phases(key) == {"Injected"}
    assert world.conditions(key)["Selected"] == "False"
    assert world.conditions(key)["AllInjected"] == "False"
    world.chaos.step()
    assert world.conditions(key)["Selected"] == "True"
    assert world.conditions(key)["AllInjected"] == "True"


def test_all_recovered_is_true_before_anything_was_injected(world: World) -> None:
    # One-step kinds inject in the round that selects, so only a slow one shows it.
    world.chaos.misbehave(delay=timedelta(seconds=5))
    key = world.create()
    world.settle()
    assert world.phases(key) == {"Not Injected"}
    assert world.conditions(key) == {
        "Selected": "True",
        "AllInjected": "False",
        "AllRecovered": "True",
        "Paused": "False",
    }


def test_conditions_come_in_random_order(world: World) -> None:
    orders = set()
    for number in range(40):
        key = world.create(spec=STRESS, kind="StressChaos", name=f"fault-{number}")
        world.settle()
        orders.add(tuple(each["type"] for each in world.read(key)["status"]["conditions"]))
    assert len(orders) > 10


def test_duration_counts_from_creation(world: World) -> None:
    world.chaos.misbehave(delay=timedelta(seconds=100))
    key = world.create()
    world.advance(seconds=101)
    assert world.phases(key) == {"Injected"}
    world.chaos.behave()
    world.advance(seconds=78)
    assert world.phases(key) == {"Injected"}
    world.advance(seconds=1)
    assert world.read(key)["status"]["experiment"]["desiredPhase"] == "Stop"
    assert world.phases(key) == {"Not Injected"}
    assert world.suffering() == {}


def test_the_resource_outlives_its_duration(world: World) -> None:
    key = world.create()
    world.advance(hours=12)
    assert world.conditions(key)["AllRecovered"] == "True"
    [record] = world.records(key)
    assert (record["injectedCount"], record["recoveredCount"]) == (1, 1)
    assert "instances" not in world.read(key)["status"]


@pytest.mark.parametrize("duration", [None, "", "abc"])
def test_without_a_readable_duration_it_lasts_for_ever(world: World, duration: str | None) -> None:
    spec = {"mode": "all", "selector": SELECT_CARTS, "timeOffset": "-10m", "duration": duration}
    key = world.create("TimeChaos", spec)
    world.advance(days=30)
    assert world.phases(key) == {"Injected"}


def test_a_duration_that_is_over_at_creation_never_injects(world: World) -> None:
    key = world.create("StressChaos", {**STRESS, "duration": "-1s"})
    world.settle()
    [record] = world.records(key)
    assert record["injectedCount"] == 0
    assert world.read(key)["status"]["experiment"]["desiredPhase"] == "Stop"


def test_no_match_leaves_no_records(world: World) -> None:
    spec = {**STRESS, "selector": {**SELECT_CARTS, "labelSelectors": {"name": "nobody"}}}
    key = world.create("StressChaos", spec)
    world.advance(minutes=5)
    assert "containerRecords" not in world.read(key)["status"]["experiment"]
    assert world.conditions(key) == {
        "Selected": "False",
        "AllInjected": "False",
        "AllRecovered": "False",
        "Paused": "False",
    }
    failures = [event for event in world.events(key) if event[1] == "Failed"]
    assert set(failures) == {("Warning", "Failed", "Failed to select targets: no pod is selected")}
    world.store.delete(key)
    world.settle()
    assert world.store.get(key) is None


def test_a_failed_selection_is_tried_again_at_the_next_change_only(world: World) -> None:
    spec = {**STRESS, "selector": {**SELECT_CARTS, "labelSelectors": {"name": "nobody"}}}
    key = world.create("StressChaos", spec)
    world.settle()
    before = len(world.events(key))
    world.advance(hours=0.5)
    assert len(world.events(key)) == before
    world.annotate(key, "touched", "yes")
    world.settle()
    assert len(world.events(key)) == before + 1


def test_delete_recovers_then_drops_all_finalizers(world: World) -> None:
    key = world.create(finalizers=["example.org/mine"])
    world.settle()
    assert world.read(key)["metadata"]["finalizers"] == ["example.org/mine", "chaos-mesh/records"]
    world.store.delete(key)
    assert world.suffering() == {"carts": ["delay"]}
    world.settle()
    assert world.store.get(key) is None
    assert world.suffering() == {}
    assert ("Normal", "Deleted", "Experiment has been deleted") in world.events(key)


def test_a_delete_half_way_injects_before_it_recovers(world: World) -> None:
    key = world.create()
    world.chaos.step()
    assert world.phases(key) == {"Not Injected/Wait"}
    world.store.delete(key)
    world.settle()
    assert world.store.get(key) is None
    assert [event[1] for event in world.events(key)].count("Applied") == 1
    assert [event[1] for event in world.events(key)].count("Recovered") == 1


def test_pause_and_resume(world: World) -> None:
    key = world.create("StressChaos", STRESS)
    world.settle()
    world.annotate(key, "experiment.chaos-mesh.org/pause", "true")
    world.settle()
    assert world.suffering() == {}
    assert world.conditions(key)["Paused"] == "True"
    assert ("Normal", "Paused", "Experiment has been paused") in world.events(key)
    world.annotate(key, "experiment.chaos-mesh.org/pause", "yes")
    world.settle()
    assert world.suffering() == {"carts": ["StressChaos"]}
    [record] = world.records(key)
    assert (record["injectedCount"], record["recoveredCount"]) == (2, 1)
    assert world.conditions(key)["Paused"] == "False"


def test_forced_clean_needs_a_deletion_and_leaves_the_fault(world: World) -> None:
    world.chaos.misbehave(never_recover=True)
    key = world.create()
    world.settle()
    world.annotate(key, "chaos-mesh.chaos-mesh.org/cleanFinalizer", "forced")
    world.settle()
    assert world.read(key)["metadata"]["finalizers"] == ["chaos-mesh/records"]
    world.store.delete(key)
    world.settle()
    assert world.store.get(key) is None
    assert world.suffering() == {"carts": ["delay"]}


def test_finalizer_patched_away_leaves_the_fault(world: World) -> None:
    world.chaos.misbehave(stuck_finalizer=True, never_recover=True)
    key = world.create()
    world.settle()
    world.store.delete(key)
    chaos = world.read(key)
    chaos["metadata"]["finalizers"] = []
    world.store.update(key, chaos)
    world.settle()
    assert world.store.get(key) is None
    assert world.suffering() == {"carts": ["delay"]}


def test_a_resource_deleted_before_its_finalizer_was_set_does_nothing(world: World) -> None:
    key = world.create()
    world.store.delete(key)
    world.settle()
    assert world.store.get(key) is None
    assert world.suffering() == {}


def test_a_second_resource_of_the_same_name_starts_anew(world: World) -> None:
    key = world.create("StressChaos", STRESS)
    world.settle()
    world.store.delete(key)
    world.settle()
    world.create("StressChaos", STRESS)
    world.settle()
    [record] = world.records(key)
    assert record["injectedCount"] == 1


def test_status_wiped_by_a_put_selects_again(world: World) -> None:
    """There is no status subresource: whoever writes without status erases it."""
    key = world.create("StressChaos", STRESS)
    world.settle()
    chaos = world.read(key)
    del chaos["status"]
    world.store.update(key, chaos)
    world.settle()
    assert world.phases(key) == {"Injected"}
    assert world.suffering() == {"carts": ["StressChaos"]}


def test_remote_cluster_is_left_alone(world: World) -> None:
    key = world.create("StressChaos", {**STRESS, "remoteCluster": "far"})
    world.settle()
    assert "status" not in world.read(key)


@pytest.mark.parametrize("action", ["pod-kill", "container-kill"])
def test_one_shot_runs_until_it_is_deleted(world: World, action: str) -> None:
    before = world.pod("carts")["metadata"]["name"]
    key = world.create("PodChaos", {**POD_KILL, "action": action, "containerNames": ["carts"]})
    world.advance(hours=1)
    world.annotate(key, "experiment.chaos-mesh.org/pause", "true")
    world.settle()
    assert world.read(key)["status"]["experiment"]["desiredPhase"] == "Run"
    conditions = world.conditions(key)
    assert (conditions["AllInjected"], conditions["AllRecovered"]) == ("True", "False")
    assert world.records(key)[0]["injectedCount"] == 1
    assert "Started" not in [event[1] for event in world.events(key)]
    pod = world.pod("carts")
    if action == "pod-kill":
        assert pod["metadata"]["name"] != before
        assert pod["status"]["phase"] == "Running"
    else:
        assert world.records(key)[0]["id"].endswith("/carts")
        assert pod["status"]["containerStatuses"][0]["restartCount"] == 1
    world.store.delete(key)
    world.settle()
    assert world.store.get(key) is None
    assert world.suffering() == {}


def test_pod_failure_makes_the_pod_unready_until_it_is_over(world: World) -> None:
    key = world.create(
        "PodChaos",
        {"action": "pod-failure", "mode": "all", "selector": SELECT_CARTS, "duration": "30s"},
    )
    world.settle()
    assert world.suffering() == {"carts": ["pod-failure"]}
    assert not world.pod("carts")["status"]["containerStatuses"][0]["ready"]
    world.advance(seconds=30)
    assert world.phases(key) == {"Not Injected"}
    assert world.pod("carts")["status"]["containerStatuses"][0]["ready"]


def test_two_faults_on_one_pod_end_one_by_one(world: World) -> None:
    world.create("StressChaos", {**STRESS, "duration": "10s"})
    world.create(spec=None, name="delay")
    world.settle()
    assert world.suffering() == {"carts": ["StressChaos", "delay"]}
    world.advance(seconds=10)
    assert world.suffering() == {"carts": ["delay"]}


def test_a_fault_goes_with_its_pod(world: World) -> None:
    key = world.create()
    world.settle()
    world.store.delete(("", "pods", "sock-shop", world.pods("carts")[0]))
    world.settle()
    assert world.suffering() == {}
    world.advance(seconds=180)
    assert world.phases(key) == {"Not Injected"}


def test_cloud_kinds_record_their_selector(world: World) -> None:
    key = world.create(
        "AWSChaos",
        {
            "action": "ec2-stop",
            "awsRegion": "us-east-1",
            "ec2Instance": "i-1",
            "secretName": "keys",
            "duration": "10s",
        },
    )
    world.settle()
    [record] = world.records(key)
    assert record["id"] == '{"awsRegion":"us-east-1","ec2Instance":"i-1"}'
    assert world.phases(key) == {"Injected"}
    world.advance(seconds=10)
    assert world.phases(key) == {"Not Injected"}


def test_events_are_forgotten_after_an_hour(world: World) -> None:
    key = world.create()
    world.settle()
    world.now += timedelta(hours=1, seconds=1)
    world.settle()
    assert {event[1] for event in world.events(key)} == {"TimeUp", "Updated", "Recovered"}


def test_a_target_only_says_where_the_traffic_goes(world: World) -> None:
    user = {"namespaces": ["sock-shop"], "labelSelectors": {"name": "user"}}
    target = {"mode": "all", "selector": user}
    key = world.create(spec={**DELAY, "direction": "both", "target": target})
    world.settle()
    assert {record["selectorKey"] for record in world.records(key)} == {".", ".Target"}
    assert world.phases(key) == {"Injected"}
    assert world.suffering() == {"carts": ["delay"]}
