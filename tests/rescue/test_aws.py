"""Accounts and Regions of AWS: real botocore against the emulator, several of each."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import boto3
import pytest

from bridge.cli.rescuing import Rescued, rescue_all
from bridge.model.moment import SECOND, Micros
from bridge.model.record import Phase, Record
from bridge.model.scope import Scope
from bridge.sandbox.aws import AwsEmulator
from bridge.settings import Settings
from providers import registry
from providers.aws.instances import StopInstances
from providers.aws.provider import AwsProvider
from providers.contract import Caller, Mark

OTHER = "222222222222"
STOP = StopInstances()


@pytest.fixture(scope="module")
def running() -> Iterator[AwsEmulator]:
    with AwsEmulator(transition_seconds=0.01) as emulator:
        yield emulator


@pytest.fixture
def aws(running: AwsEmulator, monkeypatch: pytest.MonkeyPatch) -> AwsEmulator:
    """An empty account, and nothing but AWS in the registry."""
    running.reset()
    monkeypatch.delenv("FAULTBRIDGE_URL", raising=False)
    for name, value in running.environment().items():
        monkeypatch.setenv(name, value)
    kept = {name: registry.PROVIDERS[name] for name in ("aws", "kubernetes")}
    monkeypatch.setattr(registry, "PROVIDERS", kept)
    return running


def settings(aws: AwsEmulator, tmp_path: Any, **further: Any) -> Settings:
    return Settings(
        installation="lab",
        account=aws.account_id,
        region="us-east-1",
        data=tmp_path / "lost",
        retry_first=timedelta(),
        **further,
    )


def client(aws: AwsEmulator, service: str, region: str, role: str | None) -> Any:
    """Return a client as the administrator, or as a role of another account."""
    keys = {
        "aws_access_key_id": aws.environment()["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": aws.environment()["AWS_SECRET_ACCESS_KEY"],
    }
    if role is not None:
        with closing(client(aws, "sts", region, None)) as sts:
            given = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        keys = {
            "aws_access_key_id": given["AccessKeyId"],
            "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"],
        }
    return boto3.client(  # type: ignore[call-overload] # the stubs want a literal name
        service, endpoint_url=aws.url, region_name=region, **keys
    )


def own_role(aws: AwsEmulator, name: str = "chaos") -> str:
    """Make a role of the own account that may do everything."""
    allowed = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    trust = {"Effect": "Allow", "Principal": {"Service": "fis.amazonaws.com"}}
    with closing(client(aws, "iam", "us-east-1", None)) as iam:
        made = iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps(
                {"Version": "2012-10-17", "Statement": [{**trust, "Action": "sts:AssumeRole"}]}
            ),
        )
        document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=document)
    return str(made["Role"]["Arn"])


class Broken:
    """An instance that a run has stopped and marked, somewhere."""

    def __init__(self, aws: AwsEmulator, account: str, region: str, role: str) -> None:
        self.scope = Scope(cloud="aws", account=account, region=region)
        self.role = role
        self.ec2 = client(aws, "ec2", region, role)
        made = self.ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)
        self.id = made["Instances"][0]["InstanceId"]
        self.arn = f"arn:aws:ec2:{region}:{account}:instance/{self.id}"
        self._until("running")

    async def stop(self) -> Broken:
        record = Record(
            id="EXP1/stop/0",
            action="stop",
            holders=("stop",),
            fault=STOP.id,
            resource=self.arn,
            effect=STOP.effect,
            phase=Phase.INJECTED,
        )
        provider = AwsProvider(Settings())
        session = await provider.session(Caller(self.scope, self.role, "EXP1", "lab"), None)
        mark = Mark("lab", "EXP1", "stop", STOP.id, Micros(1_900_000_000 * SECOND), self.role)
        await STOP.prepare(session, STOP.Parameters(), [record])
        await STOP.mark(session, mark, [record])
        await STOP.inject(session, STOP.Parameters(), [record])
        await provider.close()
        await asyncio.to_thread(self._until, "stopped")
        return self

    @property
    def instance(self) -> dict[str, Any]:
        found = self.ec2.describe_instances(InstanceIds=[self.id])
        instance: dict[str, Any] = found["Reservations"][0]["Instances"][0]
        return instance

    @property
    def state(self) -> str:
        """What EC2 says, and how many tags the instance bears."""
        instance = self.instance
        return f"{instance['State']['Name']} {len(instance.get('Tags', ()))}"

    def _until(self, state: str) -> None:
        give_up = time.monotonic() + 20
        while self.instance["State"]["Name"] != state:
            assert time.monotonic() < give_up
            time.sleep(0.02)


def verdicts(rescued: Rescued) -> dict[str, str]:
    return {one.resource: one.verdict.value for one in rescued.findings}


async def test_marks_in_other_regions_and_accounts_are_found_and_undone_there(
    aws: AwsEmulator, tmp_path: Any
) -> None:
    ours = own_role(aws)
    theirs = aws.add_account(OTHER, "chaos")
    looking = aws.add_account(OTHER, "faultbridge-rescue")
    broken = [
        await Broken(aws, aws.account_id, "us-east-1", ours).stop(),
        await Broken(aws, aws.account_id, "eu-west-1", ours).stop(),
        await Broken(aws, OTHER, "us-east-1", theirs).stop(),
        await Broken(aws, OTHER, "eu-west-1", theirs).stop(),
    ]
    assert {one.state for one in broken} == {"stopped 1"}
    near = await rescue_all(settings(aws, tmp_path), dry_run=True)
    assert verdicts(near) == {broken[0].arn: "would revert"}

    everywhere = settings(aws, tmp_path, rescue_regions=("eu-west-1",), rescue_accounts=(looking,))
    seen = await rescue_all(everywhere, dry_run=True)
    assert verdicts(seen) == {one.arn: "would revert" for one in broken}
    assert {one.state for one in broken} == {"stopped 1"}
    done = await rescue_all(everywhere, dry_run=False)
    assert verdicts(done) == {one.arn: "reverted" for one in broken}
    assert (done.problems, {one.acted_as for one in done.findings}) == ([], {""})
    assert {one.state for one in broken} == {"running 0"}


async def test_where_the_marks_role_is_gone_a_role_of_the_same_account_takes_its_place(
    aws: AwsEmulator, tmp_path: Any
) -> None:
    ours = own_role(aws)
    rescuer = own_role(aws, "rescuer")
    theirs = aws.add_account(OTHER, "chaos")
    looking = aws.add_account(OTHER, "faultbridge-rescue")
    here = await Broken(aws, aws.account_id, "us-east-1", ours).stop()
    there = await Broken(aws, OTHER, "us-east-1", theirs).stop()
    with closing(client(aws, "iam", "us-east-1", None)) as iam:
        iam.delete_role_policy(RoleName="chaos", PolicyName="all")
    with closing(client(aws, "iam", "us-east-1", looking)) as iam:
        iam.delete_role_policy(RoleName="chaos", PolicyName="administrator")
        iam.delete_role(RoleName="chaos")

    known: dict[str, Any] = {"rescue_accounts": (looking,), "recovery_role": (rescuer, looking)}
    done = await rescue_all(settings(aws, tmp_path, **known), dry_run=False)
    assert {one.resource: one.acted_as for one in done.findings} == {
        here.arn: rescuer,
        there.arn: looking,
    }
    assert verdicts(done) == {here.arn: "reverted", there.arn: "reverted"}
    assert all("since the mark's identity was refused" in one.reason for one in done.findings)
    # Whoever stopped them cannot look any more.
    here.ec2 = client(aws, "ec2", "us-east-1", rescuer)
    there.ec2 = client(aws, "ec2", "us-east-1", looking)
    assert (here.state, there.state) == ("running 0", "running 0")


async def test_an_account_that_cannot_be_entered_hides_no_other(
    aws: AwsEmulator, tmp_path: Any
) -> None:
    here = await Broken(aws, aws.account_id, "us-east-1", own_role(aws)).stop()
    nobody = f"arn:aws:iam::{OTHER}:role/nobody"
    done = await rescue_all(settings(aws, tmp_path, rescue_accounts=(nobody,)), dry_run=False)
    assert verdicts(done) == {here.arn: "reverted"}
    assert len(done.problems) == 2, "its EC2, and its clusters"
    assert all(OTHER in one and "sts:AssumeRole" in one for one in done.problems)
