"""Records that an operator gives up: by force, what holds the resource is let go of first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from bridge.model.event import EventType
from bridge.model.experiment import ExperimentStatus
from bridge.model.inbox import Request, RequestKind
from bridge.model.moment import SECOND, Micros
from bridge.model.record import Phase, Record
from providers.contract import News, Outcome, OutcomeKind, Outcomes, TransientError
from tests.engine.world import Bench, Halt, Killed, halt, things

DONE = Outcome(OutcomeKind.DONE, "nothing holds it any more")


class Hold:
    """What becomes of the releases, and what was asked."""

    def __init__(self) -> None:
        self.answers: list[Outcome | Exception] = []
        self.asked: list[tuple[tuple[str, ...], bool]] = []

    async def release(
        self, _fault: Halt, session: Any, records: Sequence[Record], *, webhooks: bool = False
    ) -> Outcomes:
        session.world.point("before release")
        self.asked.append((tuple(record.resource for record in records), webhooks))
        answer = self.answers.pop(0) if self.answers else DONE
        if isinstance(answer, Exception):
            raise answer
        return {record.id: answer for record in records}


@pytest.fixture
def hold(monkeypatch: pytest.MonkeyPatch) -> Hold:
    made = Hold()

    async def release(self: Halt, session: Any, records: Any, **how: bool) -> Outcomes:
        return await made.release(self, session, records, **how)

    monkeypatch.setattr(Halt, "release", release)
    return made


async def stuck(bench: Bench) -> tuple[str, list[Record]]:
    run = await bench.start({"halt": halt(length="PT5M")})
    await bench.drive(seconds=60)
    bench.world.broken = "it is stuck"
    await bench.drive(seconds=600)
    return run, await bench.store.records(run)


async def ask(bench: Bench, run: str, record: Record, **details: Any) -> None:
    said = {"record": record.id, "reason": "mended by hand", **details}
    await bench.store.append(
        Request(experiment=run, kind=RequestKind.RELEASE, at=bench.store.now(), details=said)
    )


async def journal(bench: Bench, run: str, kind: EventType) -> list[dict[str, Any]]:
    return [e.details for e in await bench.store.journal(run, limit=1000) if e.type is kind]


async def test_by_force_what_holds_it_is_let_go_of_first(bench: Bench, hold: Hold) -> None:
    run, (first, *others) = await stuck(bench)
    await ask(bench, run, first, force=True)
    await bench.drive(seconds=60)
    assert hold.asked == [(("a",), False)]
    records = {record.id: record for record in await bench.store.records(run)}
    assert records[first.id].phase is Phase.RELEASED
    assert records[first.id].releasing is None
    assert records[first.id].last_error == (
        "released by an operator: mended by hand (nothing holds it any more)"
    )
    assert {records[other.id].phase for other in others} == {Phase.REVERTING}
    (told,) = await journal(bench, run, EventType.RELEASED)
    assert (told["resource"], told["reason"]) == ("a", "mended by hand")
    assert told["done"] == "nothing holds it any more"
    bench.world.broken = ""
    await bench.drive()
    assert (await bench.run(run)).status is ExperimentStatus.COMPLETED


async def test_what_was_said_is_stored_before_anything_is_done(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, (first, *_) = await stuck(bench)
    stored: list[dict[str, Any] | None] = []

    async def release(self: Halt, session: Any, records: Any, **how: bool) -> Outcomes:
        stored.append((await bench.store.records(run))[0].releasing)
        return {record.id: DONE for record in records}

    monkeypatch.setattr(Halt, "release", release)
    await ask(bench, run, first, force=True)
    await bench.drive(seconds=60)
    assert stored == [{"reason": "mended by hand", "webhooks": False}]


async def test_without_force_nothing_is_touched(bench: Bench, hold: Hold) -> None:
    run, (first, *_) = await stuck(bench)
    await ask(bench, run, first)
    await bench.drive(seconds=60)
    assert hold.asked == []
    (told,) = await journal(bench, run, EventType.RELEASED)
    assert "done" not in told


async def test_meanwhile_it_is_not_undone(bench: Bench, hold: Hold) -> None:
    run, (first, *_) = await stuck(bench)
    hold.answers = [Outcome(OutcomeKind.PENDING, "waiting")] * 3
    await ask(bench, run, first, force=True)
    before = len(bench.world.calls)
    await bench.drive(seconds=300)
    reverts = [call for call in bench.world.calls[before:] if call.startswith("before revert")]
    assert reverts
    assert all("a" not in call.split()[-1].split(",") for call in reverts)
    assert len(hold.asked) == 4


async def test_a_refused_release_is_said_and_the_undo_goes_on(bench: Bench, hold: Hold) -> None:
    run, (first, *_) = await stuck(bench)
    hold.answers = [Outcome(OutcomeKind.REJECTED, "the webhook is dead")]
    await ask(bench, run, first, force=True, webhooks=False)
    await bench.drive(seconds=60)
    (told,) = await journal(bench, run, EventType.RELEASE_REFUSED)
    assert (told["record"], told["reason"]) == (first.id, "the webhook is dead")
    (record, *_) = await bench.store.records(run)
    assert (record.phase, record.releasing) == (Phase.REVERTING, None)
    await ask(bench, run, first, force=True, webhooks=True)
    await bench.drive(seconds=60)
    assert hold.asked[-1] == (("a",), True)
    assert (await bench.store.records(run))[0].phase is Phase.RELEASED


async def test_what_is_allowed_besides_while_a_call_is_refused_is_not_lost(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, (first, *_) = await stuck(bench)
    allowed: list[bool] = []

    async def release(self: Halt, session: Any, records: Any, *, webhooks: bool) -> Outcomes:
        allowed.append(webhooks)
        if not webhooks:
            await ask(bench, run, first, force=True, webhooks=True)
            bench.engine.poke(run)
            while not ((await bench.store.records(run))[0].releasing or {})["webhooks"]:  # noqa: ASYNC110 - the store tells nobody
                await asyncio.sleep(0)
        outcome = DONE if webhooks else Outcome(OutcomeKind.REJECTED, "the webhook is dead")
        return {record.id: outcome for record in records}

    monkeypatch.setattr(Halt, "release", release)
    await ask(bench, run, first, force=True)
    await bench.drive(seconds=120)
    assert allowed == [False, True]
    assert (await bench.store.records(run))[0].phase is Phase.RELEASED
    assert await journal(bench, run, EventType.RELEASE_REFUSED) == []


async def test_it_waits_for_an_injection_that_may_still_take_effect(
    bench: Bench, hold: Hold
) -> None:
    """What a dead worker's call creates after the release, nobody would ever undo."""
    bench.world.frozen = asyncio.Event()
    run = await bench.start({"halt": halt(length="PT5H", target="t")}, {"t": things("a")})
    frozen = asyncio.create_task(bench.engine.advance(run))
    await bench.world.reached.wait()
    (record,) = await bench.store.records(run)
    assert record.phase is Phase.INJECTING
    await ask(bench, run, record, force=True)
    bench.world.now = Micros(bench.world.now + 20 * SECOND)
    bench.engine = bench.other_engine()
    await bench.drive(seconds=59)
    assert hold.asked == []
    await bench.drive(seconds=2)
    assert hold.asked == [(("a",), False)]
    assert (await bench.store.records(run))[0].phase is Phase.RELEASED
    frozen.cancel()


async def test_a_cluster_that_is_away_is_asked_again(bench: Bench, hold: Hold) -> None:
    run, (first, *_) = await stuck(bench)
    hold.answers = [TransientError("away")] * 2
    await ask(bench, run, first, force=True)
    await bench.drive(seconds=300)
    assert len(hold.asked) == 3
    assert (await bench.store.records(run))[0].phase is Phase.RELEASED


@pytest.mark.parametrize("commits", [1, 2, 3])
async def test_whoever_comes_after_a_death_goes_on_with_it(
    bench: Bench, hold: Hold, commits: int
) -> None:
    run, (first, *_) = await stuck(bench)
    await ask(bench, run, first, force=True)
    passed = 0

    def die(point: str) -> None:
        nonlocal passed
        passed += point == "before release" or point.endswith("commit")
        if passed == commits:
            raise Killed

    bench.world.hook = die
    with pytest.raises(Killed):
        await bench.drive(seconds=60)
    bench.world.hook = lambda _point: None
    bench.restart()
    await bench.drive(seconds=120)
    assert (await bench.store.records(run))[0].phase is Phase.RELEASED
    assert len(await journal(bench, run, EventType.RELEASED)) == 1


async def test_what_is_learnt_stands_in_journal_and_notes(bench: Bench, hold: Hold) -> None:
    run, (first, *_) = await stuck(bench)
    told = News(EventType.RESOURCE_STATE, {"reason": "it is still on the disk"})
    hold.answers = [Outcome(OutcomeKind.PENDING, "waiting", (told,), {"left": "disk"})]
    await ask(bench, run, first, force=True)
    await bench.drive(seconds=60)
    (entry,) = await journal(bench, run, EventType.RESOURCE_STATE)
    assert (entry["resource"], entry["reason"]) == ("a", "it is still on the disk")
    assert (await bench.store.records(run))[0].state == {"prior": "running", "left": "disk"}


async def test_what_has_ended_is_not_released(bench: Bench, hold: Hold) -> None:
    run = await bench.start({"halt": halt(length="PT5M")})
    await bench.drive(seconds=60)
    (first, *_) = await bench.store.records(run)
    bench.world.broken = "it is stuck"
    await bench.drive(seconds=600)
    await ask(bench, run, first)
    await ask(bench, run, first, force=True)
    await bench.drive(seconds=60)
    assert hold.asked == []
    assert len(await journal(bench, run, EventType.RELEASED)) == 1
