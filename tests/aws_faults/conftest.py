"""The provider against the AWS emulator: real botocore over real HTTP, on a clock that stands."""

from __future__ import annotations

import json
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from bridge.sandbox.aws import AwsEmulator, VirtualClock
from bridge.settings import Settings
from providers.aws.provider import AwsProvider
from providers.aws.session import AwsSession
from providers.contract import Caller, Guard
from tests.aws_faults.records import EXPERIMENT, ROLE, SCOPE

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import boto3

Launch = Callable[..., list[str]]
OpenSession = Callable[..., Awaitable[AwsSession]]


@pytest.fixture(scope="module")
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture(scope="module")
def running(clock: VirtualClock) -> Iterator[AwsEmulator]:
    with AwsEmulator(clock=clock) as emulator:
        yield emulator


@pytest.fixture
def aws(running: AwsEmulator, monkeypatch: pytest.MonkeyPatch) -> AwsEmulator:
    """An empty account, to which the standard environment points."""
    running.reset()
    for name, value in running.environment().items():
        monkeypatch.setenv(name, value)
    return running


@pytest.fixture(scope="module")
def client(running: AwsEmulator) -> Iterator[Callable[[str], Any]]:
    """Open a client with an administrator's rights."""
    own = running.environment()
    opened: dict[str, Any] = {}

    def client(service: Any) -> Any:
        if service not in opened:
            opened[service] = boto3.client(
                service,
                endpoint_url=running.url,
                region_name=running.region,
                aws_access_key_id=own["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=own["AWS_SECRET_ACCESS_KEY"],
            )
        return opened[service]

    yield client
    for one in opened.values():
        one.close()


@pytest.fixture
def ec2(aws: AwsEmulator, client: Callable[[str], Any]) -> Any:
    return client("ec2")


@pytest.fixture
def allow(aws: AwsEmulator, client: Callable[[str], Any]) -> Callable[..., None]:
    """Let the role do these things only (at first everything)."""
    iam = client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "fis.amazonaws.com"}}
    document = {"Version": "2012-10-17", "Statement": [{**trust, "Action": "sts:AssumeRole"}]}
    iam.create_role(RoleName="chaos", AssumeRolePolicyDocument=json.dumps(document))

    def allowed(*actions: str, resource: str | list[str] = "*") -> None:
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        iam.put_role_policy(
            RoleName="chaos", PolicyName="rights", PolicyDocument=json.dumps(policy)
        )

    allowed("*")
    return allowed


@pytest.fixture
async def provider(aws: AwsEmulator) -> AsyncIterator[AwsProvider]:
    provider = AwsProvider(Settings())
    yield provider
    await provider.close()


@pytest.fixture
def open_session(provider: AwsProvider, allow: Callable[..., None]) -> OpenSession:
    async def opened(
        guard: Guard | None = None, identity: str | None = ROLE, name: str = EXPERIMENT
    ) -> AwsSession:
        return await provider.session(Caller(SCOPE, identity, name, "lab"), guard)

    return opened


@pytest.fixture
async def session(open_session: OpenSession) -> AwsSession:
    """A session that acts as the experiment's role and still holds its run."""
    return await open_session(Guard(Guard.clock() + 3600))


@pytest.fixture
def launch(ec2: Any, aws: AwsEmulator) -> Launch:
    """Launch instances that already run; return their ids."""

    def launched(count: int = 1, tags: dict[str, str] | None = None, **more: Any) -> list[str]:
        answer = ec2.run_instances(
            ImageId="ami-12c6146b",
            MinCount=count,
            MaxCount=count,
            **{"Placement": {"AvailabilityZone": "us-east-1a"}, **more},
        )
        aws.complete_transitions()
        ids = [instance["InstanceId"] for instance in answer["Instances"]]
        if tags:
            pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
            ec2.create_tags(Resources=ids, Tags=pairs)
        return ids

    return launched


@pytest.fixture
def calls(aws: AwsEmulator) -> Callable[..., list[str]]:
    """Names of the calls that arrived since the last time, without dry runs."""

    def since(*operations: str) -> list[str]:
        dry_run = 412
        names = [call.operation for call in aws.calls if call.status != dry_run]
        aws.forget_calls()
        return [name for name in names if not operations or name in operations]

    return since


@pytest.fixture
def scaling_group(ec2: Any, aws: AwsEmulator, client: Callable[[str], Any]) -> Callable[..., str]:
    """Create an Auto Scaling group whose instances run; return its ARN."""

    def created(name: str = "web", size: int = 2, **tags: str) -> str:
        scaling = client("autoscaling")
        launch = {"ImageId": "ami-12c6146b", "InstanceType": "t3.micro"}
        template = ec2.create_launch_template(
            LaunchTemplateName=name.replace("/", "-"), LaunchTemplateData=launch
        )
        scaling.create_auto_scaling_group(
            AutoScalingGroupName=name,
            LaunchTemplate={
                "LaunchTemplateId": template["LaunchTemplate"]["LaunchTemplateId"],
            },
            MinSize=0,
            MaxSize=9,
            DesiredCapacity=size,
            AvailabilityZones=["us-east-1a"],
            Tags=[
                {"Key": key, "Value": value, "PropagateAtLaunch": False}
                for key, value in tags.items()
            ],
        )
        aws.complete_transitions()
        found = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])
        return str(found["AutoScalingGroups"][0]["AutoScalingGroupARN"])

    return created
