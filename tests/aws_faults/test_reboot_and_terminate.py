"""RebootInstances and TerminateInstances: what cannot be undone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bridge.sandbox.aws import AwsEmulator
from providers.aws.instances import RebootInstances, TerminateInstances
from providers.aws.session import AwsSession
from providers.contract import Fault, Resource, Timing, Undo
from tests.aws_faults.conftest import Launch
from tests.aws_faults.records import instance_arn, kinds, records_of

REBOOT, TERMINATE = RebootInstances(), TerminateInstances()
NONE = Fault.Parameters()


@pytest.mark.parametrize("fault", [REBOOT, TERMINATE])
def test_neither_can_be_undone(fault: Fault) -> None:
    assert fault.undo(NONE) is Undo.NONE
    assert fault.timing(NONE) == Timing.instant()


async def test_running_instances_are_rebooted_in_one_call(
    session: AwsSession, launch: Launch, calls: Callable[..., list[str]]
) -> None:
    records = records_of(REBOOT, [instance_arn(one) for one in launch(3)])
    assert kinds(await REBOOT.prepare(session, NONE, records), records) == ["done"] * 3
    calls()
    for _ in range(2):
        assert kinds(await REBOOT.inject(session, NONE, records), records) == ["done"] * 3
    assert calls() == ["RebootInstances"] * 2
    assert kinds(await REBOOT.observe(session, records), records) == ["unknown"] * 3
    assert kinds(await REBOOT.revert(session, records), records) == ["done"] * 3
    assert calls() == ["DescribeInstances"]


async def test_only_running_instances_can_be_rebooted(
    session: AwsSession, launch: Launch, ec2: Any, aws: AwsEmulator
) -> None:
    ids = launch(3)
    ec2.stop_instances(InstanceIds=ids[:1])
    ec2.terminate_instances(InstanceIds=ids[1:2])
    aws.complete_transitions()
    records = records_of(REBOOT, [instance_arn(one) for one in ids])
    outcomes = await REBOOT.prepare(session, NONE, records)
    assert kinds(outcomes, records) == ["rejected", "gone", "done"]
    assert "the instance is stopped" in outcomes[records[0].id].reason
    outcomes = await REBOOT.inject(session, NONE, records)
    assert kinds(outcomes, records) == ["rejected", "done", "done"]
    assert kinds(await REBOOT.observe(session, records), records) == ["unknown", "gone", "unknown"]


async def test_instances_are_terminated_in_one_call(
    session: AwsSession, launch: Launch, aws: AwsEmulator, calls: Callable[..., list[str]]
) -> None:
    records = records_of(TERMINATE, [instance_arn(one) for one in launch(3)])
    assert kinds(await TERMINATE.prepare(session, NONE, records), records) == ["done"] * 3
    assert kinds(await TERMINATE.observe(session, records), records) == ["absent"] * 3
    calls()
    assert kinds(await TERMINATE.inject(session, NONE, records), records) == ["pending"] * 3
    assert calls() == ["TerminateInstances"]
    assert kinds(await TERMINATE.observe(session, records), records) == ["applying"] * 3
    aws.complete_transitions()
    assert kinds(await TERMINATE.inject(session, NONE, records), records) == ["done"] * 3
    assert kinds(await TERMINATE.observe(session, records), records) == ["present"] * 3
    assert kinds(await TERMINATE.prepare(session, NONE, records), records) == ["left"] * 3


async def test_a_protected_instance_is_not_terminated_and_named(
    session: AwsSession, launch: Launch, ec2: Any
) -> None:
    ids = launch(3)
    ec2.modify_instance_attribute(InstanceId=ids[1], DisableApiTermination={"Value": True})
    records = records_of(TERMINATE, [instance_arn(one) for one in (*ids, "i-0123456789abcdef0")])
    outcomes = await TERMINATE.inject(session, NONE, records)
    assert kinds(outcomes, records) == ["pending", "rejected", "pending", "gone"]
    assert "Lift the protection" in outcomes[records[1].id].reason


@pytest.mark.parametrize("fault", [REBOOT, TERMINATE])
async def test_the_right_is_asked_for_before_the_run(
    fault: RebootInstances | TerminateInstances,
    session: AwsSession,
    launch: Launch,
    allow: Callable[..., None],
) -> None:
    resources = [Resource("aws:ec2:instance", instance_arn(launch()[0]))]
    assert await fault.review(session, NONE, resources) == []
    allow("ec2:DescribeInstances")
    (denial,) = await fault.review(session, NONE, resources)
    assert f"may not ec2:{fault.operation}" in denial.reason


async def test_a_foreign_mark_is_noted(session: AwsSession, launch: Launch) -> None:
    marked, free = launch(1, {"faultbridge:other:EXP1/a": "v=1"}), launch(1)
    records = records_of(TERMINATE, [instance_arn(one) for one in (*marked, *free)])
    await TERMINATE.prepare(session, NONE, records)
    found = [TERMINATE.foreign_mark(record) for record in records]
    assert found == ["faultbridge:other:EXP1/a", None]
