"""SuspendProcesses: what was not suspended before is, and only that is resumed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bridge.model.template import Filter, TemplateTarget
from bridge.sandbox.aws import AwsEmulator
from providers.aws import scaling_groups
from providers.aws.processes import PROCESSES, SuspendProcesses
from providers.aws.provider import AwsProvider
from providers.aws.scaling_groups import ScalingGroupResolver
from providers.aws.session import AwsSession
from providers.contract import AccessDeniedError, Caller, Mark, Timing, Undo
from tests.aws_faults.records import EXPERIMENT, ROLE, SCOPE, kinds, records_of

FAULT = SuspendProcesses()
GROUPS = ScalingGroupResolver()
ALL = FAULT.Parameters.model_validate({"duration": "PT5M"})
TWO = FAULT.Parameters.model_validate({"duration": "PT5M", "processes": "Launch, HealthCheck"})
READER = Caller(SCOPE, None, "reader", "lab")
KEY = f"faultbridge:lab:{EXPERIMENT}/act"

ScalingGroup = Callable[..., str]


@pytest.fixture
def scaling(aws: AwsEmulator, client: Callable[[str], Any]) -> Any:
    return client("autoscaling")


def suspended(scaling: Any, name: str = "web") -> set[str]:
    (group,) = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])[
        "AutoScalingGroups"
    ]
    return {one["ProcessName"] for one in group["SuspendedProcesses"]}


def test_its_parameters() -> None:
    assert FAULT.timing(ALL) == Timing.lasts(timedelta(minutes=5))
    assert FAULT.undo(ALL) is Undo.RESTORES
    assert ALL.processes == PROCESSES
    assert TWO.processes == ("Launch", "HealthCheck")
    for wrong in ("launch", "Launch,,HealthCheck", ""):
        with pytest.raises(ValueError, match="is none of Launch, Terminate"):
            FAULT.Parameters.model_validate({"duration": "PT5M", "processes": wrong})


async def test_only_what_ran_before_is_resumed(
    session: AwsSession, scaling_group: ScalingGroup, scaling: Any, calls: Callable[..., list[str]]
) -> None:
    arn = scaling_group()
    scaling.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=["Launch"])
    records = records_of(FAULT, [arn])
    calls()
    for _ in range(2):
        assert kinds(await FAULT.prepare(session, TWO, records), records) == ["done"]
    assert calls("DescribeAutoScalingGroups", "SuspendProcesses") == [
        *["DescribeAutoScalingGroups"] * 2
    ]
    assert kinds(await FAULT.observe(session, records), records) == ["absent"]
    for _ in range(2):
        assert kinds(await FAULT.inject(session, TWO, records), records) == ["done"]
    assert suspended(scaling) == {"Launch", "HealthCheck"}
    assert kinds(await FAULT.observe(session, records), records) == ["present"]
    calls()
    for _ in range(2):
        assert kinds(await FAULT.revert(session, records), records) == ["done"]
    assert calls("ResumeProcesses") == ["ResumeProcesses"]
    assert suspended(scaling) == {"Launch"}


async def test_all_of_them_by_default(
    session: AwsSession, scaling_group: ScalingGroup, scaling: Any
) -> None:
    records = records_of(FAULT, [scaling_group()])
    await FAULT.prepare(session, ALL, records)
    await FAULT.inject(session, ALL, records)
    assert suspended(scaling) == set(PROCESSES)
    scaling.resume_processes(AutoScalingGroupName="web", ScalingProcesses=["Terminate"])
    seen = (await FAULT.observe(session, records))[records[0].id]
    assert (seen.effect, seen.reason) == ("present", "resumed by somebody else: Terminate")
    await FAULT.revert(session, records)
    assert suspended(scaling) == set()


async def test_left_gone_and_missing_are_told_apart(
    session: AwsSession, scaling_group: ScalingGroup, scaling: Any, aws: AwsEmulator
) -> None:
    arns = [scaling_group(name) for name in ("web", "api", "old")]
    scaling.suspend_processes(AutoScalingGroupName="web")
    scaling.delete_auto_scaling_group(AutoScalingGroupName="old", ForceDelete=True)
    again = scaling_group("old-2").replace("old-2", "old")  # the same name with another id
    records = records_of(FAULT, [*arns, again])
    outcomes = await FAULT.prepare(session, TWO, records)
    assert kinds(outcomes, records) == ["left", "done", "gone", "gone"]
    alive = records[1:2]
    await FAULT.inject(session, TWO, alive)
    scaling.delete_auto_scaling_group(AutoScalingGroupName="api", ForceDelete=True)
    assert kinds(await FAULT.observe(session, alive), alive) == ["gone"]
    assert kinds(await FAULT.inject(session, TWO, alive), alive) == ["gone"]
    assert kinds(await FAULT.revert(session, alive), alive) == ["gone"]


async def test_one_that_is_refused_does_not_hold_up_the_others(
    session: AwsSession, scaling_group: ScalingGroup, scaling: Any, aws: AwsEmulator
) -> None:
    records = records_of(FAULT, [scaling_group(name) for name in ("web", "api")])
    await FAULT.prepare(session, TWO, records)
    aws.fail(service="autoscaling", operation="SuspendProcesses", error="ResourceInUse")
    assert sorted(kinds(await FAULT.inject(session, TWO, records), records)) == ["done", "rejected"]
    # Another change is under way: nothing is known yet, so it is looked at and sent again.
    aws.fail(service="autoscaling", operation="SuspendProcesses", error="ResourceContention")
    assert sorted(kinds(await FAULT.inject(session, TWO, records), records)) == ["done", "unknown"]


async def test_it_is_undone_from_its_mark_alone(
    session: AwsSession, provider: AwsProvider, scaling_group: ScalingGroup, scaling: Any
) -> None:
    arns = [scaling_group(name, chaos="ready") for name in ("web", "a/b")]
    records = records_of(FAULT, arns)
    await FAULT.prepare(session, TWO, records)
    mark = Mark("lab", EXPERIMENT, "act", FAULT.id, None, ROLE)
    for _ in range(2):
        assert kinds(await FAULT.mark(session, mark, records), records) == ["done"] * 2
    tags = [tag for tag in scaling.describe_tags()["Tags"] if tag["Key"] == KEY]
    assert [(tag["ResourceId"], tag["PropagateAtLaunch"]) for tag in tags] == [
        ("web", False),
        ("a/b", False),
    ]
    await FAULT.inject(session, TWO, records)

    found = (await provider.find_marks(READER)).found
    assert [(one.mark, one.problem, one.record.resource) for one in found] == [
        (mark, "", arn) for arn in arns
    ]
    rebuilt = [one.record for one in found]
    assert kinds(await FAULT.revert(session, rebuilt), rebuilt) == ["done"] * 2
    assert suspended(scaling) == suspended(scaling, "a/b") == set()
    for _ in range(2):
        assert kinds(await FAULT.unmark(session, mark, rebuilt), rebuilt) == ["done"] * 2
    assert (await provider.find_marks(READER)).found == []
    assert {tag["Key"] for tag in scaling.describe_tags()["Tags"]} == {"chaos"}


async def test_marks_are_optional_and_marks_of_others_are_foreign(
    session: AwsSession,
    scaling_group: ScalingGroup,
    allow: Callable[..., None],
) -> None:
    records = records_of(FAULT, [scaling_group(**{"faultbridge:other:EXP/act": "x"})])
    await FAULT.prepare(session, TWO, records)
    assert FAULT.foreign_mark(records[0]) == "faultbridge:other:EXP/act"
    allow("autoscaling:Describe*")
    mark = Mark("lab", EXPERIMENT, "act", FAULT.id, None, ROLE)
    outcomes = await FAULT.mark(session, mark, records)
    assert kinds(outcomes, records) == ["rejected"]
    assert '"autoscaling:CreateOrUpdateTags"' in outcomes[records[0].id].reason
    too_long = Mark("x" * 100, EXPERIMENT, "act", FAULT.id, None, ROLE)
    outcomes = await FAULT.mark(session, too_long, records)
    assert "a tag holds 128 characters of key" in outcomes[records[0].id].reason


async def test_what_cannot_be_searched_is_named(
    provider: AwsProvider, scaling_group: ScalingGroup, allow: Callable[..., None], launch: Any
) -> None:
    launch(1, {KEY: "v=1"})
    allow("ec2:DescribeTags")
    role = Caller(SCOPE, ROLE, "rescue", "lab")
    search = await provider.find_marks(role)
    assert len(search.found) == 1
    assert len(search.unsearched) == 1
    assert "may not autoscaling:DescribeTags" in search.unsearched[0]
    allow("ec2:StopInstances")
    with pytest.raises(AccessDeniedError, match="may not ec2:DescribeTags"):
        await provider.find_marks(role)


async def test_groups_are_found_by_arn_tags_and_filters(
    session: AwsSession, scaling_group: ScalingGroup
) -> None:
    web = scaling_group("web", chaos="ready")
    api = scaling_group("api", size=1, chaos="ready", tier="back")
    scaling_group("other")

    async def found(**given: Any) -> list[str]:
        target = TemplateTarget(resource_type=GROUPS.resource_type, **given)
        return [one.id for one in (await GROUPS.resolve(session, target)).found]

    assert await found(resource_tags={"chaos": "ready"}) == sorted([web, api])
    assert await found(resource_tags={"chaos": "ready", "tier": "back"}) == [api]
    assert await found(resource_tags={"chaos": "*"}) == []
    by_size = (Filter(path="DesiredCapacity", values=("1",)),)
    assert await found(filters=by_size) == [api]
    absent = api.replace("autoScalingGroupName/api", "autoScalingGroupName/absent")
    other_id = api.replace("autoScalingGroupName/api", "autoScalingGroupName/web")
    target = TemplateTarget(
        resource_type=GROUPS.resource_type, resource_arns=(web, absent, other_id)
    )
    resolution = await GROUPS.resolve(session, target)
    assert [one.id for one in resolution.found] == [web]
    assert list(resolution.missing) == [absent, other_id]
    assert resolution.found[0].information == {"arn": web}


async def test_more_than_one_page_of_groups_is_read(
    session: AwsSession, scaling_group: ScalingGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    arns = sorted(scaling_group(f"g{number}", size=0, chaos="ready") for number in range(5))
    monkeypatch.setattr(scaling_groups, "PAGE", 2)
    monkeypatch.setattr(scaling_groups, "_NAMES", 2)
    tags = {"resource_tags": {"chaos": "ready"}}
    for given in (tags, {"resource_arns": tuple(arns)}):
        target = TemplateTarget(resource_type=GROUPS.resource_type, **given)
        assert [one.id for one in (await GROUPS.resolve(session, target)).found] == arns


def test_the_form_of_names_is_checked() -> None:
    uuid = "0f0f0f0f-1111-2222-3333-444444444444"
    right = f"arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:{uuid}"
    assert GROUPS.check_id(f"{right}:autoScalingGroupName/a/b c") is None
    for wrong in ("web", right, right.replace("autoscaling", "ec2"), f"{right}:autoScaling/web"):
        assert "write " in (GROUPS.check_id(wrong) or "")
