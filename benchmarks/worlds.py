"""The clouds to break things in: an emulator in a process of its own, with so many machines.

Run as a script it is that process: it builds the machines, says how to reach them, and answers
each line on standard input with what is not as it was built. It looks there without a call.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any, Final

from emulator_process import BenchmarkError, EmulatorProcess

TRANSITION_SECONDS: Final = 0.5
"""How long an emulated machine takes to stop or to start, in each cloud: less than the pause
between two looks, so that chance does not decide whether another look is needed."""
TAG: Final = ("benchmark", "on")
"""The tag or label by which both sides choose their machines."""

_ROLE: Final = "arn:aws:iam::123456789012:role/benchmark"
_NO_AWS: Final = {
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "benchmark",
    "AWS_SECRET_ACCESS_KEY": "benchmark",
}
"""The bridge's own FIS dialect is signed with these; nothing looks at the signature."""
_MARK: Final = "faultbridge"
_PATIENCE: Final = 30.0

Machines = Iterator[tuple[str, str, list[str]]]
"""Name, state, and the keys of the tags of each machine."""
Built = tuple[dict[str, Any], Callable[[], Machines]]
"""What a world says of itself, and how it looks at its machines."""


class World(EmulatorProcess):
    """One cloud with ``size`` machines that run, as a context manager.

    ``told`` has the ``action``, the ``target`` and the ``role`` of a template that stops them
    all, and what a bare script needs to do the same.
    """

    def __init__(self, cloud: str, size: int) -> None:
        """Describe it; ``cloud`` is ``aws``, ``gcp`` or ``azure``. Nothing runs yet."""
        super().__init__(__file__, cloud, str(size))
        self.cloud = cloud
        self.size = size

    def prove_untouched(self) -> None:
        """Wait until every machine runs and none of them bears a mark. Raises BenchmarkError.

        Where a mark's removal is an operation of its own, it takes as long as any.
        """
        deadline = time.monotonic() + _PATIENCE
        while left := self.ask("left"):
            if time.monotonic() > deadline:
                found = "; ".join(left[:5])
                raise BenchmarkError(f"{len(left)} machines are left behind: {found} ...")
            time.sleep(TRANSITION_SECONDS)


@contextmanager
def _aws(size: int) -> Iterator[Built]:
    import boto3  # noqa: PLC0415 - of this child only
    from moto.ec2.models.core import TaggedEC2Resource  # noqa: PLC0415 - the same

    from bridge.sandbox.aws.estate import build  # noqa: PLC0415 - the same
    from bridge.sandbox.aws.server import AwsEmulator  # noqa: PLC0415 - the same

    TaggedEC2Resource.get_tags = _own_tags  # type: ignore[assignment,method-assign] # see there
    emulated = AwsEmulator(transition_seconds=TRANSITION_SECONDS)
    with emulated as emulator, ExitStack() as stack:
        role = build(emulator).role_arn
        ec2: Any = boto3.client(
            "ec2",
            endpoint_url=emulator.url,
            region_name=emulator.region,
            aws_access_key_id=emulator.environment()["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=emulator.environment()["AWS_SECRET_ACCESS_KEY"],
        )
        stack.enter_context(closing(ec2))
        key, value = TAG
        ec2.run_instances(
            ImageId="ami-12c6146b",
            InstanceType="t3.small",
            MinCount=size,
            MaxCount=size,
            TagSpecifications=[
                {"ResourceType": "instance", "Tags": [{"Key": key, "Value": value}]}
            ],
        )
        emulator.complete_transitions()

        def look() -> Machines:
            pages = ec2.get_paginator("describe_instances").paginate(
                Filters=[{"Name": f"tag:{key}", "Values": [value]}]
            )
            for page in pages:
                for reservation in page["Reservations"]:
                    for one in reservation["Instances"]:
                        tags = [tag["Key"] for tag in one["Tags"]]
                        yield one["InstanceId"], one["State"]["Name"], tags

        yield (
            {
                "url": emulator.url,
                "environment": emulator.environment(),
                "role": role,
                "action": "aws:ec2:stop-instances",
                "target": {"resourceType": "aws:ec2:instance"},
            },
            look,
        )


def _own_tags(resource: Any) -> list[dict[str, str]]:
    """Return an EC2 resource's tags by its id.

    moto searches the tags of all resources for those of each: a DescribeInstances of 1,000 takes
    it longer than any client waits.
    """
    from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE, get_prefix  # noqa: PLC0415 - as above

    kind = EC2_PREFIX_TO_RESOURCE.get(get_prefix(resource.id), "")
    tags = resource.ec2_backend.tags.get(resource.id, {})
    return [
        {"resource_id": resource.id, "key": key, "value": value, "resource_type": kind}
        for key, value in tags.items()
    ]


@contextmanager
def _gcp(size: int) -> Iterator[Built]:
    from bridge.sandbox.gcp.estate import FAULT_PERMISSIONS  # noqa: PLC0415 - of this child only
    from bridge.sandbox.gcp.server import GcpEmulator  # noqa: PLC0415 - the same

    with GcpEmulator(transition_seconds=TRANSITION_SECONDS) as emulator:
        account = emulator.create_service_account("benchmark", permissions=FAULT_PERMISSIONS)
        names = [f"machine-{number:04}" for number in range(size)]
        zone = "us-central1-a"
        for name in names:
            emulator.add_instance(name, zone=zone, labels=dict([TAG]))

        def look() -> Machines:
            for name in names:
                one = emulator.instance(name)
                yield name, one["status"], list(one["labels"])

        yield (
            {
                "url": emulator.url,
                "environment": {
                    **_NO_AWS,
                    **emulator.environment(),
                    "FAULTBRIDGE_GCP_IDENTITIES": f"{_ROLE}={account}",
                },
                "role": _ROLE,
                "action": "gcp:compute:stop-instances",
                "target": {
                    "resourceType": "gcp:compute:instance",
                    "parameters": {"project": emulator.project, "zone": zone},
                },
                "account": account,
            },
            look,
        )


@contextmanager
def _azure(size: int) -> Iterator[Built]:
    from bridge.sandbox.azure.estate import (  # noqa: PLC0415 - of this child only
        CLIENT_ID,
        FAULT_ACTIONS,
        MARK_ACTIONS,
    )
    from bridge.sandbox.azure.server import AzureEmulator  # noqa: PLC0415 - the same

    with AzureEmulator(transition_seconds=TRANSITION_SECONDS) as emulator:
        emulator.create_identity(CLIENT_ID, actions=(*FAULT_ACTIONS, *MARK_ACTIONS))
        names = [f"machine-{number:04}" for number in range(size)]
        for name in names:
            emulator.add_vm(name, resource_group="benchmark", tags=dict([TAG]))

        def look() -> Machines:
            for name in names:
                yield name, emulator.power(name), list(emulator.vm(name)["tags"])

        yield (
            {
                "url": emulator.url,
                "environment": {
                    **_NO_AWS,
                    **emulator.environment(),
                    "FAULTBRIDGE_AZURE_IDENTITIES": f"{_ROLE}={CLIENT_ID}",
                },
                "role": _ROLE,
                "action": "azure:compute:power-off-vms",
                "target": {
                    "resourceType": "azure:compute:vm",
                    "parameters": {
                        "subscription": emulator.subscription,
                        "resourceGroup": "benchmark",
                    },
                },
                "account": CLIENT_ID,
            },
            look,
        )


CLOUDS: Final = {"aws": _aws, "gcp": _gcp, "azure": _azure}


def _left(machines: Machines) -> list[str]:
    return [
        f"{name} is {state} with {', '.join(keys)}"
        for name, state, keys in machines
        if state.lower() != "running" or any(key.startswith(_MARK) for key in keys)
    ]


def _emulate(cloud: str, size: int) -> None:
    """Run an emulator until standard input ends."""
    with CLOUDS[cloud](size) as (told, look):
        print(json.dumps(told), flush=True)
        for _ in sys.stdin:
            print(json.dumps(_left(look())), flush=True)


if __name__ == "__main__":
    _emulate(sys.argv[1], int(sys.argv[2]))
