"""The power state of machines: how it is judged, followed, and put back.

A virtual machine and an instance of a scale set behave alike ("States and billing status of
Azure Virtual Machines").
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from bridge.model.record import Record
from providers.azure.describe import (
    Described,
    Seen,
    power_of,
    provisioning_of,
    resource_of,
)
from providers.azure.operations import Asked, Standing
from providers.azure.session import AzureSession
from providers.contract import (
    DONE,
    PENDING,
    Effect,
    Observation,
    Outcome,
    OutcomeKind,
)

POWER: Final = "azure:vm-power"
"""The effect that all of them have: one run at a time has its hands on a machine's power."""
PRIOR: Final = "prior"
INJECTING: Final = "operation"
REVERTING: Final = "undoing"
"""Where a record's state keeps the state before, and the URLs of its operations."""

GONE: Final = Outcome(OutcomeKind.GONE, "the machine does not exist any more")
OFF: Final = ("stopping", "stopped", "deallocating", "deallocated")
_ON_THE_WAY: Final = ("starting", "stopping", "deallocating")


def rejected(reason: str) -> Outcome:
    """Refuse a record."""
    return Outcome(OutcomeKind.REJECTED, reason)


def left(reason: str) -> Outcome:
    """Leave a resource as it is."""
    return Outcome(OutcomeKind.LEFT, reason)


def fit(machine: Described | None) -> Outcome:
    """Judge whether a machine can be switched off: only one that runs can, and be undone."""
    power = power_of(machine)
    if machine is None:
        return GONE
    if power in OFF:
        return left(f"the machine is {power} already")
    if power != "running":
        return rejected(
            f"the machine is {power or 'in no known power state'}, and only running ones can be "
            "switched off and put back; start the run again when it is running"
        )
    return DONE


async def observed(
    session: AzureSession,
    records: Sequence[Record],
    seen: Seen,
    effects: Mapping[str, Effect],
    call: str,
) -> dict[str, Observation]:
    """Tell what is on each machine; ``effects`` says what a power state means.

    An operation is asked only where the machine shows nothing of it, neither in its power state
    nor by being updated: then it may have failed.
    """
    asks = Asks(session)

    async def one(record: Record) -> Observation:
        machine = seen.get(resource_of(record))
        if machine is None:
            return Observation(Effect.GONE, GONE.reason)
        effect = effects.get(power_of(machine), Effect.UNKNOWN)
        if effect is Effect.ABSENT and INJECTING in record.state:
            return await followed(session, asks, record, machine, call)
        return Observation(effect)

    answers = await asyncio.gather(*map(one, records))
    return {record.id: answer for record, answer in zip(records, answers, strict=True)}


class Asks:
    """Questions to operations, each asked once even where several records share it."""

    def __init__(self, session: AzureSession) -> None:
        """Ask nothing yet."""
        self._session = session
        self._asked: dict[str, asyncio.Task[Asked]] = {}

    async def about(self, record: Record, key: str) -> Asked:
        """Ask about the operation that a record keeps under ``key``. Raises ProviderError."""
        operation: dict[str, str] = record.state[key]
        url = operation["url"]
        if url not in self._asked:
            asking = self._session.ask(resource_of(record).subscription, operation)
            self._asked[url] = asyncio.ensure_future(asking)
        return await self._asked[url]


async def followed(
    session: AzureSession, asks: Asks, record: Record, machine: Described, call: str
) -> Observation:
    """Tell how an injecting operation stands whose effect does not show on the resource."""
    if provisioning_of(machine) == "updating":
        return Observation(Effect.APPLYING)
    asked = await asks.about(record, INJECTING)
    if asked.standing is Standing.RUNNING:
        return Observation(Effect.APPLYING)
    if asked.standing is Standing.FAILED:
        return Observation(Effect.FAILED, str(session.meaning(asked, call)))
    return Observation(Effect.ABSENT)


async def to_start(
    session: AzureSession, records: Sequence[Record], seen: Seen, call: str
) -> tuple[dict[str, Outcome], list[Record]]:
    """Judge what undoing needs: outcomes of those that need no call, and those to be started.

    A start that failed late is told, and tried again with the next revert.
    """
    outcomes: dict[str, Outcome] = {}
    starting: set[str] = set()
    asks = Asks(session)

    async def one(record: Record) -> None:
        machine = seen.get(resource_of(record))
        power = power_of(machine)
        if machine is None:
            outcomes[record.id] = GONE
        elif record.state.get(PRIOR) != "running" or power == "running":
            outcomes[record.id] = DONE
        elif power in _ON_THE_WAY or provisioning_of(machine) == "updating":
            outcomes[record.id] = PENDING
        elif (outcome := await failed_undo(session, asks, record, call)) is not None:
            outcomes[record.id] = outcome
        else:
            starting.add(record.id)

    await asyncio.gather(*map(one, records))
    return outcomes, [record for record in records if record.id in starting]


async def failed_undo(
    session: AzureSession, asks: Asks, record: Record, call: str
) -> Outcome | None:
    """Tell how the last undoing operation stands, None when there is none to wait for."""
    if REVERTING not in record.state:
        return None
    asked = await asks.about(record, REVERTING)
    if asked.standing is Standing.RUNNING:
        return PENDING
    del record.state[REVERTING]
    if asked.standing is Standing.FAILED:
        return rejected(str(session.meaning(asked, call)))
    return None


Act = Callable[[Record], Awaitable[Outcome]]


def act_on_machine(session: AzureSession, operation: str, key: str, **options: Any) -> Act:
    """Return what sends one operation for one virtual machine: done at once, or pending."""

    async def act(record: Record) -> Outcome:
        which = resource_of(record)
        begun = await session.begin(
            which.subscription,
            "compute",
            f"virtual_machines.{operation}",
            which.group,
            which.name,
            **options,
        )
        begun.note(record.state, key)
        return PENDING if begun.accepted else DONE

    return act
