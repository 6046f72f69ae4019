"""What a container of a function keeps from one invocation to the next: one bridge, one loop.

Lambda freezes a container between two invocations, so nothing runs then: the event loop stands
still, and what has to leave leaves before the answer.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import Final, TypeVar

from bridge.api.process import Process
from bridge.dispatch import DurableDispatcher, durable_dispatcher
from bridge.settings import Settings
from bridge.store import Store
from bridge.triggers.service.configured import configured

T = TypeVar("T")

logger: Final = logging.getLogger("faultbridge")


class Container:
    """A bridge that is put together at the first invocation."""

    def __init__(self, *, works: bool) -> None:
        """Put nothing together yet; one that does not work only answers requests."""
        self._works = works
        self._process: Process | None = None
        self._dispatcher: DurableDispatcher | None = None
        self._one_at_a_time = threading.Lock()

    @cached_property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop that everything here is bound to, whichever thread runs it."""
        return asyncio.new_event_loop()

    @property
    def dispatcher(self) -> DurableDispatcher:
        """What wakes runs; there is one once the process has been entered."""
        if self._dispatcher is None:
            msg = "the container has no process yet"
            raise RuntimeError(msg)
        return self._dispatcher

    async def process(self) -> Process:
        """Return the bridge, put together now if this is the first use. Raises StartError."""
        if self._process is None:
            process = Process(
                await asyncio.to_thread(configured),
                dispatcher=self._durable,
                works=self._works,
            )
            await process.__aenter__()
            self._process = process
        return self._process

    def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do something on the event loop, from whichever thread Lambda's SDK uses."""

        async def done() -> T:
            return await work()

        with self._one_at_a_time:
            return self.loop.run_until_complete(done())

    def close(self) -> None:
        """Let the bridge go, for tests: Lambda never says that a container ends."""
        if self._process is not None:
            self.loop.run_until_complete(self._process.__aexit__(None, None, None))
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()

    def _durable(self, settings: Settings, store: Store) -> DurableDispatcher:
        self._dispatcher = durable_dispatcher(settings, store)
        return self._dispatcher
