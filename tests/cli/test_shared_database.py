"""Commands as processes on a PostgreSQL that others use too."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from bridge.client import Client, StartRequest
from bridge.engine import new_experiment
from bridge.model.moment import SECOND, Micros
from bridge.store import Change, Store
from tests.cli.conftest import Running
from tests.cli.doubles import World, document
from tests.store.conftest import template

Start = Callable[..., Running]
LONG = 3600 * SECOND


@pytest.fixture
def shared(postgresql_url: str, world: World, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let every command use one database, named as most people name it."""
    url = postgresql_url.replace("postgresql+psycopg://", "postgresql://")
    monkeypatch.setenv("FAULTBRIDGE_DATABASE", url)
    return url


async def _somebody_elses_run(url: str) -> str:
    store = Store.open(url)
    run = await store.start_experiment(new_experiment(template(), now=store.now()))
    claimed = await store.claim(run.id, owner="somebody", lease=Micros(SECOND))
    assert claimed is not None
    await store.commit(claimed.claim, Change(release_until=Micros(store.now() + LONG)))
    await store.close()
    return run.id


async def _asked_of(url: str, run: str) -> int:
    store = Store.open(url)
    try:
        return len(await store.read_inbox(run))
    finally:
        await store.close()


def test_a_run_that_is_told_to_end_leaves_other_peoples_runs_alone(
    start: Start, world: World, shared: str, tmp_path: Path
) -> None:
    others = asyncio.run(_somebody_elses_run(shared))
    path = tmp_path / "break.json"
    path.write_text(json.dumps(document(seconds=300)))
    run = start("run", str(path))
    run.until("injected")
    run.signal(signal.SIGINT)
    code, errors = run.end()
    assert code == 3, errors
    assert world.states == ["whole", "whole"]
    assert asyncio.run(_asked_of(shared, others)) == 0


def test_one_process_answers_another_works(start: Start, world: World, shared: str) -> None:
    answers = start("serve", "--api-only", "--port", "0")
    url = answers.until(" ready on ").split(" ready on ")[1].split()[0]
    worker = start("worker", "--probe-port", "0")
    line = worker.until("worker ready")
    assert "FAULTBRIDGE_DATABASE" in line
    probes = line.split("probes on ")[1].strip()
    answered = [
        httpx.get(probes + path).status_code for path in ("/healthz", "/readyz", "/v1/runs")
    ]
    assert answered == [200, 200, 404]
    with Client(url) as client:
        started = client.start(StartRequest(template=document(seconds=1)))
        after, ended = 0, False
        while not ended:
            page = client.events(started.id, after=after, wait=5)
            after, ended = page.next, page.ended
        assert client.experiment(started.id).status == "completed"
    assert world.states == ["whole", "whole"]
    for process in (worker, answers):
        process.signal(signal.SIGTERM)
        code, errors = process.end()
        assert (code, "draining" in errors) == (0, True)
        assert "Traceback" not in errors


@pytest.mark.parametrize("arguments", [("worker",), ("serve", "--api-only")])
@pytest.mark.parametrize("database", ["", "sqlite:///x.sqlite3", "no url"])
def test_sharing_wants_a_database_that_can_be_shared(
    command: Callable[..., tuple[int, str, str]],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    database: str,
) -> None:
    monkeypatch.setenv("FAULTBRIDGE_DATABASE", database)
    code, _, errors = command(*arguments)
    assert code == 2
    assert "FAULTBRIDGE_DATABASE is no PostgreSQL database" in errors


def test_a_server_that_does_not_answer_is_named_without_its_password(
    command: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAULTBRIDGE_DATABASE", "postgresql://me:secret@127.0.0.1:1/none")
    code, _, errors = command("worker")
    assert code == 2
    assert "FAULTBRIDGE_DATABASE cannot be opened" in errors
    assert "secret" not in errors
