"""How a data disk hangs on a machine: noted before a fault, compared and put back after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

from bridge.model.record import Record
from providers.azure.describe import Described, properties, provisioning_of
from providers.azure.ids import VIRTUAL_MACHINE, ResourceId, canonical
from providers.azure.power import REVERTING, rejected
from providers.contract import DONE, PENDING, Effect, Observation, Outcome, OutcomeKind

DISK_GONE: Final = Outcome(OutcomeKind.GONE, "the disk does not exist any more")


@dataclass(frozen=True)
class Attachment:
    """All that is needed to attach a data disk again as it was."""

    machine: str
    """Id of the virtual machine."""
    lun: int
    caching: str
    """``None``, ``ReadOnly`` or ``ReadWrite``."""
    write_accelerator: bool
    delete_option: str
    """``Delete`` or ``Detach``: what becomes of the disk when the machine is deleted."""

    @classmethod
    def of(cls, record: Record) -> Self:
        """Read it from a record's state. Raises KeyError."""
        return cls(**record.state["attachment"])

    @classmethod
    def described(cls, machine: str, entry: Mapping[str, Any]) -> Self:
        """Read it from an element of a machine's ``dataDisks``."""
        return cls(
            machine=machine,
            lun=int(entry["lun"]),
            caching=str(entry.get("caching") or "None"),
            write_accelerator=bool(entry.get("writeAcceleratorEnabled")),
            delete_option=str(entry.get("deleteOption") or "Detach"),
        )

    @classmethod
    def read(cls, words: Mapping[str, str]) -> Self:
        """Read back what ``words`` wrote. Raises KeyError or ValueError."""
        if words["accelerator"] not in ("yes", "no"):
            raise ValueError(words["accelerator"])
        if ResourceId.of(words["vm"]).kind != VIRTUAL_MACHINE:
            raise ValueError(words["vm"])
        return cls(
            machine=canonical(words["vm"]),
            lun=int(words["lun"]),
            caching=words["caching"],
            write_accelerator=words["accelerator"] == "yes",
            delete_option=words["delete"],
        )

    def words(self) -> dict[str, str]:
        """Return it as words without blanks, for a mark."""
        return {
            "vm": self.machine,
            "lun": str(self.lun),
            "caching": self.caching,
            "accelerator": "yes" if self.write_accelerator else "no",
            "delete": self.delete_option,
        }

    def state(self) -> dict[str, Any]:
        """Return it as a record's state."""
        return {"attachment": asdict(self)}

    def request(self, disk: str) -> dict[str, Any]:
        """Return the element of ``dataDisksToAttach`` that brings a disk back."""
        return {
            "diskId": disk,
            "lun": self.lun,
            "caching": self.caching,
            "deleteOption": self.delete_option,
            "writeAcceleratorEnabled": self.write_accelerator,
        }


def entry_of(machine: Described | None, disk: str) -> Mapping[str, Any] | None:
    """Return a disk's element in a machine's ``dataDisks``, if it has one."""
    return data_disks(machine).get(ResourceId.of(disk))


def data_disks(machine: Described | None) -> dict[ResourceId, Mapping[str, Any]]:
    """Return a machine's managed data disks as it has them."""
    profile = properties(machine or {}).get("storageProfile") or {}
    return {
        ResourceId.of(entry["managedDisk"]["id"]): entry
        for entry in profile.get("dataDisks") or ()
        if entry.get("managedDisk")
    }


def holder_of(disk: Described) -> str:
    """Return the id of the machine that a disk belongs to; empty where there is none."""
    return canonical(str(disk.get("managedBy") or ""))


def why_not_detached(
    disk: Described, which: str, machines: Mapping[ResourceId, Described]
) -> str | None:
    """Return why a disk that belongs to a machine is not to be detached, or None."""
    shares = int(properties(disk).get("maxShares") or 1)
    if shares > 1:
        return (
            f"it may be shared by {shares} machines (maxShares), which would each have to let go; "
            "choose another disk"
        )
    holder = ResourceId.parse(holder_of(disk))
    if holder is None or holder.kind != VIRTUAL_MACHINE:
        return (
            f"it belongs to {holder_of(disk)}, which is no virtual machine of its own; choose "
            "another disk"
        )
    machine = machines.get(holder)
    profile = properties(machine or {}).get("storageProfile") or {}
    system = ((profile.get("osDisk") or {}).get("managedDisk") or {}).get("id", "")
    if canonical(str(system)) == which:
        return (
            f"it is the OS disk of {holder.name}; to take the machine away, use "
            "azure:compute:power-off-vms"
        )
    entry = entry_of(machine, which)
    if entry is None or entry.get("toBeDetached"):
        return f"it is on its way to or from {holder.name}; start the run again when it is attached"
    return None


def compared(record: Record, machine: Described | None, disk: Described | None) -> Observation:
    """Tell what is on a disk, by how its machine has it now and how it was."""
    was = Attachment.of(record)
    if disk is None:
        return Observation(Effect.GONE, DISK_GONE.reason)
    entry = entry_of(machine, record.resource)
    if entry is None:
        return _let_go(was, machine, holder_of(disk))
    if entry.get("toBeDetached"):
        return Observation(Effect.APPLYING)
    if Attachment.described(was.machine, entry) != was:
        return Observation(Effect.PRESENT, _differs(was, entry))
    if REVERTING in record.state and provisioning_of(machine) == "updating":
        return Observation(Effect.LIFTING)
    return Observation(Effect.ABSENT)


def _let_go(was: Attachment, machine: Described | None, holder: str) -> Observation:
    if holder == was.machine and machine is not None:
        return Observation(Effect.APPLYING)
    return Observation(Effect.PRESENT, f"it is attached to {holder}" if holder else "")


def to_attach(record: Record, machine: Described | None, disk: Described | None) -> Outcome | None:
    """Judge what undoing needs: an outcome, or None when the disk is to be attached."""
    was = Attachment.of(record)
    host = ResourceId.of(was.machine).name
    if machine is None and disk is not None:
        reason = f"its machine {host} does not exist any more; the disk is left as it is"
        return Outcome(OutcomeKind.GONE, reason)
    found = compared(record, machine, disk)
    if found.effect is Effect.GONE:
        return Outcome(OutcomeKind.GONE, found.reason)
    if found.effect is Effect.ABSENT:
        return PENDING if provisioning_of(machine) == "updating" else DONE
    if found.effect in (Effect.APPLYING, Effect.LIFTING):
        return PENDING
    if found.reason:
        return rejected(
            f"{found.reason} meanwhile; detach it there and it goes back to {host} at LUN "
            f"{was.lun}, or release the record"
        )
    return None


def _differs(was: Attachment, entry: Mapping[str, Any]) -> str:
    now = Attachment.described(was.machine, entry)
    return (
        f"it was attached to {ResourceId.of(was.machine).name} with other settings ({now.words()})"
    )
