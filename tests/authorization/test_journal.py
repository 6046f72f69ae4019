"""A run's journal names who started it, stopped it and gave up a record of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from bridge.api.app import create_app
from bridge.api.process import Process
from bridge.cli.timeline import sentence
from bridge.client.documents import JournalEvent
from bridge.model.moment import Micros
from bridge.settings import Settings
from iam.policy import Attachment, StoredPolicy
from tests.authorization.conftest import ALICE, BOB, headers
from tests.cli.doubles import PATH, World, document
from tests.native_api.conftest import new_process, settings

__all__ = ["settings"]

ADMINISTRATOR = "FaultbridgeAdministrator"


@pytest.fixture
async def http(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    """A working bridge on which everybody may do everything."""
    monkeypatch.setenv(PATH, str(tmp_path / "world.json"))
    world = World(tmp_path / "world.json").create(["one"])
    every = StoredPolicy(ADMINISTRATOR, "", None, Attachment(("*",)), Micros(0), Micros(0))
    async with new_process(settings) as process:
        bridge = replace(process.bridge, policies={ADMINISTRATOR: every})
        transport = httpx.ASGITransport(create_app(bridge, authentication=headers()))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            yield client
        world.set(stubborn=False)
        await process.stop_all("the test is over")
        await process.settled()


async def _journal(http: httpx.AsyncClient, run: str, until: str) -> list[JournalEvent]:
    for _ in range(200):
        answer = await http.get(
            f"/v1/experiments/{run}/events?limit=1000", headers={"x-test-principal": ALICE}
        )
        events = [JournalEvent.model_validate(one) for one in answer.json()["events"]]
        if any(one.type.value == until for one in events):
            return events
        await asyncio.sleep(0.05)
    raise AssertionError(until)


async def test_it_names_who_started_and_who_stopped_a_run(http: httpx.AsyncClient) -> None:
    started = await http.post(
        "/v1/experiments", json={"template": document()}, headers={"x-test-principal": ALICE}
    )
    assert started.status_code == 201, started.text
    run = started.json()["id"]
    await _journal(http, run, "action-start")
    await http.post(
        f"/v1/experiments/{run}/stop",
        json={"reason": "enough"},
        headers={"x-test-principal": BOB},
    )
    found = {one.type.value: one for one in await _journal(http, run, "experiment-end")}
    start, stop = found["experiment-start"], found["stop-requested"]
    assert start.details["principal"] == ALICE
    assert start.details["request_id"] == started.headers["x-amzn-requestid"]
    assert stop.details["principal"] == BOB
    assert sentence(start) == f"experiment starts by {ALICE}"
    assert f"(user by {BOB}): enough" in str(sentence(stop))


async def test_it_names_who_moved_the_lever(http: httpx.AsyncClient) -> None:
    started = await http.post(
        "/v1/experiments", json={"template": document()}, headers={"x-test-principal": ALICE}
    )
    run = started.json()["id"]
    await _journal(http, run, "action-start")
    await http.put(
        "/v1/lever",
        json={"status": "engaged", "reason": "a drill"},
        headers={"x-test-principal": BOB},
    )
    found = {one.type.value: one for one in await _journal(http, run, "experiment-end")}
    assert found["stop-requested"].details["principal"] == BOB


async def test_it_names_who_gave_a_record_up(http: httpx.AsyncClient, tmp_path: Path) -> None:
    started = await http.post(
        "/v1/experiments", json={"template": document()}, headers={"x-test-principal": ALICE}
    )
    run = started.json()["id"]
    await _journal(http, run, "action-start")
    World(tmp_path / "world.json").set(stubborn=True)
    await http.post(f"/v1/experiments/{run}/stop", json={}, headers={"x-test-principal": BOB})
    await _journal(http, run, "revert-retry")
    shown = await http.get(f"/v1/experiments/{run}", headers={"x-test-principal": BOB})
    (record,) = shown.json()["records"]
    released = await http.post(
        f"/v1/experiments/{run}/records/{record['id']}/release",
        json={"reason": "by hand"},
        headers={"x-test-principal": BOB},
    )
    assert released.status_code == 202, released.text
    found = {one.type.value: one for one in await _journal(http, run, "released")}
    assert found["released"].details["principal"] == BOB


async def test_a_bridge_warns_where_nobody_may_do_anything(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    asking = settings.model_copy(update={"master_key": (SecretStr("1=" + "0" * 40),)})
    with caplog.at_level(logging.WARNING):
        async with Process(settings, works=False):
            assert caplog.messages == []
        async with Process(asking, works=False) as process:
            assert "nobody may do anything: name a policy file" in caplog.messages[0]
            attached = StoredPolicy(
                ADMINISTRATOR, "", None, Attachment(("*",)), Micros(0), Micros(0)
            )
            bridge = process.bridge
            await bridge.store.change_policy(bridge.scope, ADMINISTRATOR, lambda _: attached)
        caplog.clear()
        async with Process(asking, works=False):
            assert caplog.messages == []
