"""What a careful script does with nothing but the SDK: stop all machines, and start them again.

It forgets nothing that it needs and does nothing for safety: the machines are found by their tag,
stopped with as many threads as the bridge has, looked at by the cheapest call until all are
stopped, started, and looked at until all run. It acts as the same identity as the bridge.

Run as a script it is a process of its own, which has imported the SDK, has its credentials and
has made one call before anything is measured: a resident bridge has that behind it too. Each line
on standard input is one run.
"""

from __future__ import annotations

import json
import sys
import time
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from worlds import TAG

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

THREADS: Final = 8
"""Calls at once, here and in the bridge (``FAULTBRIDGE_CLOUD_THREADS``, whose default it is)."""
LOOK_PAUSE: Final = 1
"""Seconds between two looks, here and in the bridge (``FAULTBRIDGE_POLL_SHORTEST``, whose default
it is)."""

_KEY, _VALUE = TAG
_LARGEST: Final = 1000
"""Instances in one call of EC2's."""


class Bare(ABC):
    """One cloud's SDK."""

    def __init__(self) -> None:
        """Take up threads."""
        self.pool = ThreadPoolExecutor(THREADS)

    @abstractmethod
    def find(self) -> Sequence[Any]:
        """Return the machines with the tag."""

    @abstractmethod
    def stop(self, machines: Sequence[Any]) -> None:
        """Ask for all of them to be stopped."""

    @abstractmethod
    def start(self, machines: Sequence[Any]) -> None:
        """Ask for all of them to be started."""

    @abstractmethod
    def others(self, machines: Sequence[Any], state: str) -> int:
        """Count those that are not ``stopped`` or ``running``."""

    def until(self, machines: Sequence[Any], state: str) -> None:
        """Look until all are in a state."""
        time.sleep(LOOK_PAUSE)
        while self.others(machines, state):
            time.sleep(LOOK_PAUSE)

    def each(self, act: Callable[[Any], object], machines: Sequence[Any]) -> None:
        """Act on each, as many at once as there are threads."""
        for _ in self.pool.map(act, machines):
            pass


class Aws(Bare):
    """boto3: a thousand instances a call."""

    def __init__(self, world: dict[str, Any]) -> None:
        """Assume the role."""
        import boto3  # noqa: PLC0415 - of this world only

        super().__init__()
        settings = world["environment"]
        own = boto3.Session(
            settings["AWS_ACCESS_KEY_ID"],
            settings["AWS_SECRET_ACCESS_KEY"],
            region_name=settings["AWS_REGION"],
        )
        sts: Any = own.client("sts", endpoint_url=world["url"])
        role = sts.assume_role(RoleArn=world["role"], RoleSessionName="bare")["Credentials"]
        acting = boto3.Session(
            role["AccessKeyId"],
            role["SecretAccessKey"],
            role["SessionToken"],
            region_name=settings["AWS_REGION"],
        )
        self._ec2: Any = acting.client("ec2", endpoint_url=world["url"])

    def find(self) -> Sequence[Any]:
        """Ask by the tag."""
        return [one["InstanceId"] for one in self._described([])]

    def stop(self, machines: Sequence[Any]) -> None:
        """Call StopInstances."""
        self.each(lambda ids: self._ec2.stop_instances(InstanceIds=ids), _chunks(machines))

    def start(self, machines: Sequence[Any]) -> None:
        """Call StartInstances."""
        self.each(lambda ids: self._ec2.start_instances(InstanceIds=ids), _chunks(machines))

    def others(self, machines: Sequence[Any], state: str) -> int:  # noqa: ARG002 - asked by the tag
        """Ask for those in every other state, which are few in the end."""
        states = {"pending", "running", "stopping", "stopped", "shutting-down", "terminated"}
        others = [{"Name": "instance-state-name", "Values": sorted(states - {state})}]
        return len(self._described(others))

    def _described(self, filters: list[dict[str, Any]]) -> list[dict[str, Any]]:
        pages = self._ec2.get_paginator("describe_instances").paginate(
            Filters=[{"Name": f"tag:{_KEY}", "Values": [_VALUE]}, *filters],
            PaginationConfig={"PageSize": _LARGEST},
        )
        return [
            instance
            for page in pages
            for reservation in page["Reservations"]
            for instance in reservation["Instances"]
        ]


class Gcp(Bare):
    """google-cloud-compute: one instance a call."""

    def __init__(self, world: dict[str, Any]) -> None:
        """Take the service account's token."""
        from google.auth import load_credentials_from_file  # noqa: PLC0415 - of this world only
        from google.auth.impersonated_credentials import Credentials  # noqa: PLC0415 - the same
        from google.cloud.compute_v1 import InstancesClient  # noqa: PLC0415 - the same

        super().__init__()
        scopes = ["https://www.googleapis.com/auth/cloud-platform"]
        own, _ = load_credentials_from_file(  # type: ignore[no-untyped-call] # google-auth annotates half of itself
            world["environment"]["GOOGLE_APPLICATION_CREDENTIALS"], scopes=scopes
        )
        path = f"/v1/projects/-/serviceAccounts/{world['account']}:generateAccessToken"
        acting = Credentials(  # type: ignore[no-untyped-call] # the same
            own, world["account"], scopes, iam_endpoint_override=world["url"] + path
        )
        options = {"api_endpoint": world["url"]}
        self._instances = InstancesClient(credentials=acting, client_options=options)
        self._place: dict[str, str] = world["target"]["parameters"]

    def find(self) -> Sequence[Any]:
        """List by the label."""
        return [one.name for one in self._listed("")]

    def stop(self, machines: Sequence[Any]) -> None:
        """Call instances.stop for each."""
        self.each(lambda name: self._instances.stop_unary(self._named(name)), machines)

    def start(self, machines: Sequence[Any]) -> None:
        """Call instances.start for each."""
        self.each(lambda name: self._instances.start_unary(self._named(name)), machines)

    def others(self, machines: Sequence[Any], state: str) -> int:  # noqa: ARG002 - asked by the label
        """List those that have another status, which are few in the end."""
        status = {"stopped": "TERMINATED", "running": "RUNNING"}[state]
        return len(self._listed(f' AND (status != "{status}")'))

    def _listed(self, more: str) -> list[Any]:
        asked = {**self._place, "filter": f'(labels.{_KEY} = "{_VALUE}"){more}'}
        return list(self._instances.list(request=asked))

    def _named(self, name: str) -> dict[str, str]:
        return {**self._place, "instance": name}


class Azure(Bare):
    """azure-mgmt-compute: one machine a call."""

    def __init__(self, world: dict[str, Any]) -> None:
        """Take the managed identity's token."""
        from azure.core.pipeline.policies import HeadersPolicy  # noqa: PLC0415 - of this world only
        from azure.identity import ManagedIdentityCredential  # noqa: PLC0415 - the same
        from azure.mgmt.compute import ComputeManagementClient  # noqa: PLC0415 - the same

        super().__init__()
        place = world["target"]["parameters"]
        credential = ManagedIdentityCredential(client_id=world["account"])
        token = credential.get_token("https://management.azure.com/.default").token
        client = ComputeManagementClient(
            credential,
            place["subscription"],
            base_url=world["url"],
            # The SDK's own sends a token over TLS only, and the emulator is on loopback.
            authentication_policy=HeadersPolicy({"Authorization": f"Bearer {token}"}),
        )
        self._vms: Any = client.virtual_machines
        self._group: str = place["resourceGroup"]

    def find(self) -> Sequence[Any]:
        """List the group; Azure does not select machines by a tag."""
        machines = self._vms.list(self._group)
        return [one.name for one in machines if (one.tags or {}).get(_KEY) == _VALUE]

    def stop(self, machines: Sequence[Any]) -> None:
        """Call powerOff for each, without a thread that waits for its end."""
        self.each(
            lambda name: self._vms.begin_power_off(self._group, name, polling=False), machines
        )

    def start(self, machines: Sequence[Any]) -> None:
        """Call start for each, in the same way."""
        self.each(lambda name: self._vms.begin_start(self._group, name, polling=False), machines)

    def others(self, machines: Sequence[Any], state: str) -> int:
        """List the states of the whole subscription."""
        there: int = sum(
            status.code == f"PowerState/{state}"
            for one in self._vms.list_all(status_only="true")
            for status in one.instance_view.statuses
        )
        return len(machines) - there


def _chunks(machines: Sequence[Any]) -> list[Sequence[Any]]:
    return [machines[at : at + _LARGEST] for at in range(0, len(machines), _LARGEST)]


def _serve(cloud: str, world: dict[str, Any]) -> None:
    sides: dict[str, type[Any]] = {"aws": Aws, "gcp": Gcp, "azure": Azure}
    bare: Bare = sides[cloud](world)
    bare.find()
    print(json.dumps({}), flush=True)
    for _ in sys.stdin:
        began, used = time.time(), time.process_time()
        machines = bare.find()
        bare.stop(machines)
        bare.until(machines, "stopped")
        stopped = time.time()
        bare.start(machines)
        bare.until(machines, "running")
        told = {
            "machines": len(machines),
            "down": stopped - began,
            "up": time.time() - stopped,
            "cpu": time.process_time() - used,
        }
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    _serve(sys.argv[1], json.loads(sys.argv[2]))
