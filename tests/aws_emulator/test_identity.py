"""Who may assume which role, and who the emulator says one is."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.signers import RequestSigner

from bridge.sandbox.aws import AwsEmulator

Connect = Callable[..., Any]
TRUSTING_FIS = {"Effect": "Allow", "Principal": {"Service": ["fis.amazonaws.com"]}}
ACCOUNT = "arn:aws:iam::123456789012"
ASSUME = "sts:AssumeRole"


@pytest.fixture
def make_role(connect: Connect, emulator: AwsEmulator) -> Iterator[Callable[..., str]]:
    iam = connect("iam")
    made: list[str] = []

    def make(name: str, *trust: dict[str, Any]) -> str:
        statements = [{"Action": ASSUME, **statement} for statement in trust]
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)
        made.append(name)
        return str(role["Role"]["Arn"])

    yield make
    for name in made:
        iam.delete_role(RoleName=name)


@pytest.fixture
def sts(connect: Connect) -> Any:
    return connect("sts")


def assume(sts: Any, role: str, session: str = "EXP123") -> Any:
    return sts.assume_role(RoleArn=role, RoleSessionName=session)["Credentials"]


def refusal(call: Callable[[], Any]) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    status = caught.value.response["ResponseMetadata"]["HTTPStatusCode"]
    return error["Code"], error["Message"], status


def test_the_callers_own_identity_is_a_user_of_the_account(sts: Any, emulator: AwsEmulator) -> None:
    identity = sts.get_caller_identity()
    assert identity["Arn"] == emulator.caller_arn == f"{ACCOUNT}:user/sandbox"
    assert identity["Account"] == emulator.account_id


def test_a_role_that_trusts_fis_is_assumed_and_is_who_one_is_then(
    sts: Any, connect: Connect, make_role: Callable[..., str]
) -> None:
    credentials = assume(sts, make_role("trusting", TRUSTING_FIS))
    arn = connect("sts", credentials).get_caller_identity()["Arn"]
    assert arn == "arn:aws:sts::123456789012:assumed-role/trusting/EXP123"


def test_a_role_that_does_not_exist_cannot_be_assumed(sts: Any) -> None:
    role = f"{ACCOUNT}:role/nobody"
    assert refusal(lambda: assume(sts, role)) == (
        "AccessDenied",
        f"User: {ACCOUNT}:user/sandbox is not authorized to perform: {ASSUME} on resource: {role}",
        403,
    )


@pytest.mark.parametrize(
    "trust",
    [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}},
        {"Effect": "Allow", "Principal": {"AWS": f"{ACCOUNT}:user/somebody"}},
        {**TRUSTING_FIS, "Action": "sts:TagSession"},
    ],
    ids=["another service", "another user", "another action"],
)
def test_a_role_that_trusts_others_cannot_be_assumed(
    sts: Any, make_role: Callable[..., str], trust: dict[str, Any]
) -> None:
    role = make_role("elsewhere", trust)
    code, _, status = refusal(lambda: assume(sts, role))
    assert (code, status) == ("AccessDenied", 403)


def test_an_explicit_deny_in_the_trust_policy_wins(sts: Any, make_role: Callable[..., str]) -> None:
    role = make_role("torn", TRUSTING_FIS, {**TRUSTING_FIS, "Effect": "Deny"})
    code, _, _ = refusal(lambda: assume(sts, role))
    assert code == "AccessDenied"


@pytest.mark.parametrize("principal", [ACCOUNT + ":root", ACCOUNT + ":user/sandbox", "*"])
def test_the_caller_is_also_trusted_as_itself(
    sts: Any, make_role: Callable[..., str], principal: str
) -> None:
    role = make_role("ours", {"Effect": "Allow", "Principal": {"AWS": principal}})
    assert assume(sts, role)["AccessKeyId"]


def test_an_assumed_role_does_not_act_as_fis(
    sts: Any, connect: Connect, make_role: Callable[..., str]
) -> None:
    credentials = assume(sts, make_role("first", TRUSTING_FIS))
    connect("iam").put_role_policy(
        RoleName="first",
        PolicyName="assume",
        PolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"},
            }
        ),
    )
    second = make_role("second", TRUSTING_FIS)
    chained = connect("sts", credentials)
    code, message, _ = refusal(lambda: assume(chained, second))
    assert code == "AccessDenied"
    assert "assumed-role/first/EXP123" in message
    connect("iam").delete_role_policy(RoleName="first", PolicyName="assume")


def test_the_conditions_that_aws_recommends_for_fis_are_evaluated(
    sts: Any, make_role: Callable[..., str]
) -> None:
    def condition(account: str) -> dict[str, Any]:
        source = "arn:aws:fis:us-east-1:123456789012:experiment/EXP*"
        return {
            "StringEquals": {"aws:SourceAccount": account},
            "ArnLike": {"aws:SourceArn": source},
        }

    ours = make_role("ours", {**TRUSTING_FIS, "Condition": condition("123456789012")})
    theirs = make_role("theirs", {**TRUSTING_FIS, "Condition": condition("999999999999")})
    assert assume(sts, ours)["AccessKeyId"]
    assert refusal(lambda: assume(sts, ours, session="other"))[0] == "AccessDenied"
    assert refusal(lambda: assume(sts, theirs))[0] == "AccessDenied"


def test_another_condition_is_refused_by_name_rather_than_ignored(
    sts: Any, make_role: Callable[..., str]
) -> None:
    known = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    role = make_role("strict", {**TRUSTING_FIS, "Condition": known})
    code, message, _ = refusal(lambda: assume(sts, role))
    assert code == "ValidationError"
    assert "sts:ExternalId" in message


def presigned(
    emulator: AwsEmulator, sts: Any, *, cluster: str = "sandbox", host: str | None = None
) -> str:
    """Sign GetCallerIdentity as an EKS token does, with the cluster's name as a header."""
    client = sts
    signer = RequestSigner(
        client.meta.service_model.service_id,
        emulator.region,
        "sts",
        "v4",
        client._request_signer._credentials,
        client.meta.events,
    )
    request = {
        "method": "GET",
        "url": f"{host or emulator.url}/?Action=GetCallerIdentity&Version=2011-06-15",
        "body": {},
        "headers": {"x-k8s-aws-id": cluster},
        "context": {},
    }
    url = signer.generate_presigned_url(
        request, region_name=emulator.region, expires_in=60, operation_name=""
    )
    return str(url).replace(host, emulator.url) if host else str(url)


def fetch(url: str, cluster: str = "sandbox") -> tuple[int, str]:
    request = urllib.request.Request(url, headers={"x-k8s-aws-id": cluster})  # noqa: S310 - ours
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - loopback
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with closing(error):
            return error.code, error.read().decode()


def test_a_presigned_identity_call_answers_the_assumed_role(
    emulator: AwsEmulator, sts: Any, connect: Connect, make_role: Callable[..., str]
) -> None:
    credentials = assume(sts, make_role("eks", TRUSTING_FIS))
    status, body = fetch(presigned(emulator, connect("sts", credentials)))
    assert status == 200
    assert "<Arn>arn:aws:sts::123456789012:assumed-role/eks/EXP123</Arn>" in body


@pytest.mark.parametrize(
    "host", ["https://sts.us-east-1.amazonaws.com", "https://sts.amazonaws.com"]
)
def test_a_call_presigned_for_the_real_sts_is_answered_too(
    emulator: AwsEmulator, sts: Any, host: str
) -> None:
    status, body = fetch(presigned(emulator, sts, host=host))
    assert status == 200
    assert "user/sandbox" in body


def test_a_token_for_another_cluster_does_not_verify(emulator: AwsEmulator, sts: Any) -> None:
    status, body = fetch(presigned(emulator, sts, cluster="other"), cluster="sandbox")
    assert status == 403
    assert "SignatureDoesNotMatch" in body


def test_a_late_presigned_call_is_refused(emulator: AwsEmulator, sts: Any) -> None:
    url = presigned(emulator, sts)
    day = url.split("X-Amz-Date=")[1][:16]
    status, body = fetch(url.replace(f"X-Amz-Date={day}", "X-Amz-Date=20200101T000000Z"))
    assert status == 403
    assert "Signature expired" in body


def test_a_presigned_call_of_nobody_is_refused(emulator: AwsEmulator, connect: Connect) -> None:
    unknown = {"AccessKeyId": "AKIDUNKNOWNUNKNOWN00", "SecretAccessKey": "x"}
    status, body = fetch(presigned(emulator, connect("sts", unknown)))
    assert status == 403
    assert "InvalidClientTokenId" in body
