"""The dispatcher of many processes on one PostgreSQL: wake-ups go through Procrastinate.

Whoever asks something of a run defers a job, and NOTIFY brings it to one of the workers within
milliseconds; a worker that is at the run already hears of it on a channel of its own. Times that
come by themselves (a duration that ends, the next look, a dead worker's lease) need no job: each
worker sweeps the runs that are due and that nobody holds, by the index that the store has for it.
A job in the queue for each of ten thousand waiting runs would be looked at on every fetch.

Jobs are only hints. Losing one costs at most a sweep, and one too many finds nothing to claim.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import procrastinate
import psycopg
from procrastinate.exceptions import AlreadyEnqueued, ProcrastinateException
from procrastinate.jobs import Status
from psycopg_pool import PoolTimeout

from bridge.dispatch.queue_schema import prepare_schema
from bridge.dispatch.timer import AT_ONCE, TimerDispatcher
from bridge.store import database_url

if TYPE_CHECKING:
    from bridge.engine import Engine, Scheduler

logger = logging.getLogger(__name__)

_QUEUE: Final = "faultbridge"
_NEWS: Final = "faultbridge_news"
"""The channel on which every worker hears of requests to runs."""
_AGAIN: Final = 1.0
"""Seconds before a worker that lost its database tries again."""
_DATABASE_ERRORS: Final = (ProcrastinateException, psycopg.Error, PoolTimeout, OSError)


class QueueDispatcher:
    """Passes wake-ups to any worker on the database; advances runs itself once started."""

    def __init__(self, url: str, *, lease: timedelta) -> None:
        """Use the database of ``url``; a worker silent for a ``lease`` counts as dead."""
        # Its own words at ERROR carry tracebacks; what matters is said here.
        logging.getLogger("procrastinate").setLevel(logging.CRITICAL)
        logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
        self._url = url
        self._lease = lease.total_seconds()
        libpq = database_url(url).set(drivername="postgresql")
        self._app = procrastinate.App(
            connector=procrastinate.PsycopgConnector(
                conninfo=libpq.render_as_string(hide_password=False),
                kwargs={"connect_timeout": 5, "application_name": "faultbridge-queue"},
                min_size=1,
                max_size=4,
                timeout=10,
                reconnect_timeout=10,
            )
        )
        self._task = self._app.task(name="advance", queue=_QUEUE)(self._advance)
        self._timer = TimerDispatcher(shared=True)
        self._engine: Engine | None = None
        self._loops: list[asyncio.Task[None]] = []
        self._passing: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Bring the queue's tables into being and connect."""
        await asyncio.to_thread(prepare_schema, self._url)
        await self._app.open_async()

    def start(self, engine: Engine, scheduler: Scheduler | None = None) -> None:
        """Begin to work: on jobs, on what is due, and on what is heard."""
        self._engine = engine
        self._timer.start(engine, scheduler)
        self._loops = [
            asyncio.create_task(self._supervised(loop, name))
            for loop, name in (
                (self._work, "the queue's worker"),
                (self._listen, "the listener for news"),
                (self._clear, "the removal of dead workers' jobs"),
            )
        ]

    def wake(self, experiment_id: str) -> None:
        """Have a run advanced now: here if there is room, else by whoever has some."""
        if not self._timer.take(experiment_id):
            self._pass_on(self._defer(experiment_id))
        elif not self._timer.holds(experiment_id):
            # Taken, but it may be another worker's at the moment: that one should hear of it.
            self._pass_on(self._tell(experiment_id))

    async def drain(self, seconds: float) -> None:
        """Take no more jobs, let calls in flight return, then disconnect."""
        self._engine = None
        for loop in self._loops:
            loop.cancel()
        await self._timer.drain(seconds)
        await asyncio.gather(*self._loops, return_exceptions=True)
        await asyncio.gather(*self._passing, return_exceptions=True)
        with suppress(*_DATABASE_ERRORS):
            await self._app.close_async()

    # --- passing on ------------------------------------------------------------------------

    def _pass_on(self, saying: Any) -> None:
        task = asyncio.create_task(saying)
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)

    async def _defer(self, experiment_id: str) -> None:
        try:
            await self._tell(experiment_id)
            await self._task.configure(queueing_lock=experiment_id).defer_async(
                experiment_id=experiment_id
            )
        except AlreadyEnqueued:
            return  # whoever takes that job reads all that has been asked
        except _DATABASE_ERRORS as error:
            # The request is in the store, which has made the run due: a sweep finds it.
            logger.warning("a wake-up could not be passed on: %s", type(error).__name__)

    async def _tell(self, experiment_id: str) -> None:
        try:
            await self._app.connector.execute_query_async(
                "SELECT pg_notify(%(channel)s, %(payload)s)",
                channel=_NEWS,
                payload=experiment_id,
            )
        except _DATABASE_ERRORS as error:
            logger.warning("news could not be passed on: %s", type(error).__name__)

    # --- working ---------------------------------------------------------------------------

    async def _supervised(self, loop: Any, name: str) -> None:
        """Keep a loop going through the absence of the database."""
        while True:
            try:
                await loop()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it was, work goes on
                logger.warning("%s begins again: %s", name, type(error).__name__)
            await asyncio.sleep(_AGAIN)

    async def _work(self) -> None:
        await self._app.run_worker_async(
            queues=[_QUEUE],
            concurrency=AT_ONCE,
            delete_jobs="always",
            install_signal_handlers=False,
            # Jobs come by NOTIFY; the poll is for those whose notification was lost.
            fetch_job_polling_interval=1.0,
            abort_job_polling_interval=60.0,
            update_heartbeat_interval=self._lease / 3,
            stalled_worker_timeout=self._lease,
            shutdown_graceful_timeout=0,
        )

    async def _advance(self, experiment_id: str) -> None:
        """Advance a run as a job: done when the run has been let go."""
        await self._timer.advance(experiment_id)

    async def _listen(self) -> None:
        async def heard(*, channel: str, payload: str) -> None:  # noqa: ARG001 - its signature
            if self._engine is not None:
                self._engine.poke(payload)

        await self._app.connector.listen_notify(on_notification=heard, channels=[_NEWS])

    async def _clear(self) -> None:
        """Remove the jobs that a dead worker held: its runs are found by their leases."""
        while True:
            await self._app.job_manager.prune_stalled_workers(self._lease)
            stalled = await self._app.job_manager.get_stalled_jobs(
                seconds_since_heartbeat=self._lease
            )
            for job in stalled:
                await self._app.job_manager.finish_job(job, Status.ABORTED, delete_job=True)
            await asyncio.sleep(self._lease)
