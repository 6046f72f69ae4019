"""Following a run to its end, whichever bridge it runs in."""

from __future__ import annotations

import asyncio
from typing import Final

from bridge.cli.live import View
from bridge.client import AsyncClient, UnreachableError
from bridge.client.documents import EventPage, ExperimentDetail, JournalEvent

_WAIT: Final = 1.0
"""Seconds that one request for events waits; what changes without one shows after it."""
_LOST: Final = 60.0
"""Seconds that a bridge may be away (it is being restarted) before following it is given up."""
_TRY_EVERY: Final = 0.5


async def follow(client: AsyncClient, experiment_id: str, view: View | None) -> ExperimentDetail:
    """Return the run once it has ended, showing it meanwhile.

    Raises UnreachableError when the bridge has been away for a minute, and whatever else the
    client raises.
    """
    after = 0
    lost_at: float | None = None
    loop = asyncio.get_running_loop()
    # A mistaken address or id is told at once; only a bridge that was there may come back.
    experiment = await client.experiment(experiment_id)
    while True:
        try:
            page = await client.events(experiment_id, after=after, wait=_WAIT)
            events = [*page.events, *await _rest(client, experiment_id, page)]
            experiment = await client.experiment(experiment_id)
        except UnreachableError:
            lost_at = lost_at or loop.time()
            if loop.time() - lost_at > _LOST:
                raise
            await asyncio.sleep(_TRY_EVERY)
            continue
        lost_at = None
        after = events[-1].sequence if events else after
        if view is not None:
            view.update(experiment, events)
        if page.ended and not events:
            return experiment


async def _rest(client: AsyncClient, experiment_id: str, page: EventPage) -> list[JournalEvent]:
    """Return what followed a page that was full."""
    found: list[JournalEvent] = []
    while page.events:
        page = await client.events(experiment_id, after=page.next)
        found += page.events
    return found
