"""The undo on the resource: written, read back after the database is lost, and removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bridge.model.moment import SECOND, Micros
from bridge.sandbox.aws import AwsEmulator
from providers.aws.instances import StopInstances
from providers.aws.provider import AwsProvider
from providers.aws.session import AwsSession
from providers.aws.volumes import DetachVolume
from providers.contract import Caller, Mark
from tests.aws_faults.conftest import Launch
from tests.aws_faults.records import (
    EXPERIMENT,
    ROLE,
    SCOPE,
    instance_arn,
    kinds,
    records_of,
    volume_arn,
)

STOP, DETACH = StopInstances(), DetachVolume()
DEADLINE = Micros(1_900_000_000 * SECOND)
READER = Caller(SCOPE, None, "reader", "lab")


def mark_of(fault: StopInstances | DetachVolume, action: str = "act", **other: Any) -> Mark:
    given = {"installation": "lab", "experiment": EXPERIMENT, "deadline": DEADLINE, **other}
    return Mark(action=action, fault=fault.id, identity=ROLE, **given)


async def tags_of(session: AwsSession, resource: str) -> dict[str, str]:
    filters = [{"Name": "resource-id", "Values": [resource]}]
    answer = await session.call("ec2", "DescribeTags", Filters=filters)
    return {tag["Key"]: tag["Value"] for tag in answer["Tags"]}


async def test_a_stop_is_undone_from_its_marks_alone(
    session: AwsSession,
    provider: AwsProvider,
    launch: Launch,
    aws: AwsEmulator,
    calls: Callable[..., list[str]],
) -> None:
    ids = launch(3)
    records = records_of(STOP, [instance_arn(one) for one in ids])
    await STOP.prepare(session, STOP.Parameters(), records)
    calls()
    for _ in range(2):
        marked = await STOP.mark(session, mark_of(STOP), records)
        assert kinds(marked, records) == ["done"] * 3
    assert calls() == ["CreateTags"] * 2
    assert await tags_of(session, ids[0]) == {
        f"faultbridge:lab:{EXPERIMENT}/act": "v=1 fault=aws:ec2:stop-instances "
        f"until=2030-03-17T17:46:40Z as={ROLE} prior=running"
    }
    await STOP.inject(session, STOP.Parameters(), records)
    aws.complete_transitions()

    found = (await provider.find_marks(READER)).found
    assert [one.mark for one in found] == [mark_of(STOP)] * 3
    assert [one.problem for one in found] == [""] * 3
    rebuilt = [one.record for one in found]
    assert {r.resource for r in rebuilt} == {r.resource for r in records}
    assert {(r.effect, r.phase, r.holders) for r in rebuilt} == {
        ("ec2:instance-power", "injected", ("act",))
    }
    assert kinds(await STOP.revert(session, rebuilt), rebuilt) == ["pending"] * 3
    aws.complete_transitions()
    assert kinds(await STOP.revert(session, rebuilt), rebuilt) == ["done"] * 3
    calls()
    for _ in range(2):
        assert kinds(await STOP.unmark(session, found[0].mark, rebuilt), rebuilt) == ["done"] * 3
    assert calls() == ["DeleteTags"] * 2
    assert (await provider.find_marks(READER)).found == []


async def test_a_detached_volume_is_attached_from_its_mark_alone(
    session: AwsSession, provider: AwsProvider, launch: Launch, ec2: Any, aws: AwsEmulator
) -> None:
    instance = launch()[0]
    volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
    ec2.attach_volume(VolumeId=volume, InstanceId=instance, Device="/dev/sdf")
    aws.complete_transitions()
    records = records_of(DETACH, [volume_arn(volume)])
    parameters = DETACH.Parameters.model_validate({"duration": "PT1M"})
    await DETACH.prepare(session, parameters, records)
    await DETACH.mark(session, mark_of(DETACH), records)
    await DETACH.inject(session, parameters, records)
    aws.complete_transitions()
    (found,) = (await provider.find_marks(READER)).found
    assert (found.problem, found.record.touches) == ("", (instance_arn(instance),))
    assert found.record.state == records[0].state
    await DETACH.revert(session, [found.record])
    aws.complete_transitions()
    assert kinds(await DETACH.revert(session, [found.record]), [found.record]) == ["done"]


async def test_without_the_right_the_grant_is_named(
    session: AwsSession, launch: Launch, allow: Callable[..., None], calls: Callable[..., list[str]]
) -> None:
    records = records_of(STOP, [instance_arn(one) for one in launch(3)])
    await STOP.prepare(session, STOP.Parameters(), records)
    allow("ec2:DescribeInstances", "ec2:StopInstances", "ec2:StartInstances")
    calls()
    outcomes = await STOP.mark(session, mark_of(STOP), records)
    assert kinds(outcomes, records) == ["rejected"] * 3
    assert '"Action":["ec2:CreateTags","ec2:DeleteTags"]' in outcomes[records[0].id].reason
    assert calls() == ["CreateTags"]


async def test_a_mark_that_does_not_fit_is_not_written(
    session: AwsSession, launch: Launch, calls: Callable[..., list[str]]
) -> None:
    records = records_of(STOP, [instance_arn(launch()[0])])
    await STOP.prepare(session, STOP.Parameters(), records)
    calls()
    outcomes = await STOP.mark(session, mark_of(STOP, installation="x" * 100), records)
    assert kinds(outcomes, records) == ["rejected"]
    assert "shorten the action's name" in outcomes[records[0].id].reason
    assert calls() == []


async def test_a_vanished_instance_does_not_hold_up_the_marks_of_others(
    session: AwsSession, launch: Launch
) -> None:
    ids = [launch()[0], "i-0123456789abcdef0"]
    records = records_of(STOP, [instance_arn(one) for one in ids])
    for record in records:
        record.state["prior"] = "running"
    assert kinds(await STOP.mark(session, mark_of(STOP), records), records) == ["done", "gone"]
    assert len(await tags_of(session, ids[0])) == 1
    assert kinds(await STOP.unmark(session, mark_of(STOP), records), records) == ["done", "gone"]
    assert await tags_of(session, ids[0]) == {}


@pytest.mark.parametrize(
    ("key", "foreign"),
    [
        (f"faultbridge:lab:{EXPERIMENT}/other", False),
        (f"faultbridge:lab:{EXPERIMENT}x/act", True),
        ("faultbridge:lab:EXPother/act", True),
        (f"faultbridge:other:{EXPERIMENT}/act", True),
        ("faultbridge-notes", False),
    ],
)
async def test_marks_of_others_are_foreign(
    session: AwsSession, launch: Launch, key: str, foreign: bool
) -> None:
    records = records_of(STOP, [instance_arn(launch(1, {key: "x"})[0])])
    await STOP.prepare(session, STOP.Parameters(), records)
    assert STOP.foreign_mark(records[0]) == (key if foreign else None)


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("faultbridge:odd", "v=1", "its key is not one of ours"),
        ("faultbridge:a:b/c", "", "its version is none"),
        ("faultbridge:a:b/c", "v=2 fault=x as=y", "its version is 2, this bridge reads version 1"),
        ("faultbridge:a:b/c", "v=1 fault=aws:ec2:stop-instances prior=running", "as whom"),
        ("faultbridge:a:b/c", "v=1 as=r fault=aws:new:fault", "no such fault: aws:new"),
        ("faultbridge:a:b/c", "v=1 as=r fault=aws:fis:wait", "no such fault"),
        ("faultbridge:a:b/c", "v=1 as=r fault=aws:ec2:stop-instances", "cannot be read"),
        ("faultbridge:a:b/c", "v=1 as=r fault=aws:ec2:stop-instances prior=x", "cannot be read"),
        (
            "faultbridge:a:b/c",
            "v=1 as=r fault=aws:ebs:detach-volume instance=i device=d delete=maybe",
            "cannot be read",
        ),
    ],
)
async def test_a_mark_that_cannot_be_read_says_why(
    provider: AwsProvider, launch: Launch, key: str, value: str, problem: str
) -> None:
    (plain,) = launch(1, {key: value, "Name": "web"})
    found = (await provider.find_marks(READER)).found
    assert [one.record.resource for one in found] == [instance_arn(plain)]
    assert problem in found[0].problem
    assert found[0].mark.deadline is None
