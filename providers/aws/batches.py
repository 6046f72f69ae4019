"""Many resources in one call, and none of them blocked by a bad one.

EC2 carries out a call on many resources entirely or not at all, and says which resource it
minded. So the named ones are taken out and the rest is asked again; where none is named, the
batch is halved.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Final, TypeVar

from bridge.model.record import Record
from providers.aws.arns import plain_id
from providers.aws.errors import NOT_FOUND, RefusedError
from providers.aws.session import AwsSession
from providers.contract import Outcome, OutcomeKind, Outcomes, ProviderError

LARGEST: Final = 1000
"""Resources in one EC2 call (documented for DescribeInstances and CreateTags)."""

_MOST_REFUSALS: Final = 64
"""Refused calls spent on one batch. Halving goes breadth first, so 1,000 are searched down to
groups of about 30; the rest counts as refused, and is asked again when the engine repeats the
call, by then without those that went through."""

T = TypeVar("T")


def chunks(items: Sequence[T], size: int = LARGEST) -> Iterator[Sequence[T]]:
    """Cut into pieces of at most ``size``."""
    return (items[start : start + size] for start in range(0, len(items), size))


def plain_ids(records: Sequence[Record]) -> list[str]:
    """Return what EC2's calls take, each once."""
    return list(dict.fromkeys(plain_id(record.resource) for record in records))


def refusal_outcome(refusal: RefusedError) -> Outcome:
    """Return what a refusal means for a record that was alone in the call, or named by it."""
    if refusal.code in NOT_FOUND:
        return Outcome(OutcomeKind.GONE, str(refusal))
    kind = OutcomeKind.REJECTED if refusal.certain else OutcomeKind.UNKNOWN
    return Outcome(kind, str(refusal))


async def each_possible(
    records: Sequence[Record], send: Callable[[Sequence[Record]], Awaitable[Outcomes]]
) -> dict[str, Outcome]:
    """Send all records in as few calls as AWS allows; bad ones are answered for one by one.

    ``send`` makes one call and raises RefusedError. Raises what else ``send`` raises.
    """
    outcomes: dict[str, Outcome] = {}
    for chunk in chunks(records):
        outcomes |= await _isolated(chunk, send)
    return outcomes


async def _isolated(
    chunk: Sequence[Record], send: Callable[[Sequence[Record]], Awaitable[Outcomes]]
) -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = {}
    waiting = deque([chunk])
    refusals = 0
    while waiting:
        batch = waiting.popleft()
        try:
            outcomes |= await send(batch)
        except RefusedError as refusal:
            refusals += 1
            searching = refusals + len(waiting) < _MOST_REFUSALS
            blamed = [r for r in batch if plain_id(r.resource) in refusal.named]
            if searching and not blamed and len(batch) > 1:
                half = len(batch) // 2
                waiting += (batch[:half], batch[half:])
                continue
            if not searching or not blamed:
                blamed = list(batch)
            outcomes |= {record.id: refusal_outcome(refusal) for record in blamed}
            if rest := [record for record in batch if record.id not in outcomes]:
                waiting.append(rest)
    return outcomes


async def each_alone(
    records: Sequence[Record], act: Callable[[Record], Awaitable[Outcome]]
) -> dict[str, Outcome]:
    """Act on each record by calls of its own, side by side; one's failure is its own.

    Raises what is no ProviderError, once all have come back.
    """
    answers = await asyncio.gather(*map(act, records), return_exceptions=True)
    outcomes: dict[str, Outcome] = {}
    for record, answer in zip(records, answers, strict=True):
        if isinstance(answer, RefusedError):
            outcomes[record.id] = refusal_outcome(answer)
        elif isinstance(answer, ProviderError):
            outcomes[record.id] = Outcome(OutcomeKind.UNKNOWN, str(answer))
        elif isinstance(answer, BaseException):
            raise answer
        else:
            outcomes[record.id] = answer
    return outcomes


async def described(
    session: AwsSession,
    operation: str,
    parameter: str,
    ids: Sequence[str],
    *,
    size: int = LARGEST,
    whole: bool = False,
) -> list[dict[str, Any]]:
    """Describe EC2 resources by id and return the answers; ids that do not exist are left out.

    Raises ProviderError.
    """
    answers = []
    for chunk in chunks(list(dict.fromkeys(ids)), size):
        left: Sequence[str] = chunk
        while left:
            try:
                answer = await session.call("ec2", operation, whole=whole, **{parameter: left})
                answers.append(answer)
                break
            except RefusedError as refusal:
                remaining = [plain for plain in left if plain not in refusal.named]
                if refusal.code not in NOT_FOUND or len(remaining) == len(left):
                    raise
                left = remaining
    return answers
