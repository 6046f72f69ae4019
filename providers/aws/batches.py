"""Many resources in one call, and none of them blocked by a bad one.

EC2 carries out a call on many resources entirely or not at all, and says which resource it
minded. So the named ones are taken out and the rest is asked again; where none is named, the
batch is halved.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from bridge.model.record import Record
from providers.aws.arns import plain_id
from providers.aws.session import AwsSession
from providers.batches import chunks
from providers.contract import Outcome, Outcomes
from providers.refusals import RefusedError, refusal_outcome

LARGEST: Final = 1000
"""Resources in one EC2 call (documented for DescribeInstances and CreateTags)."""

_MOST_REFUSALS: Final = 64
"""Refused calls spent on one batch. Halving goes breadth first, so 1,000 are searched down to
groups of about 30; the rest counts as refused, and is asked again when the engine repeats the
call, by then without those that went through."""


def plain_ids(records: Sequence[Record]) -> list[str]:
    """Return what EC2's calls take, each once."""
    return list(dict.fromkeys(plain_id(record.resource) for record in records))


async def each_possible(
    records: Sequence[Record], send: Callable[[Sequence[Record]], Awaitable[Outcomes]]
) -> dict[str, Outcome]:
    """Send all records in as few calls as AWS allows; bad ones are answered for one by one.

    ``send`` makes one call and raises RefusedError. Raises what else ``send`` raises.
    """
    outcomes: dict[str, Outcome] = {}
    for chunk in chunks(records, LARGEST):
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
                if not refusal.gone or len(remaining) == len(left):
                    raise
                left = remaining
    return answers
