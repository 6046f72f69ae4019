"""What a provider learns of a resource goes into the journal once, and its notes are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from bridge.model.event import EventType
from bridge.model.record import Record
from providers.contract import Effect, News, Observation, Observations
from tests.engine.world import Bench, Flicker, action


@pytest.fixture
def telling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each look tell a number one higher than the record's notes say, up to three."""
    honest = Flicker.observe

    async def observe(self: Flicker, session: Any, records: Sequence[Record]) -> Observations:
        seen = await honest(self, session, records)
        told: dict[str, Observation] = {}
        for record in records:
            look = seen[record.id]
            number = record.state.get("told", 0) + 1
            news = (News(EventType.RESOURCE_EVENT, {"reason": str(number), "message": "m"}),)
            told[record.id] = (
                Observation(look.effect, look.reason, news, {"told": number})
                if number <= 3
                else look
            )
        return told

    monkeypatch.setattr(Flicker, "observe", observe)


@pytest.mark.usefixtures("telling")
async def test_each_is_told_once_and_remembered_in_the_same_commit(bench: Bench) -> None:
    run = await bench.start({"flicker": action("flicker")})
    await bench.drive()
    told = [e for e in await bench.store.journal(run) if e.type is EventType.RESOURCE_EVENT]
    assert [e.details["reason"] for e in told if e.details["resource"] == "a"] == ["1", "2", "3"]
    assert {e.details["action"] for e in told} == {"flicker"}
    assert {record.state["told"] for record in await bench.store.records(run)} == {3}


async def test_what_was_incomplete_about_an_end_stands_in_the_action_s_reason(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = Flicker.observe

    async def observe(self: Flicker, session: Any, records: Sequence[Record]) -> Observations:
        return {
            name: Observation(look.effect, "1 of 2 targets were never reached")
            if look.effect is Effect.ENDED
            else Observation(look.effect, "0 of 2 targets injected")
            for name, look in (await honest(self, session, records)).items()
        }

    monkeypatch.setattr(Flicker, "observe", observe)
    run = await bench.start({"flicker": action("flicker")})
    await bench.drive()
    reason = (await bench.run(run)).actions["flicker"].reason
    assert reason == "Action was completed: 1 of 2 targets were never reached"


async def test_what_stood_in_the_way_is_not_shown_once_it_is_gone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    async def observe(self: Flicker, session: Any, records: Sequence[Record]) -> Observations:
        nonlocal looks
        looks += 1
        reason = "1 of 2 targets waits" if looks <= 2 else ""
        return {record.id: Observation(Effect.PRESENT, reason) for record in records}

    monkeypatch.setattr(Flicker, "observe", observe)
    run = await bench.start({"flicker": action("flicker")})
    while looks < 2:
        await bench.drive(seconds=1)
    shown = {record.last_error for record in await bench.store.records(run)}
    assert shown == {"1 of 2 targets waits"}
    while looks < 4:
        await bench.drive(seconds=1)
    assert {record.last_error for record in await bench.store.records(run)} == {None}
