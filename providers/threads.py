"""Threads for the blocking SDKs: a bounded pool for each account of a cloud.

Each account has threads of its own, so that one that hangs cannot starve another's undo.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TypeVar

T = TypeVar("T")


class Threads:
    """The pools of one provider; its methods may be called from any thread."""

    def __init__(self, cloud: str, size: int) -> None:
        """Start nothing yet; ``size`` is the number of threads per account."""
        self._cloud = cloud
        self._size = size
        self._lock = Lock()
        self._pools: dict[str, ThreadPoolExecutor] = {}

    async def run(self, account: str, work: Callable[[], T]) -> T:
        """Do blocking work in a thread of the account's; raises what it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._pool(account), work)

    def submit(self, account: str, work: Callable[[], object]) -> None:
        """Do it in the background; what comes of it is not looked at."""
        self._pool(account).submit(work)

    async def close(self) -> None:
        """Wait for the work under way and drop what has not begun."""
        with self._lock:
            pools, self._pools = list(self._pools.values()), {}
        for pool in pools:
            await asyncio.to_thread(pool.shutdown, cancel_futures=True)

    def _pool(self, account: str) -> ThreadPoolExecutor:
        with self._lock:
            if account not in self._pools:
                self._pools[account] = ThreadPoolExecutor(self._size, f"{self._cloud}-{account}")
            return self._pools[account]
