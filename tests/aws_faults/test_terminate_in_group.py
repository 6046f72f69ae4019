"""TerminateInGroup: the group launches another in the place of each that is terminated."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from moto.autoscaling import autoscaling_backends

from bridge.model.template import TemplateTarget
from bridge.sandbox.aws import AwsEmulator
from providers.aws.replaced import TerminateInGroup
from providers.aws.resolvers import InstanceResolver
from providers.aws.session import AwsSession
from providers.contract import Undo
from tests.aws_faults.conftest import Launch
from tests.aws_faults.records import instance_arn, kinds, records_of

FAULT = TerminateInGroup()
NOTHING = FAULT.Parameters()
OPERATION = "TerminateInstanceInAutoScalingGroup"

ScalingGroup = Callable[..., str]


@pytest.fixture
def members(session: AwsSession) -> Callable[[str], Any]:
    """Find the instances of a group by the tag that AWS sets."""

    async def found(name: str) -> list[str]:
        target = TemplateTarget(
            resource_type="aws:ec2:instance", resource_tags={"aws:autoscaling:groupName": name}
        )
        return [one.id for one in (await InstanceResolver().resolve(session, target)).found]

    return found


async def test_the_group_replaces_them(
    session: AwsSession,
    scaling_group: ScalingGroup,
    members: Callable[[str], Any],
    aws: AwsEmulator,
    calls: Callable[..., list[str]],
) -> None:
    scaling_group("web", 3)
    scaling_group("api", 1)
    web = await members("web")
    assert len(web) == 3
    records = records_of(FAULT, web[:2])
    calls()
    for _ in range(2):
        assert kinds(await FAULT.prepare(session, NOTHING, records), records) == ["done"] * 2
    assert set(calls()) == {"DescribeInstances", "DescribeAutoScalingInstances"}
    assert kinds(await FAULT.observe(session, records), records) == ["absent"] * 2
    for _ in range(2):
        assert kinds(await FAULT.inject(session, NOTHING, records), records) == ["pending"] * 2
    assert calls(OPERATION) == [OPERATION] * 4
    assert kinds(await FAULT.observe(session, records), records) == ["applying"] * 2
    aws.complete_transitions()
    assert kinds(await FAULT.observe(session, records), records) == ["present"] * 2
    assert kinds(await FAULT.inject(session, NOTHING, records), records) == ["done"] * 2
    now = await members("web")
    assert len(now) == 3
    assert set(web[:2]).isdisjoint(now)
    assert web[2] in now
    assert FAULT.undo(NOTHING) is Undo.NONE
    assert kinds(await FAULT.revert(session, records), records) == ["done"] * 2


async def test_one_that_is_in_no_group_is_refused_with_the_mend(
    *,
    session: AwsSession,
    scaling_group: ScalingGroup,
    members: Callable[[str], Any],
    launch: Launch,
    ec2: Any,
    client: Callable[[str], Any],
) -> None:
    scaling_group("web", 2)
    inside, leaving = await members("web")
    alone, dead = launch(2)
    ec2.terminate_instances(InstanceIds=[dead])
    plain = leaving.rpartition("/")[2]
    arns = [inside, leaving, *(instance_arn(one) for one in (alone, dead, "i-0123456789abcdef0"))]
    records = records_of(FAULT, arns)
    outcomes = await FAULT.prepare(session, NOTHING, records)
    assert kinds(outcomes, records) == ["done", "done", "rejected", "left", "gone"]
    assert "use aws:ec2:terminate-instances" in outcomes[records[2].id].reason
    client("autoscaling").detach_instances(
        AutoScalingGroupName="web", InstanceIds=[plain], ShouldDecrementDesiredCapacity=True
    )
    outcomes = await FAULT.inject(session, NOTHING, records[:2])
    assert kinds(outcomes, records[:2]) == ["pending", "rejected"]
    assert "No managed instance found" in outcomes[records[1].id].reason


async def test_one_that_a_lifecycle_hook_holds_is_on_its_way(
    session: AwsSession, scaling_group: ScalingGroup, members: Callable[[str], Any]
) -> None:
    # moto keeps hooks but does not wait for them: its own object is told the state.
    scaling_group("web", 1)
    records = records_of(FAULT, await members("web"))
    group = autoscaling_backends["123456789012"]["us-east-1"].autoscaling_groups["web"]
    group.instance_states[0].lifecycle_state = "Terminating:Wait"
    seen = (await FAULT.observe(session, records))[records[0].id]
    assert (seen.effect, seen.reason) == (
        "applying",
        "its Auto Scaling group has it as Terminating:Wait",
    )
    assert FAULT.settle_limit >= timedelta(hours=1)


async def test_a_lost_reply_and_a_busy_group_are_looked_at(
    session: AwsSession,
    scaling_group: ScalingGroup,
    members: Callable[[str], Any],
    aws: AwsEmulator,
) -> None:
    scaling_group("web", 2)
    records = records_of(FAULT, await members("web"))
    aws.fail(service="autoscaling", operation=OPERATION, error="ScalingActivityInProgress")
    outcomes = await FAULT.inject(session, NOTHING, records)
    assert sorted(kinds(outcomes, records)) == ["pending", "unknown"]
    assert sorted(kinds(await FAULT.observe(session, records), records)) == ["absent", "applying"]
    aws.lose_reply(service="autoscaling", operation=OPERATION)
    assert kinds(await FAULT.inject(session, NOTHING, records), records) == ["pending"] * 2
    aws.complete_transitions()
    assert kinds(await FAULT.observe(session, records), records) == ["present"] * 2


async def test_without_the_right_the_action_is_named(
    session: AwsSession,
    scaling_group: ScalingGroup,
    members: Callable[[str], Any],
    allow: Callable[..., None],
) -> None:
    scaling_group("web", 1)
    records = records_of(FAULT, await members("web"))
    allow("ec2:DescribeInstances", "autoscaling:DescribeAutoScalingInstances")
    outcomes = await FAULT.inject(session, NOTHING, records)
    assert kinds(outcomes, records) == ["rejected"]
    assert f"may not autoscaling:{OPERATION}" in outcomes[records[0].id].reason
    assert await FAULT.review(session, NOTHING, []) == []
