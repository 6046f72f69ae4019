"""The clouds and the cluster of the sandbox, put together as one estate on loopback."""

from __future__ import annotations

import asyncio
import os
import secrets
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import boto3
import yaml

from bridge.sandbox import aws, azure, gcp
from bridge.sandbox.aws.cloud import CALLER_KEY_ID, CALLER_SECRET
from bridge.sandbox.aws.estate import ALARM_NAME, CLUSTER_NAME
from bridge.sandbox.kubernetes.authentication import moto_secret
from bridge.sandbox.kubernetes.cluster import SandboxCluster
from providers.kubernetes.specs import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")

BRIDGE_SETTINGS: Final[Mapping[str, str]] = {
    "FAULTBRIDGE_INSTALLATION": "sandbox",
    # FIS's own minimum is PT1M; nobody wants to watch that long.
    "FAULTBRIDGE_MINIMUM_DURATION": "PT1S",
    "FAULTBRIDGE_STOP_POLL": "PT1S",
}
"""What differs from a real installation, in the variables that set it."""


class World:
    """AWS, Google Cloud, Azure, a cluster with Chaos Mesh, and things in them to break.

    All run in this process; everything else reaches them over HTTP, with real clients.
    """

    def __init__(self, *, transition_seconds: float = 1.0) -> None:
        """Describe the world; ``transition_seconds`` is how long an instance takes to stop."""
        self.aws = aws.AwsEmulator(transition_seconds=transition_seconds)
        self.gcp = gcp.GcpEmulator(transition_seconds=transition_seconds)
        self.azure = azure.AzureEmulator(transition_seconds=transition_seconds)
        self.signal_token = secrets.token_urlsafe(24)
        self._cluster: SandboxCluster | None = None
        self._estate: aws.Estate | None = None
        self._gcp_estate: gcp.Estate | None = None
        self._azure_estate: azure.Estate | None = None

    @property
    def cluster(self) -> SandboxCluster:
        """The cluster; RuntimeError before the world has started."""
        return _started(self._cluster)

    @property
    def estate(self) -> aws.Estate:
        """What was built in AWS; RuntimeError before the world has started."""
        return _started(self._estate)

    @property
    def gcp_estate(self) -> gcp.Estate:
        """What was built in Google Cloud; RuntimeError before the world has started."""
        return _started(self._gcp_estate)

    @property
    def azure_estate(self) -> azure.Estate:
        """What was built in Azure; RuntimeError before the world has started."""
        return _started(self._azure_estate)

    async def __aenter__(self) -> Self:
        """Start everything; it answers when this returns."""
        try:
            await asyncio.to_thread(self._start_clouds)
            self._cluster = SandboxCluster(
                name=CLUSTER_NAME, sts_endpoint=self.aws.url, secret_of=moto_secret
            )
            await self._cluster.__aenter__()
            self._estate = await asyncio.to_thread(
                aws.build,
                self.aws,
                cluster_endpoint=self._cluster.emulator.url,
                cluster_ca_pem=self._cluster.emulator.ca_pem,
            )
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *error: object) -> None:
        """Stop everything; nothing of it is kept."""
        if self._cluster is not None:
            await self._cluster.__aexit__(*(error or (None, None, None)))
        for cloud in (self.aws, self.gcp, self.azure):
            await asyncio.to_thread(cloud.stop)

    def _start_clouds(self) -> None:
        for cloud in (self.aws, self.gcp, self.azure):
            cloud.start()
        self._gcp_estate = gcp.build(self.gcp)
        self._azure_estate = azure.build(self.azure)

    def environment(self) -> dict[str, str]:
        """Return the variables that point SDKs, and a bridge, at this world.

        One role stands for an identity in each cloud.
        """
        role = self.estate.role_arn
        return {
            **self.aws.environment(),
            **self.gcp.environment(),
            **self.azure.environment(),
            **BRIDGE_SETTINGS,
            "FAULTBRIDGE_GCP_IDENTITIES": f"{role}={self.gcp_estate.service_account}",
            "FAULTBRIDGE_GCP_PROJECTS": self.gcp_estate.project,
            "FAULTBRIDGE_AZURE_IDENTITIES": f"{role}={self.azure_estate.client_id}",
            "FAULTBRIDGE_AZURE_SUBSCRIPTIONS": self.azure_estate.subscription,
            "FAULTBRIDGE_RESCUE_IDENTITIES": role,
            "FAULTBRIDGE_SIGNAL_TOKENS": self.signal_token,
        }

    def kubeconfig(self) -> dict[str, Any]:
        """Return the administrator's kubeconfig of the cluster."""
        return self.cluster.admin_kubeconfig()

    def machines(self) -> list[tuple[str, str, str]]:
        """Return the cloud, name and state of each machine that was built, as its cloud says."""
        with closing(self.client("ec2")) as ec2:
            described = ec2.describe_instances(InstanceIds=list(self.estate.instance_ids.values()))[
                "Reservations"
            ]
        states = {
            instance["InstanceId"]: instance["State"]["Name"]
            for reservation in described
            for instance in reservation["Instances"]
        }
        return [
            *(("AWS", name, states[plain]) for name, plain in self.estate.instance_ids.items()),
            *(
                ("Google Cloud", name, self.gcp.instance(name)["status"])
                for name in self.gcp_estate.instances
            ),
            *(("Azure", name, self.azure.power(name)) for name in self.azure_estate.vm_ids),
        ]

    async def left_behind(self) -> list[str]:
        """Say what is not as it was at the start; empty when every fault has been undone."""
        return [
            *await asyncio.to_thread(self._in_aws),
            *self.gcp_estate.left_behind(self.gcp),
            *self.azure_estate.left_behind(self.azure),
            *self._in_the_cluster(),
        ]

    def _in_aws(self) -> list[str]:
        with closing(self.client("ec2")) as ec2:
            reservations = ec2.describe_instances()["Reservations"]
            volumes = ec2.describe_volumes(VolumeIds=list(self.estate.volume_ids.values()))
            marks = ec2.describe_tags(Filters=[{"Name": "key", "Values": ["faultbridge:*"]}])
            named = [{"Name": "group-name", "Values": ["fb-*"]}]
            groups = ec2.describe_security_groups(Filters=named)["SecurityGroups"]
        found = [
            f"instance {instance['InstanceId']} is {instance['State']['Name']}"
            for reservation in reservations
            for instance in reservation["Instances"]
            if instance["State"]["Name"] != "running"
        ]
        found += [
            f"volume {volume['VolumeId']} is {volume['State']}"
            for volume in volumes["Volumes"]
            if volume["State"] != "in-use"
        ]
        found += [f"{tag['ResourceId']} bears {tag['Key']}" for tag in marks["Tags"]]
        found += [f"security group {group['GroupName']} exists" for group in groups]
        return found + self._in_scaling_groups()

    def _in_scaling_groups(self) -> list[str]:
        with closing(self.client("autoscaling")) as autoscaling:
            groups = autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
        found = [
            f"group {group['AutoScalingGroupName']} has {process['ProcessName']} suspended"
            for group in groups
            for process in group["SuspendedProcesses"]
        ]
        return found + [
            f"group {group['AutoScalingGroupName']} bears {tag['Key']}"
            for group in groups
            for tag in group["Tags"]
            if tag["Key"].startswith("faultbridge:")
        ]

    def _in_the_cluster(self) -> list[str]:
        store = self.cluster.store
        found = [
            f"{obj['kind']} {obj['metadata']['namespace']}/{obj['metadata']['name']} exists"
            for kind in KINDS.values()
            if kind.chaos
            for obj in store.list("chaos-mesh.org", kind.plural)
        ]
        for pod in store.list("", "pods"):
            namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
            found += [
                f"pod {namespace}/{name} suffers {effect}"
                for effect in self.cluster.chaos.active(namespace, name)
            ]
        return found

    async def register(self, bridge_url: str, document: Mapping[str, Any]) -> str:
        """Create an experiment template through the AWS SDK; return its id."""

        def create() -> str:
            with closing(self.client("fis", bridge_url)) as fis:
                made = fis.create_experiment_template(**document)
            return str(made["experimentTemplate"]["id"])

        return await asyncio.to_thread(create)

    def client(self, service: str, url: str | None = None) -> Any:
        """Return a boto3 client of the sandbox's own user, who may do anything."""
        return boto3.client(  # type: ignore[call-overload] # the stubs want a literal name
            service,
            endpoint_url=url or self.aws.url,
            region_name=self.aws.region,
            aws_access_key_id=CALLER_KEY_ID,
            aws_secret_access_key=CALLER_SECRET,
        )

    async def set_alarm(self, state: str, reason: str) -> None:
        """Turn the estate's alarm to ``OK`` or ``ALARM``."""

        def turn() -> None:
            with closing(self.client("cloudwatch")) as cloudwatch:
                cloudwatch.set_alarm_state(
                    AlarmName=ALARM_NAME, StateValue=state, StateReason=reason
                )

        await asyncio.to_thread(turn)


def _started(part: T | None) -> T:
    if part is None:
        raise RuntimeError("the sandbox has not started")
    return part


def write_files(directory: Path, environment: Mapping[str, str], kubeconfig: object) -> None:
    """Write ``kubeconfig`` and ``sandbox.env`` for other shells, readable by their owner only."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / "kubeconfig"
    _write(path, yaml.safe_dump(kubeconfig, sort_keys=False))
    lines = {**environment, "KUBECONFIG": str(path.resolve())}
    _write(directory / "sandbox.env", "".join(f"{name}={value}\n" for name, value in lines.items()))


def _write(path: Path, text: str) -> None:
    # Written aside and moved, so that who waits for the file never reads half of it.
    aside = path.with_name(path.name + ".new")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    aside.replace(path)
