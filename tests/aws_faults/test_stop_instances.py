"""StopInstances: stopped, seen, started again; and what is left, refused or gone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bridge.sandbox.aws import AwsEmulator
from providers.aws.instances import StopInstances
from providers.aws.session import AwsSession
from providers.contract import (
    Effect,
    FenceLostError,
    Guard,
    Resource,
    Timing,
    TransientError,
    Undo,
)
from tests.aws_faults.conftest import Launch, OpenSession
from tests.aws_faults.records import instance_arn, kinds, records_of

FAULT = StopInstances()
NONE = FAULT.Parameters()


def states(ec2: Any, ids: list[str]) -> set[str]:
    answer = ec2.describe_instances(InstanceIds=ids)
    return {i["State"]["Name"] for r in answer["Reservations"] for i in r["Instances"]}


def test_parameters_are_those_of_fis() -> None:
    given = {"startInstancesAfterDuration": "PT5M", "completeIfInstancesTerminated": "true"}
    parameters = FAULT.Parameters.model_validate(given)
    assert FAULT.timing(parameters) == Timing.lasts(timedelta(minutes=5))
    assert FAULT.undo(parameters) is Undo.RESTORES
    assert not FAULT.gone_is_failure(parameters)
    assert FAULT.timing(NONE) == Timing.instant()
    assert FAULT.undo(NONE) is Undo.LASTING
    assert FAULT.gone_is_failure(NONE)


@pytest.mark.parametrize("wrong", ["yes", "True", "1"])
def test_a_flag_is_true_or_false(wrong: str) -> None:
    with pytest.raises(ValueError, match='neither "true" nor "false"'):
        FAULT.Parameters.model_validate({"completeIfInstancesTerminated": wrong})


async def test_a_hundred_instances_take_one_call_each_way(
    session: AwsSession,
    launch: Launch,
    ec2: Any,
    aws: AwsEmulator,
    calls: Callable[..., list[str]],
) -> None:
    ids = launch(100)
    records = records_of(FAULT, [instance_arn(one) for one in ids])
    calls()
    assert set(kinds(await FAULT.prepare(session, NONE, records), records)) == {"done"}
    assert set(kinds(await FAULT.inject(session, NONE, records), records)) == {"pending"}
    assert calls() == ["AssumeRole", "DescribeInstances", "StopInstances"]
    assert set(kinds(await FAULT.observe(session, records), records)) == {"applying"}
    aws.complete_transitions()
    assert set(kinds(await FAULT.observe(session, records), records)) == {"present"}
    assert states(ec2, ids) == {"stopped"}

    calls()
    assert set(kinds(await FAULT.revert(session, records), records)) == {"pending"}
    assert calls() == ["DescribeInstances", "StartInstances"]
    assert set(kinds(await FAULT.observe(session, records), records)) == {"lifting"}
    aws.complete_transitions()
    assert set(kinds(await FAULT.observe(session, records), records)) == {"absent"}
    assert states(ec2, ids) == {"running"}


async def test_every_step_may_be_repeated(
    session: AwsSession, launch: Launch, aws: AwsEmulator, calls: Callable[..., list[str]]
) -> None:
    records = records_of(FAULT, [instance_arn(launch()[0])])
    for _ in range(2):
        assert kinds(await FAULT.prepare(session, NONE, records), records) == ["done"]
    for _ in range(2):
        assert kinds(await FAULT.inject(session, NONE, records), records) == ["pending"]
    assert kinds(await FAULT.revert(session, records), records) == ["pending"]
    aws.complete_transitions()
    assert kinds(await FAULT.inject(session, NONE, records), records) == ["done"]
    calls()
    for _ in range(2):
        assert kinds(await FAULT.revert(session, records), records) == ["pending"]
    aws.complete_transitions()
    for _ in range(2):
        assert kinds(await FAULT.revert(session, records), records) == ["done"]
    assert calls("StartInstances") == ["StartInstances"]


async def test_what_was_stopped_before_is_left_stopped(
    session: AwsSession, launch: Launch, ec2: Any, aws: AwsEmulator
) -> None:
    ids = launch(2)
    ec2.stop_instances(InstanceIds=ids[:1])
    aws.complete_transitions()
    ec2.stop_instances(InstanceIds=ids[1:])
    records = records_of(FAULT, [instance_arn(one) for one in ids])
    assert kinds(await FAULT.prepare(session, NONE, records), records) == ["left", "left"]
    aws.complete_transitions()
    assert kinds(await FAULT.revert(session, records), records) == ["done", "done"]
    assert states(ec2, ids) == {"stopped"}


async def test_what_comes_up_or_goes_away_is_not_stopped(
    session: AwsSession, launch: Launch, ec2: Any
) -> None:
    gone = launch()[0]
    ec2.terminate_instances(InstanceIds=[gone])
    answer = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)
    young = answer["Instances"][0]["InstanceId"]
    absent = "i-0123456789abcdef0"
    records = records_of(FAULT, [instance_arn(one) for one in (gone, young, absent)])
    outcomes = await FAULT.prepare(session, NONE, records)
    assert kinds(outcomes, records) == ["gone", "rejected", "gone"]
    assert "State.Name = running" in outcomes[records[1].id].reason


async def test_a_terminated_instance_does_not_hold_up_the_others(
    session: AwsSession, launch: Launch, ec2: Any, aws: AwsEmulator
) -> None:
    ids = launch(4)
    records = records_of(FAULT, [instance_arn(one) for one in (*ids, "i-0123456789abcdef0")])
    await FAULT.prepare(session, NONE, records)
    ec2.terminate_instances(InstanceIds=ids[:1])
    outcomes = await FAULT.inject(session, NONE, records)
    assert kinds(outcomes, records) == ["gone", "pending", "pending", "pending", "gone"]
    aws.complete_transitions()
    ec2.terminate_instances(InstanceIds=ids[1:2])
    outcomes = await FAULT.revert(session, records)
    assert kinds(outcomes, records) == ["gone", "gone", "pending", "pending", "gone"]
    aws.complete_transitions()
    assert states(ec2, ids[2:]) == {"running"}
    seen = await FAULT.observe(session, records)
    assert kinds(seen, records) == ["gone", "gone", "absent", "absent", "gone"]


async def test_a_protected_instance_is_named_with_the_mend(
    session: AwsSession, launch: Launch, ec2: Any
) -> None:
    ids = launch(3)
    ec2.modify_instance_attribute(InstanceId=ids[1], DisableApiStop={"Value": True})
    records = records_of(FAULT, [instance_arn(one) for one in ids])
    outcomes = await FAULT.inject(session, NONE, records)
    assert kinds(outcomes, records) == ["pending", "rejected", "pending"]
    assert "Lift the protection" in outcomes[records[1].id].reason


async def test_where_nobody_is_named_the_batch_is_halved(
    session: AwsSession, launch: Launch, ec2: Any, aws: AwsEmulator
) -> None:
    records = records_of(FAULT, [instance_arn(one) for one in launch(8)])
    ec2.stop_instances(InstanceIds=[r.resource.rpartition("/")[2] for r in records])
    aws.complete_transitions()
    for record in records:
        record.state["prior"] = "running"
    # Whole, first half, and one quarter of it: AWS lacks capacity, and says so with HTTP 500.
    error = "InsufficientInstanceCapacity"
    aws.fail(service="ec2", operation="StartInstances", error=error, status=500, times=2)
    outcomes = await FAULT.revert(session, records)
    assert set(kinds(outcomes, records)) == {"pending"}


async def test_a_lost_reply_is_not_a_refusal(
    session: AwsSession, launch: Launch, aws: AwsEmulator, calls: Callable[..., list[str]]
) -> None:
    records = records_of(FAULT, [instance_arn(launch()[0])])
    await FAULT.prepare(session, NONE, records)
    calls()
    aws.lose_reply(service="ec2", operation="StopInstances", times=2)
    with pytest.raises(TransientError, match="did not answer ec2:StopInstances"):
        await FAULT.inject(session, NONE, records)
    assert calls() == ["StopInstances"] * 2
    assert kinds(await FAULT.observe(session, records), records) == ["applying"]


async def test_a_refusal_after_a_lost_reply_is_unknown(
    session: AwsSession, launch: Launch, aws: AwsEmulator
) -> None:
    records = records_of(FAULT, [instance_arn(launch()[0])])
    aws.lose_reply(service="ec2", operation="StopInstances")
    aws.fail(service="ec2", operation="StopInstances", error="IncorrectInstanceState")
    assert kinds(await FAULT.inject(session, NONE, records), records) == ["unknown"]


@pytest.mark.parametrize(
    ("error", "status"),
    [("RequestLimitExceeded", 503), ("Throttling", 400), ("InternalError", 500)],
)
async def test_a_throttled_or_failing_cloud_is_worth_asking_again(
    session: AwsSession, launch: Launch, aws: AwsEmulator, error: str, status: int
) -> None:
    records = records_of(FAULT, [instance_arn(launch()[0])])
    aws.fail(service="ec2", operation="StopInstances", error=error, status=status, times=2)
    with pytest.raises(TransientError, match=error):
        await FAULT.inject(session, NONE, records)


async def test_after_the_lease_nothing_is_sent(
    open_session: OpenSession, launch: Launch, calls: Callable[..., list[str]]
) -> None:
    guard = Guard(Guard.clock() + 60)
    session = await open_session(guard)
    records = records_of(FAULT, [instance_arn(launch()[0])])
    await FAULT.prepare(session, NONE, records)
    guard.deadline = Guard.clock() - 1
    calls()
    with pytest.raises(FenceLostError):
        await FAULT.inject(session, NONE, records)
    with pytest.raises(FenceLostError):
        await FAULT.revert(session, records)
    assert calls() == []


async def test_the_lease_is_checked_before_the_second_attempt_too(
    open_session: OpenSession, launch: Launch, aws: AwsEmulator, calls: Callable[..., list[str]]
) -> None:
    class TwoChecks(Guard):
        checks = 0

        def check(self) -> None:
            self.checks += 1
            if self.checks > 1:
                raise FenceLostError

    session = await open_session(TwoChecks(0))
    records = records_of(FAULT, [instance_arn(launch()[0])])
    aws.fail(service="ec2", operation="StopInstances", error="InternalError", status=500)
    with pytest.raises(FenceLostError):
        await FAULT.inject(session, NONE, records)
    assert calls("StopInstances") == ["StopInstances"]


async def test_the_right_to_start_is_asked_for_before_anything_is_stopped(
    session: AwsSession,
    launch: Launch,
    ec2: Any,
    allow: Callable[..., None],
    calls: Callable[..., list[str]],
) -> None:
    ids = launch(2)
    resources = [Resource("aws:ec2:instance", instance_arn(one)) for one in ids]
    assert await FAULT.review(session, NONE, resources) == []
    allow("ec2:DescribeInstances", "ec2:StopInstances")
    calls()
    (denial,) = await FAULT.review(session, NONE, resources)
    assert "may not ec2:StartInstances on arn:aws:ec2" in denial.reason
    assert '"Action": "ec2:StartInstances"' in denial.mend
    assert states(ec2, ids) == {"running"}


async def test_an_instance_that_may_not_be_started_does_not_hold_up_the_others(
    session: AwsSession, launch: Launch, allow: Callable[..., None]
) -> None:
    ids = launch(3)
    records = records_of(FAULT, [instance_arn(one) for one in ids])
    allow("ec2:StopInstances", resource=[instance_arn(one) for one in ids[1:]])
    outcomes = await FAULT.inject(session, NONE, records)
    assert kinds(outcomes, records) == ["rejected", "pending", "pending"]
    reason = outcomes[records[0].id].reason
    assert reason.startswith("Not authorized to perform the required action: ")
    assert f"may not ec2:StopInstances on {instance_arn(ids[0])}" in reason


async def test_a_role_that_may_nothing_costs_few_calls(
    session: AwsSession, launch: Launch, allow: Callable[..., None], calls: Callable[..., list[str]]
) -> None:
    records = records_of(FAULT, [instance_arn(one) for one in launch(100)])
    allow("ec2:DescribeInstances")
    calls()
    outcomes = await FAULT.inject(session, NONE, records)
    assert set(kinds(outcomes, records)) == {"rejected"}
    assert len(calls("StopInstances")) <= 64


async def test_more_than_a_thousand_are_parted(
    session: AwsSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    async def call(
        _self: AwsSession, _service: str, operation: str, **given: Any
    ) -> dict[str, Any]:
        asked.append(len(given["InstanceIds"]))
        return {"Reservations": []}

    monkeypatch.setattr(AwsSession, "call", call)
    records = records_of(FAULT, [instance_arn(f"i-{n:017x}") for n in range(2001)])
    assert set(kinds(await FAULT.observe(session, records), records)) == {"gone"}
    await FAULT.inject(session, NONE, records)
    assert asked == [1000, 1000, 1] * 2


async def test_what_was_seen_stopped_is_started_without_another_look(
    session: AwsSession, launch: Launch, ec2: Any, aws: AwsEmulator, calls: Callable[..., list[str]]
) -> None:
    ids = launch(3)
    records = records_of(FAULT, [instance_arn(one) for one in ids])
    await FAULT.prepare(session, NONE, records)
    await FAULT.inject(session, NONE, records)
    aws.complete_transitions()
    for record in records:
        record.seen = str(Effect.PRESENT)
    # Somebody starts one meanwhile: EC2 takes it without complaint.
    ec2.start_instances(InstanceIds=ids[:1])
    aws.complete_transitions()
    calls()
    assert kinds(await FAULT.revert(session, records), records) == ["done", "pending", "pending"]
    assert calls() == ["StartInstances"]
    aws.complete_transitions()
    for record in records:
        record.attempts = 1
    assert set(kinds(await FAULT.revert(session, records), records)) == {"done"}
    assert calls() == ["DescribeInstances"]


async def test_what_was_seen_stopped_and_is_so_no_more_is_looked_at(
    session: AwsSession, launch: Launch, ec2: Any, aws: AwsEmulator, calls: Callable[..., list[str]]
) -> None:
    ids = launch(3)
    records = records_of(FAULT, [instance_arn(one) for one in ids])
    await FAULT.prepare(session, NONE, records)
    await FAULT.inject(session, NONE, records)
    aws.complete_transitions()
    for record in records:
        record.seen = str(Effect.PRESENT)
    ec2.terminate_instances(InstanceIds=ids[:1])
    # And one is on its way down again, because somebody started and stopped it.
    ec2.start_instances(InstanceIds=ids[1:2])
    aws.complete_transitions()
    ec2.stop_instances(InstanceIds=ids[1:2])
    outcomes = await FAULT.revert(session, records)
    assert kinds(outcomes, records) == ["gone", "pending", "pending"]
    aws.complete_transitions()
    assert states(ec2, ids[2:]) == {"running"}


async def test_a_start_that_is_denied_is_not_asked_for_twice(
    session: AwsSession,
    launch: Launch,
    aws: AwsEmulator,
    allow: Callable[..., None],
    calls: Callable[..., list[str]],
) -> None:
    records = records_of(FAULT, [instance_arn(launch()[0])])
    await FAULT.prepare(session, NONE, records)
    await FAULT.inject(session, NONE, records)
    aws.complete_transitions()
    records[0].seen = str(Effect.PRESENT)
    allow("ec2:DescribeInstances")
    calls()
    assert kinds(await FAULT.revert(session, records), records) == ["rejected"]
    assert calls() == ["StartInstances", "DescribeInstances"]
