"""Holding a run: the lease is renewed by a task of its own while calls are in flight."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from bridge.model.failure import whereabouts
from bridge.model.moment import SECOND, Micros
from bridge.store import LeaseLostError
from providers.contract import Guard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bridge.store import Claim, Store

logger = logging.getLogger(__name__)


def guard_for(lease: Micros) -> Guard:
    """Return the guard of a lease that begins now; taken before the store is asked."""
    return Guard(deadline=Guard.clock() + lease / SECOND)


async def _renew(store: Store, claim: Claim, guard: Guard, lease: Micros) -> None:
    while True:
        await asyncio.sleep(lease / SECOND / 3)
        # The new deadline counts from before the renewal, so it is never later than the store's.
        asked_at = Guard.clock()
        try:
            await store.renew(claim, lease)
        except LeaseLostError:
            guard.deadline = 0.0
            return
        except Exception as error:  # noqa: BLE001 - whatever a driver raises; it is tried again
            # The guard's deadline stands; the next third of the lease tries again.
            logger.error(
                "the lease of %s could not be renewed: %s", claim.experiment, whereabouts(error)
            )
            continue
        guard.deadline = asked_at + lease / SECOND


@asynccontextmanager
async def held(store: Store, claim: Claim, guard: Guard, lease: Micros) -> AsyncIterator[None]:
    """Renew the lease at a third of its length for as long as the block runs."""
    renewal = asyncio.create_task(_renew(store, claim, guard, lease))
    try:
        yield
    finally:
        renewal.cancel()
        with suppress(asyncio.CancelledError):
            await renewal
