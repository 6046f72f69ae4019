"""Schedulers that are killed: ``python -m … URL``, then a statement's number on each line.

Each is a process of its own, forked from one that has everything loaded already; the answer is how
it ended.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

import sqlalchemy as sa

from bridge.engine import Scheduler
from bridge.store import Store
from tests.native_api.conftest import double_catalog
from tests.schedules.conftest import SETTINGS


async def start_due(url: str, last: int) -> None:
    """Start what is due, and die after a statement or before a commit."""
    store = Store.open(url)
    passed = 0

    def count(*_: Any) -> None:
        nonlocal passed
        passed += 1
        if passed == last:
            os.kill(os.getpid(), signal.SIGKILL)

    sa.event.listen(store._engine, "after_cursor_execute", count)
    sa.event.listen(store._engine, "commit", count)
    await Scheduler(store, double_catalog(SETTINGS), SETTINGS).start_due()
    await store.close()


def main(url: str) -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            asyncio.run(start_due(url, int(line)))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
