"""The faults of Azure Compute, in an emulated subscription on a clock that stands still."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, ClassVar, Final

import httpx
import pytest
from azure.core.pipeline.transport import RequestsTransport

from bridge.model.record import Record
from bridge.model.scope import Scope
from bridge.sandbox.azure import AzureEmulator, VirtualClock
from bridge.sandbox.calls import Call
from bridge.settings import Settings
from providers.azure.ids import ResourceId, canonical
from providers.azure.provider import AzureProvider
from providers.contract import Caller, Effect, OutcomeKind, Resource
from tests.trial.rig import EXPERIMENT, INSTALLATION, Rig, World

CLIENT: Final = "00000000-0000-4000-8000-0000000000c1"
_TAGS: Final = {"Name": "worker", "faultbridge-not": "ours"}
_FEW: Final = 3
_READS: Final = ("Get", "List", "ListAll", "ListByResourceGroup", "InstanceView", "GetAtScope")


class AzureWorld(World):
    """An emulated subscription, and the owner's way around it."""

    refusal = ("OperationNotAllowed", 409)

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.emulator: AzureEmulator = AzureEmulator(clock=self.clock)
        self.provider: Any = None

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Run the emulator."""
        with self.emulator:
            yield

    @asynccontextmanager
    async def fresh(self) -> AsyncIterator[None]:
        """Empty the subscription, and point the environment here."""
        self.empty()
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.emulator.environment().items():
                patch.setenv(name, value)
            patch.setenv("FAULTBRIDGE_AZURE_SUBSCRIPTIONS", self.emulator.subscription)
            # The policy decides as it does, only the pause is left out.
            patch.setattr(RequestsTransport, "sleep", lambda _self, _seconds: None)
            self.provider = self.open_provider()
            yield
            await self.provider.close()

    def empty(self) -> None:
        """Empty the subscription, and let the identity do everything."""
        self.emulator.reset()
        if self.provider is not None:
            self.provider._connections._identities.forget(CLIENT)  # its token is no more
        self.emulator.create_identity(CLIENT, actions=["*"])

    def open_provider(self) -> AzureProvider:
        """Open one with the environment of the moment."""
        return AzureProvider(Settings())

    def post(self, path: str, body: Any = None) -> None:
        """Carry out an action on a resource as the owner, to its end."""
        answer = httpx.post(
            f"{self.emulator.url}{path}?api-version=2026-04-01",
            headers={"Authorization": f"Bearer {self.emulator.owner_token}"},
            json=body,
        )
        assert answer.status_code == 202, answer.text
        self.settle()

    @property
    def caller(self) -> Caller:
        """The experiment's managed identity, in a template of AWS's dialect."""
        scope = Scope(cloud="aws", account="123456789012", region="us-east-1")
        return Caller(scope, CLIENT, EXPERIMENT, INSTALLATION)

    def is_read(self, call: Call) -> bool:
        """By the name of the operation."""
        return call.operation.partition("_")[2] in _READS

    def state(self) -> object:
        """Return what faults change, by resource."""
        return self.emulator.snapshot()

    def settle(self) -> None:
        """Finish the operations; five virtual seconds pass."""
        self.emulator.complete_transitions()
        self.clock.advance(5)


class AzureRig(Rig):
    """What the rigs of Azure share: resources, looked at behind the API."""

    world = AzureWorld
    at: AzureWorld

    def name(self, record: Record) -> str:
        """Return the name of a record's resource."""
        return ResourceId.of(record.resource).name


class MachineRig(AzureRig):
    """Virtual machines, each with a data disk, an interface and its tags."""

    def build(self, count: int) -> list[Resource]:
        """Make machines that run."""
        emulator = self.at.emulator
        built = []
        for number in range(count):
            name = f"worker-{number}"
            made = emulator.add_vm(name, tags=_TAGS, zone=str(1 + number % 3))
            emulator.add_disk(f"{name}-data", vm=name, zone=str(1 + number % 3), caching="None")
            built.append(Resource("azure:compute:vm", canonical(made), {"location": "eastus"}))
        return built

    def snapshot(self, record: Record) -> object:
        """Return the machine and its interface, and its power state without the moment."""
        machine = self.at.emulator.vm(self.name(record))
        view = machine["properties"].pop("instanceView")
        interface = self.at.emulator.interface(self.name(record))
        del interface["etag"]
        for one in (machine, interface):
            del one["properties"]["provisioningState"]  # of the last write, whatever it was
        return machine, interface, view["statuses"][1]["code"]

    def trace(self, record: Record) -> object:
        """Return the machine with the moments of its states."""
        machine = self.at.emulator.vm(self.name(record))
        return machine, self.at.emulator.interface(self.name(record))

    def power(self, record: Record) -> str:
        """Return its power state."""
        return self.at.emulator.power(self.name(record))

    def remove(self, record: Record) -> None:
        """Delete the machine."""
        self.at.emulator.remove_vm(self.name(record))


class PowerOffVms(MachineRig):
    """Off, and on again."""

    fault = "azure:compute:power-off-vms"
    parameters: ClassVar = {"startInstancesAfterDuration": "PT5M", "skipShutdown": "true"}
    effects = ("VirtualMachines_PowerOff",)
    undoings = ("VirtualMachines_Start",)

    def is_faulted(self, record: Record) -> bool:
        """Whether it is stopped."""
        return self.power(record) == "stopped"

    def make_faulted(self, record: Record) -> None:
        """Power it off."""
        self.at.post(f"{record.resource}/powerOff")


class DeallocateVms(MachineRig):
    """Deallocated, and on again."""

    fault = "azure:compute:deallocate-vms"
    parameters: ClassVar = {"startInstancesAfterDuration": "PT5M"}
    effects = ("VirtualMachines_Deallocate",)
    undoings = ("VirtualMachines_Start",)

    def is_faulted(self, record: Record) -> bool:
        """Whether it is deallocated."""
        return self.power(record) == "deallocated"

    def make_faulted(self, record: Record) -> None:
        """Deallocate it."""
        self.at.post(f"{record.resource}/deallocate")


class OneShotRig(MachineRig):
    """What is over once it is done: seen by its calls and by their operations only."""

    no_marks = "there is nothing to undo"
    no_faulted_state = "it leaves a machine as it was"
    no_repeat = "Azure does it again"
    known_by_answer = "only the operation, which the answer names, tells that Azure did it"
    gone_during = (Effect.GONE, OutcomeKind.DONE)

    def is_faulted(self, record: Record) -> bool:
        """Whether the machine began to run after it was made, and its last operation went well."""
        properties = self.at.emulator.vm(self.name(record))["properties"]
        since = properties["instanceView"]["statuses"][1]["time"]
        done = self.power(record) == "running" and since > properties["timeCreated"]
        return done and properties["provisioningState"] == "Succeeded"


class RestartVms(OneShotRig):
    """Restarted."""

    fault = "azure:compute:restart-vms"
    effects = ("VirtualMachines_Restart",)


class RedeployVms(OneShotRig):
    """Moved to other hardware."""

    fault = "azure:compute:redeploy-vms"
    effects = ("VirtualMachines_Redeploy",)


class IsolateVms(MachineRig):
    """Cut off the network by a security group, and given their own back."""

    fault = "azure:compute:isolate-vms"
    parameters: ClassVar = {"duration": "PT5M"}
    effects = ("NetworkInterfaces_CreateOrUpdate", "NetworkSecurityGroups_CreateOrUpdate")
    undoings = ("NetworkInterfaces_CreateOrUpdate", "NetworkSecurityGroups_Delete")
    no_faulted_state = "whose security group denies everything is not looked at: ours is another"

    def build(self, count: int) -> list[Resource]:
        """Make machines, every other with a security group of its own."""
        built = super().build(count)
        for number in range(0, count, 2):
            self.at.emulator.add_security_group(f"own-{number}", vm=f"worker-{number}")
        return built

    def targets(self, records: Any) -> list[Record]:
        """Leave out the isolating group's record."""
        return [one for one in records if "virtualMachines" in one.resource]

    def snapshot(self, record: Record) -> object:
        """Return the machine and its interface; of the isolating group, whether it is there."""
        if not self.targets([record]):
            return self._there(record)
        return super().snapshot(record)

    def trace(self, record: Record) -> object:
        """Return the snapshot with the interface's entity tag."""
        if not self.targets([record]):
            return self._there(record)
        return super().trace(record)

    def is_faulted(self, record: Record) -> bool:
        """Whether nothing gets in or out."""
        if not self.targets([record]):
            return self._there(record)
        return self.at.emulator.isolated(self.name(record)) == {"Inbound", "Outbound"}

    def remove(self, record: Record) -> None:
        """Delete the machine with its interface."""
        self.at.emulator.remove_vm(self.name(record), with_interface=True)

    def _there(self, record: Record) -> bool:
        return record.resource.lower() in map(str.lower, self.at.emulator.security_groups())


class DetachDisks(AzureRig):
    """Detached, and attached again with every setting."""

    fault = "azure:compute:detach-disks"
    parameters: ClassVar = {"duration": "PT5M"}
    effects = ("VirtualMachines_AttachDetachDataDisks",)
    undoings = ("VirtualMachines_AttachDetachDataDisks",)

    def build(self, count: int) -> list[Resource]:
        """Attach disks to machines, no two alike, and of many three to each.

        Azure takes one change of a machine at a time: where few are told apart one by one, a
        machine with two of them would put off the second.
        """
        emulator, built = self.at.emulator, []
        together = 3 if count > _FEW else 1
        for number in range(count):
            host = f"worker-{number // together}"
            if number % together == 0:
                emulator.add_vm(host)
            made = emulator.add_disk(
                f"data-{number}",
                vm=host,
                lun=2 * (number % 3) + 1,
                tags=_TAGS,
                caching=("None", "ReadOnly", "ReadWrite")[number % 3],
                deleteOption="Delete" if number % 2 else "Detach",
                writeAcceleratorEnabled=number % 3 == 0,
            )
            built.append(Resource("azure:compute:disk", canonical(made)))
        return built

    def snapshot(self, record: Record) -> object:
        """Return the disk, and how it is attached."""
        disk = self.at.emulator.disk(self.name(record))
        return json.loads(json.dumps([disk, self._entry(disk)]))

    def is_faulted(self, record: Record) -> bool:
        """Whether it is attached nowhere."""
        return "managedBy" not in self.at.emulator.disk(self.name(record))

    def make_faulted(self, record: Record) -> None:
        """Detach it."""
        host = self.at.emulator.disk(self.name(record))["managedBy"]
        detach = {"dataDisksToDetach": [{"diskId": record.resource}]}
        self.at.post(f"{host}/attachDetachDataDisks", detach)

    def remove(self, record: Record) -> None:
        """Delete it."""
        self.at.emulator.remove_disk(self.name(record))

    def _entry(self, disk: dict[str, Any]) -> Any:
        if "managedBy" not in disk:
            return None
        host = self.at.emulator.vm(disk["managedBy"].rpartition("/")[2])
        entries = host["properties"]["storageProfile"]["dataDisks"]
        return next((entry for entry in entries if entry["name"] == disk["name"]), None)


class PowerOffScaleSetInstances(AzureRig):
    """Off, and on again, within one scale set."""

    fault = "azure:compute:power-off-scale-set-instances"
    parameters: ClassVar = {"startInstancesAfterDuration": "PT5M"}
    effects = ("VirtualMachineScaleSets_PowerOff",)
    undoings = ("VirtualMachineScaleSets_Start",)

    def build(self, count: int) -> list[Resource]:
        """Make a scale set with so many instances."""
        made = self.at.emulator.add_scale_set("web", zones=["1"] * count, tags=_TAGS)
        return [
            Resource(
                "azure:compute:scale-set-instance", canonical(f"{made}/virtualMachines/{number}")
            )
            for number in range(count)
        ]

    def snapshot(self, record: Record) -> object:
        """Return the instance, its power state without the moment, the scale set's tags."""
        instance = self.at.emulator.instance("web", self.name(record))
        del instance["properties"]["instanceView"], instance["properties"]["provisioningState"]
        return instance, self.power(record), self.at.emulator.scale_set("web")["tags"]

    def trace(self, record: Record) -> object:
        """Return the instance with the moments of its states."""
        return self.at.emulator.instance("web", self.name(record)), self.snapshot(record)

    def power(self, record: Record) -> str:
        """Return its power state."""
        instance = self.at.emulator.instance("web", self.name(record))
        code = instance["properties"]["instanceView"]["statuses"][1]["code"]
        return str(code.removeprefix("PowerState/"))

    def is_faulted(self, record: Record) -> bool:
        """Whether it is stopped."""
        return self.power(record) == "stopped"

    def make_faulted(self, record: Record) -> None:
        """Power it off."""
        self.at.post(f"{record.resource}/powerOff")

    def remove(self, record: Record) -> None:
        """Take it out of its scale set."""
        self.at.emulator.remove_instance("web", self.name(record))


RIGS: Final[tuple[type[Rig], ...]] = (
    DeallocateVms,
    DetachDisks,
    IsolateVms,
    PowerOffScaleSetInstances,
    PowerOffVms,
    RedeployVms,
    RestartVms,
)
