"""What an assumed role may do."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bridge.sandbox.aws import AwsEmulator
from bridge.sandbox.aws.policies import UnsupportedPolicyError, decide, policy
from iam.policy import Outcome

Connect = Callable[..., Any]
Launch = Callable[..., list[str]]
TRUST = json.dumps(
    {
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "fis.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    }
)
_numbers = count(1)
INSTANCES = "arn:aws:ec2:*:*:instance/*"


def statement(
    effect: str, action: str | list[str], resource: str | list[str] = "*", **more: Any
) -> Any:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def document(*listed: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(listed)})


@pytest.fixture
def role(connect: Connect, emulator: AwsEmulator) -> str:
    """A role of this test's own, without any right."""
    name = f"role-{next(_numbers)}"
    connect("iam").create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
    return name


@pytest.fixture
def act_as(connect: Connect, role: str) -> Callable[..., Any]:
    """Answer a client of the role, whose policy becomes these statements."""

    def act(service: str, *listed: Any, session_policy: str | None = None) -> Any:
        connect("iam").put_role_policy(
            RoleName=role, PolicyName="rights", PolicyDocument=document(*listed)
        )
        more = {"Policy": session_policy} if session_policy else {}
        arn = f"arn:aws:iam::123456789012:role/{role}"
        answer = connect("sts").assume_role(RoleArn=arn, RoleSessionName="EXP1", **more)
        return connect(service, answer["Credentials"])

    return act


def refusal(call: Callable[[], Any]) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    status = caught.value.response["ResponseMetadata"]["HTTPStatusCode"]
    return error["Code"], error["Message"], status


def test_what_no_policy_allows_is_refused_in_ec2s_words(
    act_as: Callable[..., Any], launch: Launch, role: str
) -> None:
    ids = launch()
    ec2 = act_as("ec2", statement("Allow", "ec2:DescribeInstances"))
    assert ec2.describe_instances(InstanceIds=ids)["Reservations"]
    code, message, status = refusal(lambda: ec2.stop_instances(InstanceIds=ids))
    assert (code, status) == ("UnauthorizedOperation", 403)
    assert message == (
        "You are not authorized to perform this operation. User: "
        f"arn:aws:sts::123456789012:assumed-role/{role}/EXP1 is not authorized to perform: "
        f"ec2:StopInstances on resource: arn:aws:ec2:us-east-1:123456789012:instance/{ids[0]} "
        "because no identity-based policy allows the ec2:StopInstances action"
    )


def test_an_arn_with_a_wildcard_allows(act_as: Callable[..., Any], launch: Launch) -> None:
    ec2 = act_as("ec2", statement("Allow", "ec2:Stop*", INSTANCES))
    assert ec2.stop_instances(InstanceIds=launch())["StoppingInstances"]


def test_one_instance_of_the_batch_that_is_not_covered_refuses_it(
    act_as: Callable[..., Any], launch: Launch, ec2: Any
) -> None:
    mine, other = launch(2)
    arn = f"arn:aws:ec2:us-east-1:123456789012:instance/{mine}"
    limited = act_as("ec2", statement("Allow", "ec2:StopInstances", arn))
    code, message, _ = refusal(lambda: limited.stop_instances(InstanceIds=[mine, other]))
    assert code == "UnauthorizedOperation"
    assert other in message
    assert limited.stop_instances(InstanceIds=[mine])["StoppingInstances"]


def test_describing_needs_the_right_on_everything(
    act_as: Callable[..., Any], launch: Launch
) -> None:
    ec2 = act_as("ec2", statement("Allow", "ec2:DescribeInstances", INSTANCES))
    assert refusal(ec2.describe_instances)[0] == "UnauthorizedOperation"


def test_an_explicit_deny_wins(act_as: Callable[..., Any], launch: Launch) -> None:
    ids = launch()
    ec2 = act_as(
        "ec2", statement("Allow", "ec2:*"), statement("Deny", "ec2:StopInstances", INSTANCES)
    )
    code, message, _ = refusal(lambda: ec2.stop_instances(InstanceIds=ids))
    assert code == "UnauthorizedOperation"
    assert "with an explicit deny in an identity-based policy" in message
    assert ec2.start_instances(InstanceIds=ids)["StartingInstances"]


def test_a_volume_needs_the_right_on_both_ends(
    act_as: Callable[..., Any], launch: Launch, ec2: Any
) -> None:
    (instance,) = launch()
    volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
    request = {"VolumeId": volume, "InstanceId": instance, "Device": "/dev/sdf"}
    half = act_as("ec2", statement("Allow", "ec2:AttachVolume", INSTANCES))
    code, message, _ = refusal(lambda: half.attach_volume(**request))
    assert code == "UnauthorizedOperation"
    assert f"volume/{volume}" in message
    whole = act_as(
        "ec2",
        statement("Allow", "ec2:AttachVolume", INSTANCES),
        statement("Allow", "ec2:AttachVolume", "arn:aws:ec2:*:*:volume/*"),
    )
    assert whole.attach_volume(**request)["State"] == "attaching"


def test_a_role_without_the_right_to_tag_cannot_mark(
    act_as: Callable[..., Any], launch: Launch
) -> None:
    ids = launch()
    ec2 = act_as("ec2", statement("Allow", ["ec2:StopInstances", "ec2:DescribeTags"]))
    tags = [{"Key": "faultbridge:x:y/z", "Value": "v1"}]
    code, message, _ = refusal(lambda: ec2.create_tags(Resources=ids, Tags=tags))
    assert code == "UnauthorizedOperation"
    assert "ec2:CreateTags" in message


def test_permission_is_asked_before_existence(act_as: Callable[..., Any]) -> None:
    ec2 = act_as("ec2", statement("Allow", "ec2:DescribeInstances"))
    missing = ["i-0123456789abcdef0"]
    assert refusal(lambda: ec2.stop_instances(InstanceIds=missing))[0] == "UnauthorizedOperation"


def test_cloudwatch_and_eks_refuse_in_their_own_words(act_as: Callable[..., Any]) -> None:
    nothing = statement("Allow", "ec2:DescribeInstances")
    code, message, status = refusal(act_as("cloudwatch", nothing).describe_alarms)
    assert (code, status) == ("AccessDenied", 403)
    assert "cloudwatch:DescribeAlarms" in message
    code, message, status = refusal(lambda: act_as("eks", nothing).describe_cluster(name="c"))
    assert (code, status) == ("AccessDeniedException", 403)
    assert "arn:aws:eks:us-east-1:123456789012:cluster/c" in message


def test_other_services_are_checked_by_action(act_as: Callable[..., Any]) -> None:
    iam = act_as("iam", statement("Allow", "iam:ListRoles", "arn:aws:iam::1:role/x"))
    assert iam.list_roles()["Roles"]
    assert refusal(iam.list_users)[0] == "AccessDenied"


def test_an_attached_policy_counts(
    act_as: Callable[..., Any], connect: Connect, role: str, launch: Launch
) -> None:
    iam = connect("iam")
    made = iam.create_policy(
        PolicyName=f"{role}-stop",
        PolicyDocument=document(statement("Allow", "ec2:StopInstances", INSTANCES)),
    )
    iam.attach_role_policy(RoleName=role, PolicyArn=made["Policy"]["Arn"])
    ec2 = act_as("ec2", statement("Allow", "ec2:DescribeInstances"))
    assert ec2.stop_instances(InstanceIds=launch())["StoppingInstances"]


def test_a_session_policy_only_takes_rights_away(
    act_as: Callable[..., Any], launch: Launch
) -> None:
    ids = launch()
    narrow = document(statement("Allow", ["ec2:StartInstances", "ec2:RebootInstances"]))
    allowed = statement("Allow", ["ec2:StopInstances", "ec2:StartInstances"])
    ec2 = act_as("ec2", allowed, session_policy=narrow)
    assert ec2.start_instances(InstanceIds=ids)["StartingInstances"]
    assert refusal(lambda: ec2.stop_instances(InstanceIds=ids))[0] == "UnauthorizedOperation"
    assert refusal(lambda: ec2.reboot_instances(InstanceIds=ids))[0] == "UnauthorizedOperation"


def test_a_condition_on_the_resources_tags_decides(
    act_as: Callable[..., Any], launch: Launch, ec2: Any
) -> None:
    ready, other = launch(2)
    ec2.create_tags(Resources=[ready], Tags=[{"Key": "chaos", "Value": "ready"}])
    condition = {"StringEquals": {"aws:ResourceTag/chaos": "ready"}}
    limited = act_as("ec2", statement("Allow", "ec2:StopInstances", INSTANCES, Condition=condition))
    assert limited.stop_instances(InstanceIds=[ready])["StoppingInstances"]
    for batch in ([other], [ready, other]):
        code, message, _ = refusal(partial(limited.stop_instances, InstanceIds=batch))
        assert code == "UnauthorizedOperation"
        assert f"instance/{other}" in message


def test_a_condition_on_the_requests_tags_decides(
    act_as: Callable[..., Any], launch: Launch
) -> None:
    ids = launch()
    condition = {"ForAllValues:StringLike": {"aws:TagKeys": "faultbridge:*"}}
    ec2 = act_as("ec2", statement("Allow", "ec2:CreateTags", INSTANCES, Condition=condition))
    mark = [{"Key": "faultbridge:x:y/z", "Value": "v1"}]
    ec2.create_tags(Resources=ids, Tags=mark)
    bad = [*mark, {"Key": "owner", "Value": "me"}]
    code, _, _ = refusal(lambda: ec2.create_tags(Resources=ids, Tags=bad))
    assert code == "UnauthorizedOperation"


def test_a_condition_that_decides_and_cannot_be_told_is_refused_by_name(
    act_as: Callable[..., Any], launch: Launch
) -> None:
    ids = launch()
    condition = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    ec2 = act_as(
        "ec2",
        statement("Allow", "ec2:StopInstances", INSTANCES, Condition=condition),
        statement("Allow", "ec2:StartInstances", INSTANCES),
    )
    assert ec2.start_instances(InstanceIds=ids)["StartingInstances"]
    code, message, _ = refusal(lambda: ec2.stop_instances(InstanceIds=ids))
    assert code == "UnsupportedOperation"
    assert "inline policy rights" in message
    assert "aws:MultiFactorAuthPresent" in message


def test_the_sandboxs_own_caller_may_do_everything(ec2: Any, launch: Launch) -> None:
    assert ec2.stop_instances(InstanceIds=launch())["StoppingInstances"]


def test_a_statement_on_all_but_some_is_read() -> None:
    some = {"Effect": "Allow", "NotAction": "ec2:*", "NotResource": "arn:aws:eks:::b"}
    listed = [policy(json.dumps({"Statement": [some]}), "p")]
    assert decide(listed, "eks:DescribeCluster", "arn:aws:eks:::a").allowed
    assert not decide(listed, "eks:DescribeCluster", "arn:aws:eks:::b").allowed
    assert not decide(listed, "ec2:StopInstances", "arn:aws:eks:::a").allowed


def test_a_plain_deny_needs_no_condition_read() -> None:
    text = document(
        statement("Allow", "ec2:*", Condition={"StringEquals": {"x": "y"}}), statement("Deny", "*")
    )
    whole = policy(text, "p")
    decided = decide([whole], "ec2:StopInstances", None)
    assert decided.outcome is Outcome.EXPLICIT_DENY
    with pytest.raises(UnsupportedPolicyError, match="p: x"):
        decide([replace(whole, statements=whole.statements[:1])], "ec2:StopInstances", None)


def test_a_policy_that_cannot_be_read_is_refused_by_name() -> None:
    own = statement("Allow", "s3:*", "arn:aws:s3:::b/${aws:username}")
    with pytest.raises(UnsupportedPolicyError, match="policy variable"):
        policy(document(own), "p")
