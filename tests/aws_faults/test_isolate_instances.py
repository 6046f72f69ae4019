"""IsolateInstances: cut off by a security group of its own, and connected again as before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from moto.ec2 import ec2_backends

from bridge.model.record import Record
from bridge.model.template import TemplateTarget
from bridge.sandbox.aws import AwsEmulator
from providers.aws.isolation import IsolateInstances
from providers.aws.provider import AwsProvider
from providers.aws.resolvers import InstanceResolver
from providers.aws.session import AwsSession
from providers.contract import Caller, Mark, Plan, Resource, Timing, Undo
from tests.aws_faults.conftest import Launch, OpenSession
from tests.aws_faults.records import EXPERIMENT, ROLE, SCOPE, instance_arn, kinds

FAULT = IsolateInstances()
FIVE = FAULT.Parameters.model_validate({"duration": "PT5M"})
PLAN = Plan(EXPERIMENT, "act", "lab", None)
KEY = f"faultbridge:lab:{EXPERIMENT}/act"

Groups = dict[str, list[str]]


async def records_for(session: AwsSession, ids: list[str], action: str = "act") -> list[Record]:
    """Make the records that the engine would: of the groups first, then of the instances."""
    arns = tuple(instance_arn(one) for one in ids)
    target = TemplateTarget(resource_type="aws:ec2:instance", resource_arns=arns)
    resources = (await InstanceResolver().resolve(session, target)).found
    plan = Plan(EXPERIMENT, action, "lab", None)
    return [
        Record(
            id=f"{EXPERIMENT}/{action}/{number}",
            action=action,
            holders=(action,),
            fault=FAULT.id,
            resource=subject.resource,
            effect=FAULT.effect,
            touches=subject.touches,
            state=subject.state,
        )
        for number, subject in enumerate(FAULT.subjects(FIVE, resources, plan))
    ]


def quarantines(ec2: Any) -> list[dict[str, Any]]:
    filters = [{"Name": "group-name", "Values": ["fb-*"]}]
    return list(ec2.describe_security_groups(Filters=filters)["SecurityGroups"])


@pytest.fixture
def groups_of(ec2: Any) -> Callable[..., Groups]:
    """Answer the groups of each interface of an instance."""

    def groups(instance: str) -> Groups:
        filters = [{"Name": "attachment.instance-id", "Values": [instance]}]
        found = ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
        return {
            one["NetworkInterfaceId"]: sorted(group["GroupId"] for group in one["Groups"])
            for one in found
        }

    return groups


@pytest.fixture
def two_groups(ec2: Any) -> list[str]:
    made = [
        ec2.create_security_group(GroupName=name, Description="of the shop")["GroupId"]
        for name in ("front", "back")
    ]
    return sorted(made)


def test_it_lasts_for_a_duration_and_restores() -> None:
    assert FAULT.timing(FIVE) == Timing.lasts(timedelta(minutes=5))
    assert FAULT.undo(FIVE) is Undo.RESTORES
    with pytest.raises(ValueError, match="Field required"):
        FAULT.Parameters.model_validate({})


def test_a_group_is_named_for_each_network_before_its_instances() -> None:
    def instance(number: int, vpc: str | None) -> Resource:
        arn = instance_arn(f"i-0000000{number}")
        more = {} if vpc is None else {"vpc_id": vpc}
        return Resource("aws:ec2:instance", arn, {"arn": arn, **more})

    given = [instance(1, "vpc-a"), instance(2, "vpc-b"), instance(3, "vpc-a"), instance(4, None)]
    subjects = FAULT.subjects(FIVE, given, PLAN)
    assert subjects == FAULT.subjects(FIVE, given, PLAN)
    first, second = (one.resource for one in subjects[:2])
    assert first.startswith("arn:aws:ec2:us-east-1:123456789012:vpc/vpc-a/security-group-name/fb-")
    assert second == first.replace("vpc-a", "vpc-b")
    assert [one.touches for one in subjects] == [(), (), (first,), (second,), (first,), ()]
    other = FAULT.subjects(FIVE, given, Plan(EXPERIMENT, "other", "lab", None))
    assert other[0].resource != first


async def test_every_interface_gets_its_groups_back_and_ours_is_deleted(
    *,
    session: AwsSession,
    launch: Launch,
    ec2: Any,
    groups_of: Callable[..., Groups],
    two_groups: list[str],
    calls: Callable[..., list[str]],
) -> None:
    one, other = launch(1, SecurityGroupIds=two_groups)[0], launch(1)[0]
    subnet = ec2.describe_instances(InstanceIds=[one])["Reservations"][0]["Instances"][0]
    second = ec2.create_network_interface(SubnetId=subnet["SubnetId"], Groups=two_groups[:1])
    plain = second["NetworkInterface"]["NetworkInterfaceId"]
    ec2.attach_network_interface(NetworkInterfaceId=plain, InstanceId=one, DeviceIndex=1)
    before = {instance: groups_of(instance) for instance in (one, other)}
    assert len(before[one]) == 2

    records = await records_for(session, [one, other])
    calls()
    for _ in range(2):
        assert kinds(await FAULT.prepare(session, FIVE, records), records) == ["done"] * 3
    assert all(name.startswith("Describe") for name in calls())
    assert kinds(await FAULT.observe(session, records), records) == ["absent"] * 3
    for _ in range(2):
        assert kinds(await FAULT.inject(session, FIVE, records), records) == ["done"] * 3
    assert calls("CreateSecurityGroup", "RevokeSecurityGroupEgress") == [
        "CreateSecurityGroup",
        "RevokeSecurityGroupEgress",
    ]
    (group,) = quarantines(ec2)
    assert (group["IpPermissions"], group["IpPermissionsEgress"]) == ([], [])
    assert [tag["Key"] for tag in group["Tags"]] == [KEY]
    for instance in (one, other):
        assert set(map(tuple, groups_of(instance).values())) == {(group["GroupId"],)}
    assert kinds(await FAULT.observe(session, records), records) == ["present"] * 3

    for _ in range(2):
        assert kinds(await FAULT.revert(session, records[1:]), records[1:]) == ["done"] * 2
    assert {instance: groups_of(instance) for instance in (one, other)} == before
    for _ in range(2):
        assert kinds(await FAULT.revert(session, records[:1]), records[:1]) == ["done"]
    assert quarantines(ec2) == []
    assert kinds(await FAULT.observe(session, records), records) == ["absent"] * 3
    assert calls("ModifyNetworkInterfaceAttribute", "DeleteSecurityGroup") == [
        *["ModifyNetworkInterfaceAttribute"] * 3,
        "DeleteSecurityGroup",
    ]


async def test_a_group_made_before_a_crash_is_taken_up(
    session: AwsSession, launch: Launch, ec2: Any, aws: AwsEmulator
) -> None:
    ids = launch()
    before = await records_for(session, ids)
    await FAULT.prepare(session, FIVE, before)
    aws.lose_reply(service="ec2", operation="CreateSecurityGroup", times=2)
    # botocore sends again after the lost reply, and meets the group that it has made.
    assert kinds(await FAULT.inject(session, FIVE, before[:1]), before[:1]) == ["unknown"]
    (group,) = quarantines(ec2)
    assert group["IpPermissionsEgress"] != []
    after = await records_for(session, ids)
    assert kinds(await FAULT.observe(session, after[:1]), after[:1]) == ["present"]
    assert kinds(await FAULT.prepare(session, FIVE, after), after) == ["done"] * 2
    assert kinds(await FAULT.inject(session, FIVE, after[1:]), after[1:]) == ["done"]
    (group,) = quarantines(ec2)
    assert group["IpPermissionsEgress"] == []
    assert kinds(await FAULT.revert(session, after), after) == ["done"] * 2
    assert quarantines(ec2) == []


async def test_a_group_of_that_name_that_is_not_ours_is_left_alone(
    session: AwsSession, launch: Launch, ec2: Any
) -> None:
    records = await records_for(session, launch())
    state = records[0].state["quarantine"]
    given = {"GroupName": state["name"], "VpcId": state["vpc"], "Description": "mine"}
    foreign = ec2.create_security_group(**given)["GroupId"]
    outcomes = await FAULT.prepare(session, FIVE, records)
    assert kinds(outcomes, records) == ["rejected", "done"]
    assert f"({foreign}) that this run did not make" in outcomes[records[0].id].reason
    assert kinds(await FAULT.inject(session, FIVE, records), records) == ["rejected"] * 2
    assert kinds(await FAULT.observe(session, records), records) == ["absent"] * 2
    assert kinds(await FAULT.revert(session, records), records) == ["done"] * 2
    assert [group["GroupId"] for group in quarantines(ec2)] == [foreign]


async def test_one_that_is_cut_off_already_is_left_so(
    session: AwsSession, launch: Launch, ec2: Any
) -> None:
    closed = ec2.create_security_group(GroupName="closed", Description="closed")["GroupId"]
    every = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.revoke_security_group_egress(GroupId=closed, IpPermissions=[every])
    ids = [*launch(1, SecurityGroupIds=[closed]), *launch(1)]
    for instance in ids[:1]:
        filters = [{"Name": "attachment.instance-id", "Values": [instance]}]
        for one in ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]:
            plain = one["NetworkInterfaceId"]
            ec2.modify_network_interface_attribute(NetworkInterfaceId=plain, Groups=[closed])
    records = await records_for(session, ids)
    left = [record.resource for record in records].index(instance_arn(ids[0]))
    outcomes = await FAULT.prepare(session, FIVE, records)
    assert sorted(kinds(outcomes, records)) == ["done", "done", "left"]
    assert outcomes[records[left].id].kind == "left"


async def test_interfaces_that_aws_manages_are_left_and_named(
    session: AwsSession, launch: Launch, ec2: Any, groups_of: Callable[..., Groups]
) -> None:
    # The emulator has no service that makes such interfaces: moto's own object is told so.
    one, all_managed = launch(2)
    subnet = ec2.describe_instances(InstanceIds=[one])["Reservations"][0]["Instances"][0]
    made = ec2.create_network_interface(SubnetId=subnet["SubnetId"])["NetworkInterface"]
    managed = made["NetworkInterfaceId"]
    ec2.attach_network_interface(NetworkInterfaceId=managed, InstanceId=one, DeviceIndex=1)
    (only,) = groups_of(all_managed)
    for plain in (managed, only):
        ec2_backends["123456789012"]["us-east-1"].enis[plain].requester_managed = True
    before = groups_of(one)
    records = await records_for(session, [one, all_managed])
    by_id = {record.resource.rpartition("/")[2]: record for record in records}
    outcomes = await FAULT.prepare(session, FIVE, records)
    assert outcomes[by_id[one].id].kind == "done"
    assert outcomes[by_id[all_managed].id].kind == "rejected"
    assert only in outcomes[by_id[all_managed].id].reason
    ready = [records[0], by_id[one]]
    assert kinds(await FAULT.inject(session, FIVE, ready), ready) == ["done"] * 2
    assert groups_of(one)[managed] == before[managed]
    seen = (await FAULT.observe(session, ready))[by_id[one].id]
    assert (seen.effect, managed in seen.reason) == ("present", True)
    assert kinds(await FAULT.revert(session, ready), ready) == ["done"] * 2
    assert groups_of(one) == before


async def test_the_gone_and_the_refused_do_not_hold_up_the_others(
    session: AwsSession,
    launch: Launch,
    ec2: Any,
    aws: AwsEmulator,
    groups_of: Callable[..., Groups],
) -> None:
    dead, doomed, sound = launch(3)
    records = await records_for(session, [dead, doomed, sound])
    by_id = {record.resource.rpartition("/")[2]: record for record in records}
    ec2.terminate_instances(InstanceIds=[dead])
    aws.complete_transitions()
    outcomes = await FAULT.prepare(session, FIVE, records)
    assert outcomes[by_id[dead].id].kind == "gone"
    alive = [record for record in records if record is not by_id[dead]]
    before = groups_of(sound)
    assert kinds(await FAULT.inject(session, FIVE, alive), alive) == ["done"] * 3
    ec2.terminate_instances(InstanceIds=[doomed])
    aws.complete_transitions()
    assert (await FAULT.observe(session, alive))[by_id[doomed].id].effect == "gone"
    outcomes = await FAULT.revert(session, alive)
    assert outcomes[by_id[doomed].id].kind == "gone"
    assert outcomes[by_id[sound].id].kind == "done"
    assert outcomes[records[0].id].kind == "done"
    assert (groups_of(sound), quarantines(ec2)) == (before, [])


async def test_an_instance_cut_off_in_part_is_not_called_untouched(
    session: AwsSession, launch: Launch, ec2: Any, aws: AwsEmulator
) -> None:
    (one,) = launch()
    subnet = ec2.describe_instances(InstanceIds=[one])["Reservations"][0]["Instances"][0]
    made = ec2.create_network_interface(SubnetId=subnet["SubnetId"])["NetworkInterface"]
    plain = made["NetworkInterfaceId"]
    ec2.attach_network_interface(NetworkInterfaceId=plain, InstanceId=one, DeviceIndex=1)
    records = await records_for(session, [one])
    await FAULT.prepare(session, FIVE, records)
    aws.fail(service="ec2", operation="ModifyNetworkInterfaceAttribute", error="IncorrectState")
    outcomes = await FAULT.inject(session, FIVE, records)
    assert kinds(outcomes, records) == ["done", "unknown"]
    seen = (await FAULT.observe(session, records))[records[1].id]
    assert (seen.effect, "could be cut off" in seen.reason) == ("failed", True)
    assert kinds(await FAULT.revert(session, records), records) == ["done"] * 2


async def test_a_refusal_of_the_group_is_that_of_its_instances(
    session: AwsSession, launch: Launch, ec2: Any, allow: Callable[..., None]
) -> None:
    records = await records_for(session, launch())
    await FAULT.prepare(session, FIVE, records)
    allow("ec2:Describe*", "ec2:CreateSecurityGroup")
    outcomes = await FAULT.inject(session, FIVE, records)
    assert kinds(outcomes, records) == ["rejected"] * 2
    assert "may not ec2:CreateTags" in outcomes[records[0].id].reason
    assert "not cut off: " in outcomes[records[1].id].reason
    assert quarantines(ec2) == []


async def test_a_group_in_use_elsewhere_is_deleted_later(
    session: AwsSession, launch: Launch, ec2: Any
) -> None:
    records = await records_for(session, launch())
    await FAULT.prepare(session, FIVE, records)
    await FAULT.inject(session, FIVE, records)
    (group,) = quarantines(ec2)
    (other,) = launch(1)
    subnet = ec2.describe_instances(InstanceIds=[other])["Reservations"][0]["Instances"][0]
    given = {"SubnetId": subnet["SubnetId"], "Groups": [group["GroupId"]]}
    user = ec2.create_network_interface(**given)["NetworkInterface"]["NetworkInterfaceId"]
    outcomes = await FAULT.revert(session, records)
    assert kinds(outcomes, records) == ["rejected", "done"]
    assert f"still in use by {user}" in outcomes[records[0].id].reason
    ec2.delete_network_interface(NetworkInterfaceId=user)
    assert kinds(await FAULT.revert(session, records), records) == ["done"] * 2
    assert quarantines(ec2) == []


async def test_groups_that_others_set_meanwhile_stay(
    session: AwsSession, launch: Launch, ec2: Any, groups_of: Callable[..., Groups]
) -> None:
    (one,) = launch()
    records = await records_for(session, [one])
    await FAULT.prepare(session, FIVE, records)
    await FAULT.inject(session, FIVE, records)
    mended = ec2.create_security_group(GroupName="mended", Description="by hand")["GroupId"]
    (plain,) = groups_of(one)
    ec2.modify_network_interface_attribute(NetworkInterfaceId=plain, Groups=[mended])
    assert kinds(await FAULT.observe(session, records), records) == ["present", "absent"]
    assert kinds(await FAULT.revert(session, records), records) == ["done"] * 2
    assert groups_of(one) == {plain: [mended]}


async def test_a_group_that_was_deleted_meanwhile_is_named_not_taken_for_the_instance(
    session: AwsSession, launch: Launch, ec2: Any, two_groups: list[str]
) -> None:
    (one,) = launch(1, SecurityGroupIds=two_groups[:1])
    records = await records_for(session, [one])
    await FAULT.prepare(session, FIVE, records)
    await FAULT.inject(session, FIVE, records)
    ec2.delete_security_group(GroupId=two_groups[0])
    outcomes = await FAULT.revert(session, records[1:])
    assert kinds(outcomes, records[1:]) == ["rejected"]
    assert two_groups[0] in outcomes[records[1].id].reason


async def test_the_rights_are_asked_for_before_anything_happens(
    session: AwsSession, launch: Launch, ec2: Any, allow: Callable[..., None]
) -> None:
    arns = tuple(instance_arn(one) for one in launch(2))
    target = TemplateTarget(resource_type="aws:ec2:instance", resource_arns=arns)
    resources = (await InstanceResolver().resolve(session, target)).found
    assert await FAULT.review(session, FIVE, resources) == []
    needed = {right.name for right in FAULT.permissions if right.need == "required"}
    for missing in sorted(needed - {one for one in needed if ":Describe" in one}):
        allow(*(needed - {missing}))
        denials = await FAULT.review(session, FIVE, resources)
        assert denials, missing
        assert all(f"may not {missing}" in denial.reason for denial in denials)
    assert quarantines(ec2) == []


async def test_rescue_undoes_it_from_its_marks_alone(
    *,
    session: AwsSession,
    provider: AwsProvider,
    launch: Launch,
    ec2: Any,
    groups_of: Callable[..., Groups],
    two_groups: list[str],
) -> None:
    (one,) = launch(1, SecurityGroupIds=two_groups)
    before = groups_of(one)
    records = await records_for(session, [one])
    await FAULT.prepare(session, FIVE, records)
    mark = Mark("lab", EXPERIMENT, "act", FAULT.id, None, ROLE)
    assert kinds(await FAULT.mark(session, mark, records), records) == ["done"] * 2
    await FAULT.inject(session, FIVE, records)

    found = (await provider.find_marks(Caller(SCOPE, None, "reader", "lab"))).found
    assert [(one.mark, one.problem) for one in found] == [(mark, "")] * 2
    assert {one.record.resource.rpartition(":")[2].partition("/")[0] for one in found} == {
        "instance",
        "security-group",
    }
    rebuilt = [one.record for one in found]
    assert kinds(await FAULT.revert(session, rebuilt), rebuilt) == ["done"] * 2
    assert (groups_of(one), quarantines(ec2)) == (before, [])
    assert kinds(await FAULT.unmark(session, mark, rebuilt), rebuilt) == ["done"] * 2
    assert (await provider.find_marks(Caller(SCOPE, None, "reader", "lab"))).found == []


async def test_nothing_is_sent_by_who_lost_the_run(open_session: OpenSession) -> None:
    session = await open_session()
    subjects = FAULT.subjects(FIVE, [], PLAN)
    assert subjects == []
    assert await FAULT.inject(session, FIVE, []) == {}
    assert await FAULT.revert(session, []) == {}
