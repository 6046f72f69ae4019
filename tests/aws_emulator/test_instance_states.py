"""EC2's instance life cycle, rule by rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bridge.sandbox.aws import AwsEmulator, VirtualClock

Launch = Callable[..., list[str]]


def instance_of(ec2: Any, instance_id: str) -> Any:
    (reservation,) = ec2.describe_instances(InstanceIds=[instance_id])["Reservations"]
    return reservation["Instances"][0]


def states(ec2: Any, ids: list[str]) -> list[tuple[str, int]]:
    found = [instance_of(ec2, each)["State"] for each in ids]
    return [(state["Name"], state["Code"]) for state in found]


def refusal(call: Callable[[], Any]) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    status = caught.value.response["ResponseMetadata"]["HTTPStatusCode"]
    return error["Code"], error["Message"], status


def test_a_launched_instance_is_pending_before_it_runs(
    ec2: Any, emulator: AwsEmulator, clock: VirtualClock
) -> None:
    answer = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)
    ids = [answer["Instances"][0]["InstanceId"]]
    assert answer["Instances"][0]["State"] == {"Code": 0, "Name": "pending"}
    clock.advance(0.9)
    assert states(ec2, ids) == [("pending", 0)]
    clock.advance(0.1)
    assert states(ec2, ids) == [("running", 16)]


def test_stopping_takes_time_and_gives_the_reason_from_the_start(
    ec2: Any, launch: Launch, clock: VirtualClock
) -> None:
    ids = launch()
    (change,) = ec2.stop_instances(InstanceIds=ids)["StoppingInstances"]
    assert (change["PreviousState"]["Name"], change["CurrentState"]["Name"]) == (
        "running",
        "stopping",
    )
    asked = clock().strftime("%Y-%m-%d %H:%M:%S GMT")
    stopping = instance_of(ec2, ids[0])
    assert stopping["State"] == {"Code": 64, "Name": "stopping"}
    assert stopping["StateTransitionReason"] == f"User initiated ({asked})"
    clock.advance(1)
    stopped = instance_of(ec2, ids[0])
    assert stopped["State"] == {"Code": 80, "Name": "stopped"}
    assert stopped["StateTransitionReason"] == f"User initiated ({asked})"
    assert stopped["StateReason"]["Code"] == "Client.UserInitiatedShutdown"


def test_starting_goes_through_pending_with_a_new_launch_time(
    ec2: Any, launch: Launch, emulator: AwsEmulator, clock: VirtualClock
) -> None:
    ids = launch()
    first = instance_of(ec2, ids[0])["LaunchTime"]
    ec2.stop_instances(InstanceIds=ids)
    clock.advance(60)
    (change,) = ec2.start_instances(InstanceIds=ids)["StartingInstances"]
    assert (change["PreviousState"]["Name"], change["CurrentState"]["Name"]) == (
        "stopped",
        "pending",
    )
    assert states(ec2, ids) == [("pending", 0)]
    clock.advance(1)
    running = instance_of(ec2, ids[0])
    assert running["State"]["Name"] == "running"
    assert running["StateTransitionReason"] == ""
    assert (running["LaunchTime"] - first).total_seconds() >= 60


def test_stopping_a_stopped_and_starting_a_running_instance_change_nothing(
    ec2: Any, launch: Launch, clock: VirtualClock
) -> None:
    ids = launch()
    (change,) = ec2.start_instances(InstanceIds=ids)["StartingInstances"]
    assert change["CurrentState"] == change["PreviousState"] == {"Code": 16, "Name": "running"}
    ec2.stop_instances(InstanceIds=ids)
    (change,) = ec2.stop_instances(InstanceIds=ids)["StoppingInstances"]
    assert change["CurrentState"] == change["PreviousState"] == {"Code": 64, "Name": "stopping"}
    clock.advance(1)
    (change,) = ec2.stop_instances(InstanceIds=ids)["StoppingInstances"]
    assert change["CurrentState"] == change["PreviousState"] == {"Code": 80, "Name": "stopped"}
    assert states(ec2, ids) == [("stopped", 80)]


def test_a_stopping_instance_cannot_be_started(
    ec2: Any, launch: Launch, clock: VirtualClock
) -> None:
    ids = launch()
    ec2.stop_instances(InstanceIds=ids)
    assert refusal(lambda: ec2.start_instances(InstanceIds=ids)) == (
        "IncorrectInstanceState",
        f"The instance '{ids[0]}' is not in a state from which it can be started.",
        400,
    )
    clock.advance(1)
    assert states(ec2, ids) == [("stopped", 80)]


def test_an_instance_that_never_ran_cannot_be_stopped(ec2: Any, emulator: AwsEmulator) -> None:
    answer = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)
    ids = [answer["Instances"][0]["InstanceId"]]
    assert refusal(lambda: ec2.stop_instances(InstanceIds=ids)) == (
        "IncorrectInstanceState",
        f"Instance '{ids[0]}' cannot be stopped as it has never reached the 'running' state.",
        400,
    )


def test_an_instance_pending_after_a_start_can_be_stopped(
    ec2: Any, launch: Launch, clock: VirtualClock
) -> None:
    ids = launch()
    ec2.stop_instances(InstanceIds=ids)
    clock.advance(1)
    ec2.start_instances(InstanceIds=ids)
    ec2.stop_instances(InstanceIds=ids)
    clock.advance(5)
    assert states(ec2, ids) == [("stopped", 80)]


def test_a_terminated_instance_shuts_down_stays_visible_an_hour_and_is_then_unknown(
    ec2: Any, launch: Launch, clock: VirtualClock
) -> None:
    ids = launch()
    (change,) = ec2.terminate_instances(InstanceIds=ids)["TerminatingInstances"]
    assert change["CurrentState"] == {"Code": 32, "Name": "shutting-down"}
    assert states(ec2, ids) == [("shutting-down", 32)]
    clock.advance(1)
    assert states(ec2, ids) == [("terminated", 48)]
    clock.advance(3599)
    assert states(ec2, ids) == [("terminated", 48)]
    clock.advance(1)
    code, _, _ = refusal(lambda: ec2.describe_instances(InstanceIds=ids))
    assert code == "InvalidInstanceID.NotFound"


def test_terminating_again_succeeds(ec2: Any, launch: Launch, clock: VirtualClock) -> None:
    ids = launch()
    ec2.terminate_instances(InstanceIds=ids)
    clock.advance(1)
    (change,) = ec2.terminate_instances(InstanceIds=ids)["TerminatingInstances"]
    assert change["CurrentState"] == change["PreviousState"] == {"Code": 48, "Name": "terminated"}


@pytest.mark.parametrize("seconds", [0, 1], ids=["shutting-down", "terminated"])
@pytest.mark.parametrize(
    ("operation", "message"),
    [
        ("start_instances", "The instance '{}' is not in a state from which it can be started."),
        ("stop_instances", "This instance '{}' is not in a state from which it can be stopped."),
    ],
)
def test_what_goes_away_does_not_come_back(
    ec2: Any,
    launch: Launch,
    clock: VirtualClock,
    *,
    operation: str,
    message: str,
    seconds: int,
) -> None:
    ids = launch()
    ec2.terminate_instances(InstanceIds=ids)
    clock.advance(seconds)
    before = states(ec2, ids)
    assert refusal(lambda: getattr(ec2, operation)(InstanceIds=ids)) == (
        "IncorrectInstanceState",
        message.format(ids[0]),
        400,
    )
    assert states(ec2, ids) == before


def test_rebooting_a_terminated_instance_is_ignored_and_does_not_revive_it(
    ec2: Any, launch: Launch, clock: VirtualClock
) -> None:
    ids = launch()
    ec2.terminate_instances(InstanceIds=ids)
    clock.advance(1)
    ec2.reboot_instances(InstanceIds=ids)
    clock.advance(1)
    assert states(ec2, ids) == [("terminated", 48)]


def test_a_reboot_keeps_a_running_instance_running_and_refuses_a_stopped_one(
    ec2: Any, launch: Launch, clock: VirtualClock
) -> None:
    ids = launch()
    ec2.reboot_instances(InstanceIds=ids)
    assert states(ec2, ids) == [("running", 16)]
    ec2.stop_instances(InstanceIds=ids)
    clock.advance(1)
    code, _, _ = refusal(lambda: ec2.reboot_instances(InstanceIds=ids))
    assert code == "IncorrectInstanceState"
    assert states(ec2, ids) == [("stopped", 80)]


BATCHES = ["start_instances", "stop_instances", "reboot_instances", "terminate_instances"]


@pytest.mark.parametrize("operation", BATCHES)
def test_one_unknown_id_fails_the_batch_and_changes_nothing(
    ec2: Any, launch: Launch, operation: str
) -> None:
    ids = launch(2)
    missing = "i-0123456789abcdef0"
    assert refusal(lambda: getattr(ec2, operation)(InstanceIds=[*ids, missing])) == (
        "InvalidInstanceID.NotFound",
        f"The instance ID '{missing}' does not exist",
        400,
    )
    assert states(ec2, ids) == [("running", 16)] * 2


def test_several_unknown_ids_are_named_together(ec2: Any, launch: Launch) -> None:
    missing = ["i-0123456789abcdef0", "i-0123456789abcdef1"]
    code, message, _ = refusal(lambda: ec2.stop_instances(InstanceIds=[*launch(), *missing]))
    assert code == "InvalidInstanceID.NotFound"
    assert message == f"The instance IDs '{', '.join(missing)}' do not exist"


@pytest.mark.parametrize("operation", [*BATCHES, "describe_instances"])
def test_a_malformed_id_fails_the_batch(ec2: Any, launch: Launch, operation: str) -> None:
    ids = launch()
    wrong = [*ids, "i-nonsense"]
    assert refusal(lambda: getattr(ec2, operation)(InstanceIds=wrong)) == (
        "InvalidInstanceID.Malformed",
        'Invalid id: "i-nonsense"',
        400,
    )
    assert states(ec2, ids) == [("running", 16)]


def test_one_instance_in_a_wrong_state_fails_the_batch_and_changes_nothing(
    ec2: Any, launch: Launch, clock: VirtualClock
) -> None:
    ids = launch(3)
    ec2.terminate_instances(InstanceIds=ids[2:])
    clock.advance(1)
    code, _, _ = refusal(lambda: ec2.stop_instances(InstanceIds=ids))
    assert code == "IncorrectInstanceState"
    assert states(ec2, ids[:2]) == [("running", 16)] * 2
    ec2.stop_instances(InstanceIds=ids[:2])
    clock.advance(1)
    code, _, _ = refusal(lambda: ec2.start_instances(InstanceIds=ids))
    assert code == "IncorrectInstanceState"
    assert states(ec2, ids[:2]) == [("stopped", 80)] * 2


def test_a_dry_run_changes_nothing(ec2: Any, launch: Launch) -> None:
    ids = launch()
    code, _, _ = refusal(lambda: ec2.stop_instances(InstanceIds=ids, DryRun=True))
    assert code == "DryRunOperation"
    assert states(ec2, ids) == [("running", 16)]


def test_stop_protection_fails_the_batch(ec2: Any, launch: Launch) -> None:
    ids = launch(2)
    ec2.modify_instance_attribute(InstanceId=ids[1], DisableApiStop={"Value": True})
    code, _, _ = refusal(lambda: ec2.stop_instances(InstanceIds=ids))
    assert code == "OperationNotPermitted"
    assert states(ec2, ids) == [("running", 16)] * 2


def test_termination_protection_saves_its_zone_and_no_other(ec2: Any, launch: Launch) -> None:
    here, guarded = launch(2)
    (elsewhere,) = launch(zone="us-east-1b")
    ec2.modify_instance_attribute(InstanceId=guarded, DisableApiTermination={"Value": True})
    batch = [here, guarded, elsewhere]
    code, message, _ = refusal(lambda: ec2.terminate_instances(InstanceIds=batch))
    assert code == "OperationNotPermitted"
    assert guarded in message
    assert [name for name, _ in states(ec2, batch)] == ["running", "running", "shutting-down"]
