"""Many resources in one call, and none of them blocked by a bad one.

Azure carries out a call on several instances or disks entirely or not at all, and often says
which one it minded. So the named ones are taken out and the rest is asked again; where none is
named, the batch is halved.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from bridge.model.record import Record
from providers.azure.describe import resource_of
from providers.azure.ids import ResourceId
from providers.contract import Outcome, OutcomeKind, Outcomes, ProviderError
from providers.refusals import DeniedError, RefusedError, refusal_outcome

_MOST_REFUSALS: Final = 32
"""Refused calls spent on one batch; the rest counts as refused, and the engine comes again."""

Send = Callable[[Sequence[Record]], Awaitable[Outcomes]]


async def each_possible(
    batches: Mapping[ResourceId, Sequence[Record]], send: Callable[[ResourceId], Send]
) -> dict[str, Outcome]:
    """Send each batch by one call, side by side; bad records are answered for one by one.

    ``send`` makes the call for a batch's key. One batch's failure is its own. Raises what is no
    ProviderError, once all have come back.
    """
    answers = await asyncio.gather(
        *(_isolated(batch, send(key)) for key, batch in batches.items()), return_exceptions=True
    )
    outcomes: dict[str, Outcome] = {}
    for batch, answer in zip(batches.values(), answers, strict=True):
        if isinstance(answer, ProviderError):
            outcomes |= {r.id: Outcome(OutcomeKind.UNKNOWN, str(answer)) for r in batch}
        elif isinstance(answer, BaseException):
            raise answer
        else:
            outcomes |= answer
    return outcomes


def by(
    records: Sequence[Record], key: Callable[[Record], ResourceId]
) -> dict[ResourceId, list[Record]]:
    """Put records together that share a call."""
    groups: defaultdict[ResourceId, list[Record]] = defaultdict(list)
    for record in records:
        groups[key(record)].append(record)
    return groups


async def _isolated(batch: Sequence[Record], send: Send) -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = {}
    waiting = deque([batch])
    refusals = 0
    while waiting:
        part = waiting.popleft()
        try:
            outcomes |= await send(part)
        except RefusedError as refusal:
            refusals += 1
            # The right is on what holds them all: searching for who is allowed finds nobody.
            searching = refusals < _MOST_REFUSALS and not isinstance(refusal, DeniedError)
            blamed = [r for r in part if resource_of(r).name in refusal.named]
            if searching and not blamed and len(part) > 1:
                half = len(part) // 2
                waiting += (part[:half], part[half:])
                continue
            if not searching or not blamed:
                blamed = list(part)
            outcomes |= {record.id: refusal_outcome(refusal) for record in blamed}
            if rest := [record for record in part if record.id not in outcomes]:
                waiting.append(rest)
    return outcomes
