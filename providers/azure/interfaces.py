"""Network interfaces of machines: their security group, noted before a fault and put back.

Azure has no call that changes an interface's security group alone: the interface is read and
written back as a whole with that one member changed, in ARM's own JSON, so that nothing is lost
that this SDK's models do not know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from bridge.model.record import Record
from providers.azure.describe import Described, Seen, properties, provisioned, resource_of
from providers.azure.ids import ResourceId, canonical
from providers.azure.operations import Begun, Standing
from providers.azure.power import INJECTING
from providers.azure.session import AzureSession
from providers.contract import (
    DONE,
    PENDING,
    Effect,
    Observation,
    Outcome,
    OutcomeKind,
    TransientError,
)
from providers.refusals import RefusedError

_CALL: Final = "NetworkInterfaces_CreateOrUpdate"
_CHANGED_MEANWHILE: Final = "PreconditionFailed"
_TRIES: Final = 4
"""How often an interface is read again because somebody changed it since."""

GROUP: Final = "security_group"
INTERFACES: Final = "interfaces"
"""Where a machine's record keeps the isolating group, and each interface's own (or nothing)."""


def of_machine(machine: Described) -> list[str]:
    """Return the ids of a machine's interfaces."""
    profile = properties(machine).get("networkProfile") or {}
    return [canonical(str(one.get("id", ""))) for one in profile.get("networkInterfaces") or ()]


def group_of(interface: Described) -> str:
    """Return the id of an interface's security group; empty where it has none."""
    return canonical(str((properties(interface).get("networkSecurityGroup") or {}).get("id", "")))


def _settled(interface: Described) -> bool:
    """Whether nothing is being changed on it, and the last change went well."""
    return provisioned(interface) == "succeeded"


async def _put_group(
    session: AzureSession, which: ResourceId, choose: Callable[[Described], str]
) -> tuple[Described, Begun | None]:
    """Write an interface back with the chosen security group, or with none if that is empty.

    Read anew when somebody changed it since: without its etag the write would undo that, or
    make an interface anew that was deleted. Answers the interface, and what was begun if its
    group was another or its last change had failed. Raises ProviderError.
    """
    for _ in range(_TRIES):
        interface = await _read(session, which)
        group = choose(interface)
        if group_of(interface) == group and provisioned(interface) != "failed":
            return interface, None
        changed = dict(properties(interface))
        changed.pop("networkSecurityGroup", None)
        if group:
            changed["networkSecurityGroup"] = {"id": group}
        try:
            begun = await session.begin(
                which.subscription,
                "network",
                "network_interfaces.create_or_update",
                which.group,
                which.name,
                {**interface, "properties": changed},
                headers={"If-Match": str(interface.get("etag", "*"))},
            )
        except RefusedError as refusal:
            if refusal.code != _CHANGED_MEANWHILE:
                raise
        else:
            return begun.body, begun
    raise TransientError(f"The network interface {which.name} was changed again and again.")


async def isolate(session: AzureSession, record: Record) -> Outcome:
    """Put the isolating group on each interface, read just before."""
    group, outcome, changed = record.state[GROUP], DONE, False
    for name in record.state[INTERFACES]:
        which = ResourceId.of(name)
        try:
            interface, begun = await _put_group(session, which, lambda _: group)
            if begun is not None:
                begun.note(record.state, INJECTING)
                changed = True
        except RefusedError as refusal:
            if not changed:
                raise
            return Outcome(OutcomeKind.UNKNOWN, str(refusal))
        if not _settled(interface):
            outcome = PENDING
    return outcome


async def restore(session: AzureSession, record: Record, on: Seen) -> Outcome:
    """Put each interface's own group back where the isolating one is; what others did stays."""
    ours = record.state[GROUP]
    settled: list[bool] = []
    for name, prior in record.state[INTERFACES].items():
        which = ResourceId.of(name)
        if which not in on:
            continue
        interface: Mapping[str, Any] = on[which]
        if provisioned(interface) != "updating" and (
            group_of(interface) == ours or not _settled(interface)
        ):
            # One whose last change failed is written once more, as it should be.
            try:
                interface, _ = await _put_group(session, which, partial(_own, ours, prior))
            except RefusedError as refusal:
                if not refusal.gone:
                    raise
                continue
        settled.append(_settled(interface))
    if not settled:
        return Outcome(OutcomeKind.GONE, "its network interfaces are gone")
    return DONE if all(settled) else PENDING


def _own(ours: str, prior: str, interface: Described) -> str:
    """Return the security group that an interface should have: its own, or somebody else's."""
    here = group_of(interface)
    return prior if here == ours else here


async def _read(session: AzureSession, which: ResourceId) -> dict[str, Any]:
    return await session.get(
        which.subscription, "network", "network_interfaces.get", which.group, which.name
    )


async def compared(session: AzureSession, record: Record, on: Seen) -> Observation:
    """Tell what is on a machine, by the security groups of its interfaces."""
    here = [on[which] for one in record.state[INTERFACES] if (which := ResourceId.of(one)) in on]
    if not here:
        return Observation(Effect.GONE, "its network interfaces are gone")
    ours = [one for one in here if group_of(one) == record.state[GROUP]]
    if any(provisioned(one) == "updating" for one in here):
        return Observation(Effect.APPLYING)
    failed = record.accepted and not all(map(_settled, here))
    if failed or 0 < len(ours) < len(here):
        return Observation(Effect.FAILED, await _why(session, record, len(ours), len(here)))
    return Observation(Effect.PRESENT if ours else Effect.ABSENT)


async def _why(session: AzureSession, record: Record, ours: int, all_: int) -> str:
    if INJECTING in record.state:
        asked = await session.ask(resource_of(record).subscription, record.state[INJECTING])
        if asked.standing is Standing.FAILED:
            return str(session.meaning(asked, _CALL))
    return f"only {ours} of its {all_} network interfaces took the isolating security group"


def words(record: Record) -> dict[str, str]:
    """Return what a machine's record keeps as words without blanks, for a mark."""
    machine = ResourceId.of(record.resource)
    pairs = [
        f"{_short(interface, machine)}:{_short(group, machine) if group else '-'}"
        for interface, group in record.state[INTERFACES].items()
    ]
    return {"nsg": _short(record.state[GROUP], machine), "nics": ",".join(pairs)}


def read(resource: str, notes: Mapping[str, str]) -> dict[str, Any]:
    """Read back what ``words`` wrote as a record's state. Raises KeyError or ValueError."""
    machine = ResourceId.of(resource)
    interfaces: dict[str, str] = {}
    for pair in notes["nics"].split(","):
        interface, colon, group = pair.partition(":")
        if not (interface and colon and group):
            raise ValueError(pair)
        where = _long(interface, machine, "networkInterfaces")
        interfaces[where] = "" if group == "-" else _long(group, machine, "networkSecurityGroups")
    return {GROUP: _long(notes["nsg"], machine, "networkSecurityGroups"), INTERFACES: interfaces}


def _short(which: str, machine: ResourceId) -> str:
    """Leave out the resource group where it is the machine's: a mark has little room."""
    parsed = ResourceId.of(which)
    return parsed.name if parsed.group_id == machine.group_id else which


def _long(short: str, machine: ResourceId, kind: str) -> str:
    prefix = "" if short.startswith("/") else f"{machine.group_id}/providers/Microsoft.Network/"
    return str(ResourceId.of(f"{prefix}{kind}/{short}" if prefix else short))
