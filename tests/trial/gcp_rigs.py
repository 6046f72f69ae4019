"""The faults of Compute Engine, in an emulated project on a clock that stands still."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from copy import copy
from typing import Any, ClassVar, Final

import httpx
import pytest

from bridge.model.record import Record
from bridge.model.scope import Scope
from bridge.sandbox.calls import Call
from bridge.sandbox.gcp import GcpEmulator, VirtualClock
from bridge.sandbox.gcp.estate import FAULT_PERMISSIONS
from bridge.settings import Settings
from providers.contract import Caller, Effect, OutcomeKind, Resource
from providers.gcp import clients
from providers.gcp.names import Name
from providers.gcp.provider import GcpProvider
from tests.trial.rig import EXPERIMENT, INSTALLATION, Rig, World

_LABELS: Final = {"name": "worker", "faultbridge-not": "ours"}
_READS: Final = ("get", "list", "aggregatedList", "listManagedInstances", "testIamPermissions")
_LOGGING_IN: Final = ("oauth2", "iamcredentials")
_BY_ITSELF: Final = frozenset(
    {
        "labelFingerprint",
        "lastAttachTimestamp",
        "lastDetachTimestamp",
        "lastStartTimestamp",
        "lastStopTimestamp",
        "lastSuspendedTimestamp",
    }
)


class GcpWorld(World):
    """An emulated project, and its owner's way around it."""

    refusal = ("badRequest", 400)
    others_rights: ClassVar = {"iam.serviceAccounts.getAccessToken": "the bridge logs in with it"}

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.emulator: GcpEmulator = GcpEmulator(clock=self.clock)

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Run the emulator."""
        with self.emulator:
            yield

    @asynccontextmanager
    async def fresh(self) -> AsyncIterator[None]:
        """Empty the project, and point the environment here."""
        self.empty()
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.emulator.environment().items():
                patch.setenv(name, value)
            patch.setenv("FAULTBRIDGE_GCP_PROJECTS", self.emulator.project)
            # The policy decides as it does, only the pauses are left out.
            patch.setattr(clients, "FIRST_PAUSE", 0.001)
            patch.setattr(clients, "LONGEST_PAUSE", 0.001)
            patch.setattr(clients, "LAST_ATTEMPT", 0.2)
            self.provider = self.open_provider()
            yield
            await self.provider.close()

    def empty(self) -> None:
        """Empty the project, and let the account do what faults need."""
        self.emulator.reset()
        self.account = self.emulator.create_service_account("chaos", permissions=FAULT_PERMISSIONS)

    def open_provider(self) -> GcpProvider:
        """Open one with the environment of the moment."""
        return GcpProvider(Settings())

    def post(self, path: str) -> None:
        """Make a change as the owner, to its end."""
        answer = httpx.post(
            f"{self.emulator.url}/compute/v1/{path}",
            headers={"Authorization": f"Bearer {self.emulator.owner_token}"},
        )
        assert answer.status_code == 200, answer.text
        self.settle()

    @property
    def caller(self) -> Caller:
        """The experiment's service account, in a template of AWS's dialect."""
        scope = Scope(cloud="aws", account="123456789012", region="us-east-1")
        return Caller(scope, self.account, EXPERIMENT, INSTALLATION)

    def is_read(self, call: Call) -> bool:
        """By the name of the method."""
        return call.service in _LOGGING_IN or call.operation.partition(".")[2] in _READS

    def state(self) -> object:
        """Return all resources."""
        return self.emulator.snapshot()

    def settle(self) -> None:
        """Finish the operations; five virtual seconds pass."""
        self.emulator.complete_transitions()
        self.clock.advance(5)


class GcpRig(Rig):
    """What the rigs of Google Cloud share: instances, looked at behind the API."""

    world = GcpWorld
    at: GcpWorld

    def __init__(self, world: Any) -> None:
        super().__init__(world)
        self.code = copy(self.code)
        for step in ("mark", "unmark"):
            setattr(self.code, step, self._to_its_end(getattr(self.code, step)))

    def _to_its_end(self, step: Any) -> Any:
        """Let labels stand when the call returns; Google sets them by an operation."""

        async def settled(*given: Any) -> Any:
            outcomes = await step(*given)
            self.at.settle()
            return outcomes

        return settled

    def name(self, record: Record) -> str:
        """Return the name of a record's resource."""
        return Name.of(record.resource).name

    def instances(self, count: int) -> list[tuple[str, str]]:
        """Make instances that run, with labels and tags; return their names, short and full."""
        emulator = self.at.emulator
        first = len(emulator.names("instances"))
        names = [f"worker-{number}" for number in range(first, first + count)]
        return [
            (name, emulator.add_instance(name, labels=_LABELS, tags=["theirs"])) for name in names
        ]

    def build(self, count: int) -> list[Resource]:
        """Make instances."""
        network = f"//compute.googleapis.com/projects/{self.at.emulator.project}/global/networks"
        information = {"networks": f"{network}/default"}
        return [
            Resource("gcp:compute:instance", full, information) for _, full in self.instances(count)
        ]

    def snapshot(self, record: Record) -> object:
        """Return the instance, but for fingerprints and the moments of its changes."""
        found = self.at.emulator.instance(self.name(record))
        found["tags"].pop("fingerprint")
        return {key: value for key, value in found.items() if key not in _BY_ITSELF}

    def trace(self, record: Record) -> object:
        """Return the whole instance."""
        return self.at.emulator.instance(self.name(record))

    def status(self, record: Record) -> str:
        """Return the instance's status."""
        return str(self.at.emulator.instance(self.name(record))["status"])

    def remove(self, record: Record) -> None:
        """Delete the instance."""
        self.at.emulator.remove_instance(self.name(record))


class StopInstances(GcpRig):
    """Stopped, and started again."""

    fault = "gcp:compute:stop-instances"
    parameters: ClassVar = {"startInstancesAfterDuration": "PT5M"}
    effects = ("instances.stop",)
    undoings = ("instances.start",)

    def is_faulted(self, record: Record) -> bool:
        """Whether it is stopped."""
        return self.status(record) == "TERMINATED"

    def make_faulted(self, record: Record) -> None:
        """Stop it."""
        self.at.post(f"{Name.of(record.resource).path}/stop")


class SuspendInstances(GcpRig):
    """Suspended, and resumed."""

    fault = "gcp:compute:suspend-instances"
    parameters: ClassVar = {"resumeInstancesAfterDuration": "PT5M"}
    effects = ("instances.suspend",)
    undoings = ("instances.resume",)

    def is_faulted(self, record: Record) -> bool:
        """Whether it is suspended."""
        return self.status(record) == "SUSPENDED"

    def make_faulted(self, record: Record) -> None:
        """Suspend it."""
        self.at.post(f"{Name.of(record.resource).path}/suspend")


class ResetInstances(GcpRig):
    """Reset: seen by its operation only."""

    fault = "gcp:compute:reset-instances"
    effects = ("instances.reset",)
    no_marks = "there is nothing to undo"
    no_faulted_state = "a reset leaves nothing on an instance"
    gone_during = (Effect.GONE, OutcomeKind.DONE)

    def trace(self, record: Record) -> object:
        """Return the instance and how often it was reset."""
        return super().trace(record), self._resets(record)

    def is_faulted(self, record: Record) -> bool:
        """Whether it was reset."""
        return bool(self._resets(record))

    def _resets(self, record: Record) -> int:
        path = Name.of(record.resource).path
        return sum(
            operation["operationType"] == "reset" and "error" not in operation
            for operation in self.at.emulator.operations()
            if operation["targetLink"].endswith(path)
        )


class DetachDisks(GcpRig):
    """Detached, and attached again with all settings."""

    fault = "gcp:compute:detach-disks"
    parameters: ClassVar = {"duration": "PT5M"}
    effects = ("instances.detachDisk",)
    undoings = ("instances.attachDisk",)
    gone_before = OutcomeKind.REJECTED  # Google says that nothing is attached by that name

    def build(self, count: int) -> list[Resource]:
        """Attach a disk to each of some instances, half of them to be deleted with those."""
        return [
            Resource(
                "gcp:compute:disk",
                self.at.emulator.add_disk(
                    f"{name}-data",
                    labels=_LABELS,
                    instance=name,
                    device_name=f"data-of-{name}",
                    auto_delete=bool(number % 2),
                    interface="NVME",
                ),
            )
            for number, (name, _) in enumerate(self.instances(count))
        ]

    def snapshot(self, record: Record) -> object:
        """Return the disk but for its clock readings, and how it is attached."""
        disk = self.at.emulator.disk(self.name(record))
        host = self.at.emulator.instance(self.name(record).removesuffix("-data"))
        kept = {key: value for key, value in disk.items() if key not in _BY_ITSELF}
        return kept, host["disks"]

    def trace(self, record: Record) -> object:
        """Return the disk with the moments of its attachments."""
        return self.at.emulator.disk(self.name(record))

    def is_faulted(self, record: Record) -> bool:
        """Whether nothing uses it."""
        return "users" not in self.at.emulator.disk(self.name(record))

    def make_faulted(self, record: Record) -> None:
        """Detach it."""
        name = Name.of(record.resource)
        host = name.name.removesuffix("-data")
        path = f"{name.sibling('instances', host).path}/detachDisk"
        self.at.post(f"{path}?deviceName=data-of-{host}")

    def remove(self, record: Record) -> None:
        """Delete the disk."""
        self.at.emulator.remove_disk(self.name(record))


class IsolateInstances(GcpRig):
    """Cut off by rules for a tag, which are records of their own beside the instances."""

    fault = "gcp:compute:isolate-instances"
    parameters: ClassVar = {"duration": "PT5M"}
    effects = ("instances.setTags", "firewalls.insert")
    undoings = ("instances.setTags", "firewalls.delete")
    no_faulted_state = "the rules are for a tag of the run's own, which nobody else would set"

    def build(self, count: int) -> list[Resource]:
        """Make instances, an hour later.

        Some trials run the same action again, and then the rules have the same names. The
        engine never does, and Google would take a request for the one of an hour ago.
        """
        self.at.clock.advance(3600)
        return super().build(count)

    def targets(self, records: Any) -> list[Record]:
        """Return the instances' records."""
        return [one for one in records if Name.of(one.resource).collection == "instances"]

    def snapshot(self, record: Record) -> object:
        """Return the instance, or which rules there are."""
        if self.targets([record]):
            return super().snapshot(record)
        return self.at.emulator.names("firewalls")

    def trace(self, record: Record) -> object:
        """Return the instance, or which rules there are."""
        return super().trace(record) if self.targets([record]) else self.snapshot(record)

    def is_faulted(self, record: Record) -> bool:
        """Whether nothing gets in or out; of the rules, whether both are there."""
        if self.targets([record]):
            return self.at.emulator.isolated(self.name(record)) == {"INGRESS", "EGRESS"}
        return len(self.at.emulator.names("firewalls")) == 2


class DeleteManagedInstances(GcpRig):
    """Deleted from their groups, which get their size back: a record is a group."""

    fault = "gcp:compute:delete-managed-instances"
    parameters: ClassVar = {"resizeAfterDuration": "PT5M"}
    effects = ("instanceGroupManagers.deleteInstances",)
    undoings = ("instanceGroupManagers.resize",)
    repeatable = False  # the chosen instances are no more, others have taken their places
    no_marks = "nothing can be written on a managed instance group"
    no_faulted_state = "an instance that was deleted belongs to no group, so it is not chosen"

    def build(self, count: int) -> list[Resource]:
        """Make groups of two instances, of each of which one is chosen."""
        first = len(self.at.emulator.names("instanceGroupManagers"))
        return [self._group(f"web{number}") for number in range(first, first + count)]

    def _group(self, name: str) -> Resource:
        group = self.at.emulator.add_group(name, size=2, labels=_LABELS)
        chosen = self.at.emulator.group_instances(name)[0]
        instance = str(Name.of(group).sibling("instances", chosen))
        return Resource("gcp:compute:instance", instance, {"instanceGroupManager": group})

    def snapshot(self, record: Record) -> object:
        """Return the group, but for which instances it has."""
        return self.at.emulator.group(self.name(record))

    def trace(self, record: Record) -> object:
        """Return the group with its instances."""
        return self.snapshot(record), self.at.emulator.group_instances(self.name(record))

    def is_faulted(self, record: Record) -> bool:
        """Whether it has become smaller."""
        return bool(self.at.emulator.group(self.name(record))["targetSize"] == 1)

    def remove(self, record: Record) -> None:
        """Delete the group."""
        self.at.emulator.remove_group(self.name(record))


class RecreateManagedInstances(GcpRig):
    """Made anew under the same name, one of each group."""

    fault = "gcp:compute:recreate-managed-instances"
    effects = ("instanceGroupManagers.recreateInstances",)
    no_marks = "there is nothing to undo"
    no_faulted_state = "a recreated instance is like any other of its group"
    gone_before = OutcomeKind.REJECTED
    gone_during = (Effect.GONE, OutcomeKind.DONE)

    def __init__(self, world: Any) -> None:
        super().__init__(world)
        self.made: dict[str, str] = {}

    def build(self, count: int) -> list[Resource]:
        """Make groups of one instance: a call is for one group."""
        built = []
        first = len(self.at.emulator.names("instanceGroupManagers"))
        for number in range(first, first + count):
            group = self.at.emulator.add_group(f"web{number}", size=1, labels=_LABELS)
            (name,) = self.at.emulator.group_instances(f"web{number}")
            self.made[name] = self.at.emulator.instance(name)["id"]
            instance = str(Name.of(group).sibling("instances", name))
            built.append(
                Resource("gcp:compute:instance", instance, {"instanceGroupManager": group})
            )
        return built

    def is_faulted(self, record: Record) -> bool:
        """Whether it has another numeric id than at first."""
        name = self.name(record)
        return bool(self.at.emulator.instance(name)["id"] != self.made[name])


RIGS: Final[tuple[type[Rig], ...]] = (
    DeleteManagedInstances,
    DetachDisks,
    IsolateInstances,
    RecreateManagedInstances,
    ResetInstances,
    StopInstances,
    SuspendInstances,
)
