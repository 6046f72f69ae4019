"""An emulated AWS account on a clock that stands still, and what rigs of EC2 share."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, ClassVar, Final

import boto3
import pytest
from moto.ec2.models import amis

from bridge.model.record import Record
from bridge.model.scope import Scope
from bridge.sandbox.aws import AwsEmulator, VirtualClock
from bridge.sandbox.aws.vanish import delete_named
from bridge.sandbox.calls import Call
from bridge.settings import Settings
from providers.aws.arns import ec2_arn, plain_id
from providers.aws.provider import AwsProvider
from providers.contract import Caller, Resource
from tests.trial.rig import EXPERIMENT, INSTALLATION, Rig, World

ZONE: Final = "us-east-1a"
IMAGE: Final = "ami-12c6146b"
_READS: Final = ("Describe", "Get", "List", "AssumeRole")
_BY_ITSELF: Final = frozenset(
    {
        "LaunchTime",
        "PublicDnsName",  # EC2 gives another public address at each start
        "PublicIpAddress",
        "SecurityGroups",  # of the primary interface; moto has none before they are changed
        "StateReason",
        "StateTransitionReason",
    }
)


class AwsWorld(World):
    """An emulated account and an administrator's clients for it."""

    refusal = ("UnsupportedOperation", 400)
    others_rights: ClassVar = {"sts:AssumeRole": "the bridge logs in with it"}

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.emulator: AwsEmulator = AwsEmulator(clock=self.clock)
        self.provider: Any
        self._clients: dict[str, Any] = {}

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Run the emulator: moto holds one world per process, and takes a second to load."""
        # One provider for all: its clients take longer to build than most trials.
        self.provider = self.open_provider()
        with self.emulator:
            yield
            asyncio.run(self.provider.close())
            for client in self._clients.values():
                client.close()

    @asynccontextmanager
    async def fresh(self) -> AsyncIterator[None]:
        """Empty the account and point the environment here."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.emulator.environment().items():
                patch.setenv(name, value)
            # moto fills each new account with 1,300 images, which takes it longer than a trial.
            patch.setenv("MOTO_AMIS_PATH", "as patched")
            patch.setattr(amis, "AMIS", [one for one in amis.AMIS if one["ami_id"] == IMAGE])
            # The policy decides as it does, only the pause is left out.
            backoff = "botocore.retries.standard.ExponentialBackoff.delay_amount"
            patch.setattr(backoff, lambda _self, _context: 0)
            self.empty()
            yield

    def empty(self) -> None:
        """Empty the account, and let the role do everything."""
        self.emulator.reset()
        self._create_role()
        self.provider._connections._roles.clear()  # of an account that is no more

    def open_provider(self) -> AwsProvider:
        """Open one with the environment of the moment."""
        return AwsProvider(Settings())

    def _create_role(self) -> None:
        iam = self.client("iam")
        trust = {"Effect": "Allow", "Principal": {"Service": "fis.amazonaws.com"}}
        document = {"Version": "2012-10-17", "Statement": [{**trust, "Action": "sts:AssumeRole"}]}
        iam.create_role(RoleName="chaos", AssumeRolePolicyDocument=json.dumps(document))
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        policy = {"Version": "2012-10-17", "Statement": [everything]}
        iam.put_role_policy(RoleName="chaos", PolicyName="all", PolicyDocument=json.dumps(policy))

    def client(self, service: str) -> Any:
        """Return a client with an administrator's rights."""
        if service not in self._clients:
            own = self.emulator.environment()
            make: Any = boto3.client
            self._clients[service] = make(
                service,
                endpoint_url=self.emulator.url,
                region_name=self.emulator.region,
                aws_access_key_id=own["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=own["AWS_SECRET_ACCESS_KEY"],
            )
        return self._clients[service]

    @property
    def scope(self) -> Scope:
        """The account and Region."""
        account, region = self.emulator.account_id, self.emulator.region
        return Scope(cloud="aws", account=account, region=region)

    @property
    def caller(self) -> Caller:
        """The experiment's role."""
        role = f"arn:aws:iam::{self.emulator.account_id}:role/chaos"
        return Caller(self.scope, role, EXPERIMENT, INSTALLATION)

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Set the misbehaviours aside: an administrator's clients would meet them too."""
        misbehaviours = self.emulator._running.misbehaviours
        waiting, misbehaviours._waiting = misbehaviours._waiting, []
        try:
            yield
        finally:
            misbehaviours._waiting = waiting

    def is_read(self, call: Call) -> bool:
        """By the name of the operation."""
        return call.operation.startswith(_READS)

    def state(self) -> object:
        """Return the resources of EC2 and Auto Scaling that faults touch."""
        ec2, scaling = self.client("ec2"), self.client("autoscaling")
        return [
            ec2.describe_instances()["Reservations"],
            ec2.describe_volumes()["Volumes"],
            ec2.describe_tags()["Tags"],
            ec2.describe_security_groups()["SecurityGroups"],
            ec2.describe_network_interfaces()["NetworkInterfaces"],
            scaling.describe_auto_scaling_groups()["AutoScalingGroups"],
        ]

    def settle(self) -> None:
        """Finish the transitions; five virtual seconds pass."""
        self.emulator.complete_transitions()
        self.clock.advance(5)


class Ec2Rig(Rig):
    """What the rigs of EC2 share: instances, looked at as an administrator."""

    world = AwsWorld
    at: AwsWorld

    @property
    def ec2(self) -> Any:
        """An administrator's client."""
        return self.at.client("ec2")

    def launch(self, count: int, **more: Any) -> list[str]:
        """Launch tagged instances that already run; return their ids."""
        tags = [{"Key": "Name", "Value": "worker"}, {"Key": "faultbridge-not", "Value": "ours"}]
        answer = self.ec2.run_instances(
            ImageId=IMAGE,
            MinCount=count,
            MaxCount=count,
            Placement={"AvailabilityZone": ZONE},
            TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
            **more,
        )
        self.at.emulator.complete_transitions()
        return [instance["InstanceId"] for instance in answer["Instances"]]

    def build(self, count: int) -> list[Resource]:
        """Launch instances."""
        ids = self.launch(count)
        answer = self.ec2.describe_instances(InstanceIds=ids)
        return [
            Resource(
                "aws:ec2:instance",
                ec2_arn(self.at.scope, "instance", one["InstanceId"]),
                {"vpc_id": one["VpcId"]},
            )
            for reservation in answer["Reservations"]
            for one in reservation["Instances"]
        ]

    def instance(self, record: Record) -> Mapping[str, Any]:
        """Describe the record's instance."""
        answer = self.ec2.describe_instances(InstanceIds=[plain_id(record.resource)])
        found: Mapping[str, Any] = answer["Reservations"][0]["Instances"][0]
        return found

    def state(self, record: Record) -> str:
        """Return the name of the instance's state."""
        return str(self.instance(record)["State"]["Name"])

    def snapshot(self, record: Record) -> object:
        """Return what EC2 says of the instance, but for what each start gives it anew."""
        found = {k: v for k, v in self.instance(record).items() if k not in _BY_ITSELF}
        found["NetworkInterfaces"] = [
            {k: one[k] for k in ("NetworkInterfaceId", "Groups", "PrivateIpAddress")}
            for one in found["NetworkInterfaces"]
        ]
        return found

    def trace(self, record: Record) -> object:
        """Return all that EC2 says of the instance."""
        return self.instance(record)

    def remove(self, record: Record) -> None:
        """Let it vanish, as if it had been terminated long ago."""
        named = {"InstanceId": plain_id(record.resource)}
        delete_named(self.at.emulator._cloud, self.at.emulator.region, named)

    def terminate(self, record: Record) -> None:
        """Terminate it: EC2 still shows it for an hour."""
        self.ec2.terminate_instances(InstanceIds=[plain_id(record.resource)])
        self.at.emulator.complete_transitions()

    def ways_to_go(self) -> Sequence[Callable[[Record], None]]:
        """An instance vanishes, or is terminated and still shown."""
        return self.remove, self.terminate
