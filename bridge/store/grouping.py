"""Commits together what waits together, on a database with one writer.

A commit waits for the disk: on SQLite some milliseconds in which nobody else can write. While many
runs start, or are stopped, many transactions wait for their turn. Those that wait are carried out
one after another in one transaction, each in a savepoint of its own: one that fails takes nothing
of the others with it. Nobody is answered before the commit has reached the disk, so that to whoever
asks nothing is different: each sees what those before it wrote, and what is answered stays.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

_TOGETHER: Final = 32
"""Most transactions in one: the first of them waits for the last."""


@dataclass
class _Work:
    """Something to do in a transaction, and who waits for it."""

    do: Callable[[], Any]
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


class GroupedThread:
    """The one thread that works on a database; what waits for it is committed together."""

    def __init__(self, engine: sa.Engine) -> None:
        """Start nothing yet."""
        self._engine = engine
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="faultbridge-store")
        self._waiting: deque[_Work] = deque()
        self._together: sa.Connection | None = None
        """The connection of the transaction that is shared now."""
        self._grouping = False
        self._thread = 0

    async def run(self, do: Callable[[], Any]) -> Any:
        """Do something in the thread, and return what it returns; raises what it raises.

        A cancelled caller must not leave a commit half-observed: the transaction always ends.
        """
        loop = asyncio.get_running_loop()
        work = _Work(do, loop, loop.create_future())
        self._waiting.append(work)
        self._executor.submit(self._do_waiting)
        return await asyncio.shield(work.answer)

    def shutdown(self) -> None:
        """Finish what waits, and end the thread."""
        self._executor.shutdown(wait=True)

    @contextmanager
    def writing(self) -> Iterator[sa.Connection | None]:
        """Yield the shared transaction's connection, within a savepoint; None where none is due."""
        if not self._grouping or threading.get_ident() != self._thread:
            yield None
            return
        if self._together is None:
            connection = self._engine.connect()
            try:
                connection.begin()
            except BaseException:
                connection.close()
                raise
            self._together = connection
        with self._together.begin_nested():
            yield self._together

    @property
    def reading(self) -> sa.Connection | None:
        """The shared transaction's connection, to read what was just written; None without."""
        return self._together if threading.get_ident() == self._thread else None

    # --- the thread ----------------------------------------------------------------------------

    def _do_waiting(self) -> None:
        self._thread = threading.get_ident()
        works = [self._waiting.popleft() for _ in range(min(_TOGETHER, len(self._waiting)))]
        # One alone is a transaction as ever.
        self._grouping = len(works) > 1
        unanswered: list[_Work] = []
        for work in works:
            try:
                work.result = work.do()
            except BaseException as error:  # noqa: BLE001 - whatever it is, the asker is told
                work.error = error
            unanswered.append(work)
            if self._lost():
                # SQLite has rolled back all of it (a full disk): nobody was answered yet.
                self._end(unanswered, work.error or RuntimeError("the transaction was lost"))
            elif self._together is None:
                _answer(unanswered)
        self._end(unanswered)
        self._grouping = False

    def _lost(self) -> bool:
        if self._together is None:
            return False
        if self._together.invalidated:
            return True
        return not getattr(self._together.connection.dbapi_connection, "in_transaction", True)

    def _end(self, works: list[_Work], error: BaseException | None = None) -> None:
        """Commit what was shared, or give it up for ``error``, and answer."""
        connection, self._together = self._together, None
        if connection is not None:
            try:
                if error is None:
                    connection.commit()
            except BaseException as failure:  # noqa: BLE001 - as above
                error = failure
            if error is not None:
                # Whatever the driver believes of it, nothing of it is used again.
                connection.invalidate()
            connection.close()
        if error is not None:
            for work in works:
                work.result, work.error = None, work.error or error
        _answer(works)


def _answer(works: list[_Work]) -> None:
    """Wake each loop once, for all that it waits for."""
    answered = list(works)
    works.clear()
    for loop in {work.loop for work in answered}:
        # A loop that is closed waits for nothing.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_deliver, [work for work in answered if work.loop is loop])


def _deliver(works: list[_Work]) -> None:
    for work in works:
        if work.answer.done():
            continue
        if work.error is None:
            work.answer.set_result(work.result)
        else:
            work.answer.set_exception(work.error)
