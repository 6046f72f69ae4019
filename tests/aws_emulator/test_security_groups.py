"""Security groups and interfaces: what depends on what, and who may touch it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bridge.sandbox.aws import AwsEmulator

Launch = Callable[..., list[str]]


@pytest.fixture
def group(ec2: Any) -> Callable[[str], str]:
    def made(name: str) -> str:
        return str(ec2.create_security_group(GroupName=name, Description="x")["GroupId"])

    return made


def refusal(call: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def interface_of(ec2: Any, instance: str) -> dict[str, Any]:
    filters = [{"Name": "attachment.instance-id", "Values": [instance]}]
    found: dict[str, Any] = ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"][0]
    return found


def test_a_name_is_there_once_in_a_network(ec2: Any, group: Callable[[str], str]) -> None:
    group("once")
    assert refusal(lambda: group("once"))[0] == "InvalidGroup.Duplicate"
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    ec2.create_security_group(GroupName="once", Description="x", VpcId=vpc)
    given = {"GroupName": "n", "Description": "x", "VpcId": "vpc-0123456789abcdef0"}
    assert refusal(lambda: ec2.create_security_group(**given))[0] == "InvalidVpcID.NotFound"


def test_a_group_in_use_is_not_deleted(
    ec2: Any, launch: Launch, group: Callable[[str], str], emulator: AwsEmulator
) -> None:
    borne, naming, named = group("borne"), group("naming"), group("named")
    (instance,) = launch(SecurityGroupIds=[borne])
    peer = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1}
    peer |= {"UserIdGroupPairs": [{"GroupId": named}]}
    ec2.authorize_security_group_ingress(GroupId=naming, IpPermissions=[peer])
    for one in (borne, named):
        code, message = refusal(lambda one=one: ec2.delete_security_group(GroupId=one))  # type: ignore[misc] # bound early
        assert (code, message) == ("DependencyViolation", f"resource {one} has a dependent object")
    default = ec2.describe_security_groups(GroupNames=["default"])["SecurityGroups"][0]["GroupId"]
    assert refusal(lambda: ec2.delete_security_group(GroupId=default))[0] == "CannotDelete"
    ec2.terminate_instances(InstanceIds=[instance])
    emulator.complete_transitions()
    for one in (borne, naming, named):
        ec2.delete_security_group(GroupId=one)
    assert refusal(lambda: ec2.delete_security_group(GroupId=one))[0] == "InvalidGroup.NotFound"


def test_an_interface_has_the_groups_that_it_was_given_and_no_others(
    ec2: Any, launch: Launch, group: Callable[[str], str]
) -> None:
    first, second = group("first"), group("second")
    (instance,) = launch(SecurityGroupIds=[first])
    interface = interface_of(ec2, instance)
    plain = interface["NetworkInterfaceId"]
    more = ec2.create_network_interface(SubnetId=interface["SubnetId"], Groups=[first])
    extra = more["NetworkInterface"]["NetworkInterfaceId"]
    ec2.attach_network_interface(NetworkInterfaceId=extra, InstanceId=instance, DeviceIndex=1)
    ec2.modify_network_interface_attribute(NetworkInterfaceId=plain, Groups=[second])
    (described,) = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"]
    by_id = {
        one["NetworkInterfaceId"]: [each["GroupId"] for each in one["Groups"]]
        for one in described["NetworkInterfaces"]
    }
    assert by_id == {plain: [second], extra: [first]}
    assert [one["GroupId"] for one in described["SecurityGroups"]] == [second]


def test_groups_must_be_there_in_the_same_network(
    ec2: Any, launch: Launch, group: Callable[[str], str]
) -> None:
    interface = interface_of(ec2, launch()[0])
    plain, before = interface["NetworkInterfaceId"], interface["Groups"]
    vpc = ec2.create_vpc(CidrBlock="10.2.0.0/16")["Vpc"]["VpcId"]
    made = ec2.create_security_group(GroupName="far", Description="x", VpcId=vpc)
    for wrong in ("sg-0123456789abcdef0", made["GroupId"]):
        given = {"NetworkInterfaceId": plain, "Groups": [group(f"ok-{wrong}"), wrong]}
        code, message = refusal(lambda given=given: ec2.modify_network_interface_attribute(**given))  # type: ignore[misc] # bound early
        assert code == "InvalidGroup.NotFound"
        assert f"'{wrong}' does not exist in VPC '{interface['VpcId']}'" in message
    given = {"NetworkInterfaceId": plain, "Groups": before}
    (now,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[plain])["NetworkInterfaces"]
    assert now["Groups"] == before


def test_a_group_that_is_not_there_cannot_be_tagged_and_takes_its_tags_along(
    ec2: Any, group: Callable[[str], str]
) -> None:
    one = group("tagged")
    tag = [{"Key": "a", "Value": "b"}]
    ec2.create_tags(Resources=[one], Tags=tag)
    ec2.delete_security_group(GroupId=one)
    filters = [{"Name": "resource-id", "Values": [one]}]
    assert ec2.describe_tags(Filters=filters)["Tags"] == []
    code, _ = refusal(lambda: ec2.create_tags(Resources=[one], Tags=tag))
    assert code == "InvalidGroup.NotFound"


def test_dry_runs_change_nothing(ec2: Any, launch: Launch, group: Callable[[str], str]) -> None:
    one = group("dry")
    plain = interface_of(ec2, launch()[0])["NetworkInterfaceId"]
    tries = [
        lambda: ec2.create_security_group(GroupName="n", Description="x", DryRun=True),
        lambda: ec2.delete_security_group(GroupId=one, DryRun=True),
        lambda: ec2.modify_network_interface_attribute(
            NetworkInterfaceId=plain, Groups=["sg-00000000000000000"], DryRun=True
        ),
    ]
    assert [refusal(each)[0] for each in tries] == ["DryRunOperation"] * 3
    assert ec2.describe_security_groups(GroupIds=[one])["SecurityGroups"]
