"""Long-running operations: begun once, named in the record, asked and never waited for.

Each change carries a ``requestId``. Within 60 minutes Google takes a second request with the same
one for the first, and answers its operation (API reference, ``requestId``). So the id is
computed, not drawn: from the record, the verb and a count. A repeat of a call whose answer was
lost, by this worker or by the next one, is the same request, and nothing is done twice. The count
is in the record's state and goes up when an undoing operation has ended and its resource is still
as before (it failed, or somebody stopped what it had started): only then is the same verb a new
request. A record is injected once in its life, so its injecting verbs never need a new one.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bridge.model.record import Record
from providers.batches import chunks
from providers.contract import (
    PENDING,
    Effect,
    Observation,
    Outcome,
    OutcomeKind,
)
from providers.gcp.names import Name, canonical
from providers.gcp.session import GcpSession
from providers.refusals import RefusedError

Begin = Callable[[str], Awaitable[dict[str, Any]]]
"""Makes a call with the request id that it is given; answers an operation."""

FEW: Final = 5
"""So many operations of a place are asked one by one; beyond that a list answers for more."""
_LISTED: Final = 20
"""Request ids in the filter of one list: with 60 characters each the URL stays within 2,000."""

_NAMESPACE: Final = uuid.UUID("5f2a9a52-6a0b-5d0e-9b3c-7d1f0c3f5b11")
_OPERATIONS: Final = "operations"
_ENDED: Final = "ended"
_SHARED: Final = "shared"
_PLACES: Final = {"zones": "zoneOperations", "regions": "regionOperations"}


@dataclass(frozen=True)
class Progress:
    """How far an operation has come."""

    done: bool
    failure: str = ""
    """Why it failed, if it did."""

    @classmethod
    def of(cls, operation: dict[str, Any]) -> Progress:
        """Read it from an answer."""
        errors = operation.get("error", {}).get("errors", [])
        words = [f"{one.get('message', '')} ({one.get('code', '')})".strip() for one in errors]
        status = operation.get("httpErrorStatusCode")
        if status and not words:
            words = [f"{operation.get('httpErrorMessage', 'failed')} ({status})"]
        return cls(operation.get("status") == "DONE", "; ".join(words)[:300])


def request_id(session: GcpSession, record: Record, verb: str) -> str:
    """Return the id of the record's next request of that verb, or of the one for several."""
    if shared := record.state.get(_SHARED, {}).get(verb):
        return str(shared)
    count = record.state.get(_ENDED, {}).get(verb, 0)
    words = (session.caller.installation, record.id, record.resource, verb, str(count))
    return str(uuid.uuid5(_NAMESPACE, "\n".join(words)))


async def begin(session: GcpSession, record: Record, verb: str, call: Begin) -> Outcome:
    """Make a change, and note the name of its operation. Raises ProviderError.

    An answer that is an operation which has failed already is that of an earlier request.
    """
    operation = await call(request_id(session, record, verb))
    progress = Progress.of(operation)
    if progress.failure:
        return Outcome(OutcomeKind.REJECTED, progress.failure)
    note(record, verb, operation)
    return PENDING


async def begin_together(
    session: GcpSession, records: Sequence[Record], verb: str, call: Begin
) -> Outcome:
    """Make one change for several records, whose operation is noted in each.

    The request id is that of these records together. Raises ProviderError.
    """
    ids = sorted(record.id for record in records)
    shared = str(uuid.uuid5(_NAMESPACE, "\n".join((session.caller.installation, verb, *ids))))
    for record in records:
        record.state.setdefault(_SHARED, {})[verb] = shared
    outcome = await begin(session, records[0], verb, call)
    if name := noted(records[0], verb):
        for record in records[1:]:
            record.state.setdefault(_OPERATIONS, {})[verb] = name
    return outcome


async def undo(session: GcpSession, record: Record, verb: str, call: Begin) -> Outcome:
    """Make the change that undoes, for a resource on which the fault still is.

    Raises ProviderError.
    """
    if noted(record, verb):
        progress = (await progress_of(session, [record], verb)).get(record.id)
        if progress is not None and not progress.done:
            return PENDING
        _spend(record, verb)
        if progress is not None and progress.failure:
            # Told before it is tried again, so that the pause between two tries grows.
            return Outcome(OutcomeKind.UNKNOWN, f"the {verb} failed: {progress.failure}")
        if progress is not None:
            return PENDING  # it may have ended since the resource was read: that comes first
    outcome = await begin(session, record, verb, call)
    if outcome.kind is OutcomeKind.REJECTED:
        _spend(record, verb)
    return outcome


async def under_way(session: GcpSession, record: Record, verb: str) -> bool:
    """Say whether an injecting operation has yet to show on a resource that looks untouched.

    Undone before that, it would come over the resource afterwards. Raises ProviderError.
    """
    progress = (await progress_of(session, [record], verb)).get(record.id)
    return progress is not None and not progress.done


async def late(
    session: GcpSession, records: Sequence[Record], verb: str, ended: Observation
) -> dict[str, Observation]:
    """Observe records whose resource does not show the effect, by their operation.

    Under way is ``applying``. Failed is ``failed``, with Google's words: the action then fails
    and undoes the others. ``absent`` would not have it injected again, since the engine repeats
    no call that the cloud has taken on; the action would hang until its limit. One that is not
    known, because the answer was lost and Google never got the request, is ``absent``. For one
    that ended well ``ended`` is returned. Raises ProviderError.
    """
    found = await progress_of(session, records, verb)
    seen: dict[str, Observation] = {}
    for record in records:
        progress = found.get(record.id)
        if progress is None:
            seen[record.id] = Observation(Effect.ABSENT)
        elif progress.failure:
            seen[record.id] = Observation(Effect.FAILED, f"the {verb} failed: {progress.failure}")
        else:
            seen[record.id] = ended if progress.done else Observation(Effect.APPLYING)
    return seen


async def progress_of(
    session: GcpSession, records: Sequence[Record], verb: str
) -> dict[str, Progress]:
    """Ask for the operations of a verb, by record id; those that Google does not know are left out.

    A few are asked by name. Many, and those whose name was in an answer that was lost, are
    searched by request id, 20 in a list. Raises ProviderError.
    """
    found: dict[str, Progress] = {}
    places: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        place = _place(record, verb)
        places[place.project, place.location].append(record)
    for several in places.values():
        few = len({noted(record, verb) or record.id for record in several}) <= FEW
        asked = [record for record in several if few and noted(record, verb)]
        searched = [record for record in several if not (few and noted(record, verb))]
        for chunk in chunks(searched, _LISTED):
            found |= await _search(session, chunk, verb)
        for name in dict.fromkeys(noted(record, verb) for record in asked):
            operation = await _get(session, name)
            if operation is not None:
                alike = (record for record in asked if noted(record, verb) == name)
                found |= {record.id: Progress.of(operation) for record in alike}
    return found


async def _get(session: GcpSession, text: str) -> dict[str, Any] | None:
    name = Name.of(text)
    try:
        return await session.call(_kind(name), "get", **name.place, operation=name.name)
    except RefusedError as refusal:
        if not refusal.gone:
            raise
        return None  # Google forgets operations after some weeks


async def _search(session: GcpSession, records: Sequence[Record], verb: str) -> dict[str, Progress]:
    ids: dict[str, list[str]] = defaultdict(list)
    for record in records:
        ids[request_id(session, record, verb)].append(record.id)
    text = " OR ".join(f'(clientOperationId = "{one}")' for one in ids)
    place = _place(records[0], verb)
    operations = await session.listed(_kind(place), **place.place, filter=text)
    return {
        record: Progress.of(operation)
        for operation in operations
        for record in ids.get(operation.get("clientOperationId", ""), ())
    }


def note(record: Record, verb: str, operation: dict[str, Any]) -> None:
    """Keep the full name of a verb's operation in the record's state."""
    record.state.setdefault(_OPERATIONS, {})[verb] = canonical(operation["selfLink"])


def noted(record: Record, verb: str) -> str:
    """Return the full name of a verb's operation, or nothing where no answer gave one."""
    return str(record.state.get(_OPERATIONS, {}).get(verb, ""))


def _place(record: Record, verb: str) -> Name:
    """Return the operation's name, or that of the resource: both are in one place."""
    return Name.of(noted(record, verb) or record.resource)


def _kind(name: Name) -> str:
    return _PLACES.get(name.location.partition("/")[0], "globalOperations")


def _spend(record: Record, verb: str) -> None:
    record.state.get(_OPERATIONS, {}).pop(verb, None)
    counts = record.state.setdefault(_ENDED, {})
    counts[verb] = counts.get(verb, 0) + 1
