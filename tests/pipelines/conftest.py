"""Commands over doubles, and a bridge over them that answers at an address."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from bridge.cli.connection import load_settings
from bridge.cli.listening import bridge_on
from tests.cli.conftest import command, start, world
from tests.cli.doubles import World

__all__ = ["command", "start", "world"]


@pytest.fixture
def bridge(world: World) -> Iterator[str]:
    """A bridge over the same doubles, in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    manager = bridge_on(load_settings(), "127.0.0.1", 0)
    yield asyncio.run_coroutine_threadsafe(manager.__aenter__(), loop).result(30)
    closing = manager.__aexit__(None, None, None)
    asyncio.run_coroutine_threadsafe(closing, loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
