"""One process answers, others work; what passes between them, and what if it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from bridge.api.app import create_app
from bridge.api.process import Process, StartError
from bridge.client import AsyncClient, StartRequest
from bridge.dispatch import TimerDispatcher, queue_schema, timer
from bridge.dispatch.queue import QueueDispatcher
from bridge.engine import turn
from bridge.model.record import Record
from providers.contract import Outcomes
from tests.cli.doubles import Break, document
from tests.native_api.conftest import DoubleProviders, double_catalog
from tests.postgresql.conftest import House
from tests.postgresql.server import Server

NEVER = 3600.0


async def _until(client: AsyncClient, experiment: str, *phases: str) -> None:
    async with asyncio.timeout(30):
        while True:
            found = await client.experiment(experiment)
            if tuple(sorted({record.phase for record in found.records})) == phases:
                return
            await asyncio.sleep(0.02)


async def _settled(process: Process) -> None:
    async with asyncio.timeout(30):
        await process.settled()


async def _no_jobs(house: House) -> None:
    async with asyncio.timeout(30):
        while True:
            if not house.sql("SELECT status FROM procrastinate_jobs"):
                return
            await asyncio.sleep(0.05)


async def test_a_wake_up_is_brought_to_a_worker_without_any_sweep(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timer, "_SHARED_SWEEP", NEVER)
    answers = await house.process(works=False)
    await house.process(works=True)
    client = await house.client(answers)
    started = await client.start(StartRequest(template=document()))
    await _until(client, started.id, "injected")
    await client.stop(started.id)
    await _settled(answers)
    assert house.world.states == ["whole", "whole"]


async def test_a_sweep_finds_what_no_wake_up_told_of(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(self: Any, experiment_id: str) -> None:
        return None

    monkeypatch.setattr(QueueDispatcher, "_defer", lost)
    answers = await house.process(works=False)
    await house.process(works=True)
    client = await house.client(answers)
    started = await client.start(StartRequest(template=document(seconds=1)))
    await _settled(answers)
    assert (await client.experiment(started.id)).status == "completed"


async def test_a_worker_in_the_middle_of_a_call_hears_of_a_stop(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job of the wake-up may be another worker's, which can do nothing about the run."""
    monkeypatch.setattr(turn, "_INBOX_EVERY", NEVER)
    monkeypatch.setattr(timer, "_SHARED_SWEEP", NEVER)
    gate, reached = asyncio.Event(), asyncio.Event()
    inject = Break.inject

    async def slow(self: Any, session: Any, parameters: Any, records: Sequence[Record]) -> Outcomes:
        reached.set()
        await gate.wait()
        return await inject(self, session, parameters, records)

    monkeypatch.setattr(Break, "inject", slow)
    answers = await house.process(works=False)
    await house.process(works=True)
    client = await house.client(answers)
    started = await client.start(StartRequest(template=document()))
    await asyncio.wait_for(reached.wait(), 30)

    async def not_mine(self: Any, experiment_id: str) -> None:
        return None

    monkeypatch.setattr(TimerDispatcher, "advance", not_mine)
    await client.stop(started.id)
    async with asyncio.timeout(30):  # the call is still in flight
        while True:
            if (await client.experiment(started.id)).status == "stopping":
                break
            await asyncio.sleep(0.02)
    gate.set()
    await _settled(answers)
    assert house.world.states == ["whole", "whole"]


async def test_many_runs_are_shared_and_finished_jobs_are_deleted(house: House) -> None:
    answers = await house.process(works=False)
    workers = [await house.process(works=True) for _ in range(2)]
    client = await house.client(answers)
    runs = [await client.start(StartRequest(template=document())) for _ in range(12)]
    for run in runs:
        await client.stop(run.id)
    await _settled(answers)
    assert house.world.states == ["whole", "whole"]
    await _no_jobs(house)
    assert len(workers) == len(house.sql("SELECT id FROM procrastinate_workers"))


async def test_the_jobs_of_a_dead_worker_are_removed(house: House) -> None:
    answers = await house.process(works=False)
    house.sql(
        "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour')"
    )
    house.sql(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, status, worker_id) "
        "SELECT 'faultbridge', 'advance', 'doing', max(id) FROM procrastinate_workers"
    )
    await house.process(works=True)
    await _no_jobs(house)
    await answers.drain()


async def test_work_goes_on_after_the_database_was_restarted(
    house: House, postgresql: Server
) -> None:
    answers = await house.process(works=False)
    worker = await house.process(works=True)
    client = await house.client(answers)
    started = await client.start(StartRequest(template=document(seconds=2)))
    await _until(client, started.id, "injected")
    await asyncio.to_thread(postgresql.restart)
    await _settled(answers)
    # Now only the queue, connected again, can tell of a run.
    assert isinstance(worker._dispatcher, QueueDispatcher)
    worker._dispatcher._timer._sweep = NEVER
    again = await client.start(StartRequest(template=document(seconds=1)))
    await _settled(answers)
    for run in (started, again):
        assert (await client.experiment(run.id)).status == "completed"
    assert house.world.states == ["whole", "whole"]


async def test_the_queues_tables_of_an_older_version_are_refused_by_name(house: House) -> None:
    first = await house.process(works=False)
    await first.drain()
    house.sql("UPDATE meta SET value = '00.01' WHERE name = 'queue-schema'")
    with pytest.raises(queue_schema.QueueSchemaError, match="apply its migrations"):
        await asyncio.to_thread(queue_schema.prepare_schema, house.settings.database)
    made = Process(house.settings, providers=DoubleProviders, catalog=double_catalog)
    with pytest.raises(StartError, match="FAULTBRIDGE_DATABASE"):
        await made.__aenter__()


async def test_processes_that_begin_together_make_the_tables_once(house: House) -> None:
    await asyncio.gather(*(house.process(works=bool(number % 2)) for number in range(4)))
    assert house.sql("SELECT count(*) FROM meta WHERE name = 'queue-schema'") == [(1,)]


async def test_a_request_while_the_database_is_away_may_be_repeated(
    house: House, postgresql: Server
) -> None:
    answers = await house.process(works=False)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=create_app(answers.bridge)), base_url="http://127.0.0.1"
    ) as http:
        assert (await http.get("/experiments")).status_code == 200
        await asyncio.to_thread(postgresql.stop)
        try:
            refused = await http.get("/experiments")
            ready = await http.get("/readyz")
        finally:
            await asyncio.to_thread(postgresql.start)
        assert refused.status_code == ready.status_code == 503
        assert refused.headers["x-amzn-errortype"] == "ServiceUnavailableException"
        assert "database cannot be reached" in refused.json()["message"]
        assert (await http.get("/experiments")).status_code == 200
