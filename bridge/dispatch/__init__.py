"""What wakes a run. May touch the engine and the store's list of due runs.

Safety is the store's; a dispatcher only brings liveness.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from bridge.dispatch.durable import DurableDispatcher
from bridge.dispatch.timer import TimerDispatcher
from bridge.engine import Engine, Scheduler
from bridge.model.scope import Scope
from bridge.settings import Settings
from bridge.store import Store, is_server
from providers.aws.own_services import DurableFunction
from providers.contract import Caller


class Dispatcher(Protocol):
    """What those who ask something of a run need: to have it looked at soon."""

    def wake(self, experiment_id: str) -> None:
        """Have a run advanced now."""


class Dispatching(Dispatcher, Protocol):
    """A dispatcher as its process sees it: opened, put to work, let go."""

    async def open(self) -> None:
        """Make ready to pass wake-ups on."""

    def start(self, engine: Engine, scheduler: Scheduler | None = None) -> None:
        """Begin to advance what is due; without, wake-ups are only passed on."""

    async def drain(self, seconds: float) -> None:
        """Take nothing new, let calls in flight return, then let go."""


def dispatcher_for(settings: Settings, store: Store) -> Dispatching:
    """Return what suits the database: a queue where it is shared by many processes.

    Where a function looks after runs, whoever asks something of them starts that function.
    """
    if settings.loop_function:
        return durable_dispatcher(settings, store)
    if not is_server(settings.database):
        return TimerDispatcher()
    from bridge.dispatch.queue import QueueDispatcher  # noqa: PLC0415 - an extra's libraries

    return QueueDispatcher(settings.database, lease=settings.lease)


def durable_dispatcher(settings: Settings, store: Store) -> DurableDispatcher:
    """Return the dispatcher that starts executions of the settings' function."""
    scope = Scope(cloud="aws", account=settings.account, region=settings.region)
    function = DurableFunction(
        settings.loop_function, Caller(scope, None, "dispatcher", settings.installation)
    )

    async def begin(name: str, payload: dict[str, object]) -> None:
        await asyncio.to_thread(function.start, name, payload)

    return DurableDispatcher(store, begin)


__all__ = [
    "Dispatcher",
    "Dispatching",
    "DurableDispatcher",
    "TimerDispatcher",
    "dispatcher_for",
    "durable_dispatcher",
]
