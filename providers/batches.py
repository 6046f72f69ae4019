"""Many records at once, none of them held up by a bad one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeVar

from bridge.model.record import Record
from providers.contract import Outcome, OutcomeKind, ProviderError
from providers.refusals import RefusedError, refusal_outcome

T = TypeVar("T")


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Cut into pieces of at most ``size``."""
    return (items[start : start + size] for start in range(0, len(items), size))


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
