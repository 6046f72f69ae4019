"""Kubernetes' own events in the news of a run: each once, and few requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from bridge.model.event import EventType
from providers.contract import Effect, News, Observation
from providers.kubernetes import events
from providers.kubernetes.api import Answer
from providers.kubernetes.resource import Notes
from tests.kubernetes_faults.one_run import FAULT, Run, eventually
from tests.kubernetes_faults.test_stuck import grant
from tests.kubernetes_faults.test_verdicts import resource

if TYPE_CHECKING:
    from providers.kubernetes.cluster import Cluster

Start = Callable[..., Any]


def lists(cluster: Any) -> int:
    """How often events were listed."""
    return sum((one.verb, one.resource) == ("list", "events") for one in cluster.asked)


@pytest.fixture
def allowed(cluster: Any) -> None:
    grant(cluster, apiGroups=[""], resources=["events"], verbs=["list"])


class Journal:
    """What a run's looks and undoing told, kept as the engine keeps it."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.news: list[News] = []

    def _take(self, news: Sequence[News], notes: Any) -> None:
        self.news += news
        if notes is not None:
            self.run.record.state = {**self.run.record.state, **notes}

    async def look(self) -> Observation:
        seen: Observation = await self.run.observe()
        self._take(seen.news, seen.notes)
        return seen

    async def until(self, effect: Effect) -> None:
        await eventually(self.look, lambda seen: seen.effect is effect)

    async def until_gone(self) -> None:
        async with asyncio.timeout(10):
            while True:
                outcome = await self.run.revert()
                self._take(outcome.news, outcome.notes)
                if outcome.kind == "done":
                    return
                await asyncio.sleep(0.02)

    @property
    def reasons(self) -> list[str]:
        kind = EventType.RESOURCE_EVENT
        return [str(one.details["reason"]) for one in self.news if one.kind is kind]


@pytest.mark.usefixtures("allowed")
async def test_what_chaos_mesh_says_is_told_once(cluster: Any, start: Start) -> None:
    run = await start()
    await run.start()
    journal = Journal(run)
    await journal.until(Effect.PRESENT)
    for _ in range(3):
        await journal.look()
    assert journal.reasons == ["FinalizerInited", "Started", "Applied"]
    details = next(one.details for one in journal.news if one.details.get("reason") == "Applied")
    assert str(details["message"]).startswith("Successfully apply chaos for sock-shop/carts")
    assert details["event_type"] == "Normal"
    await journal.until_gone()
    assert journal.reasons[3:] == ["Deleted", "Recovered", "FinalizerInited"]


@pytest.mark.usefixtures("allowed")
async def test_where_nothing_changes_nothing_is_asked(cluster: Any, start: Start) -> None:
    run = await start()
    await run.start()
    journal = Journal(run)
    await journal.until(Effect.PRESENT)
    await asyncio.sleep(0.2)  # the controllers come to rest
    for _ in range(2):
        await journal.look()
    before = lists(cluster)
    for _ in range(20):
        await journal.look()
    assert lists(cluster) == before


@pytest.mark.usefixtures("allowed")
async def test_one_list_serves_all_who_ask_at_once(cluster: Any, start: Start) -> None:
    runs = [await start(name=f"EXP{number}") for number in range(30)]
    for run in runs:
        await run.start()
    journals = [Journal(run) for run in runs]
    await asyncio.sleep(1.0)  # the controllers come to rest
    before = lists(cluster)
    await asyncio.gather(*(journal.look() for journal in journals))
    assert lists(cluster) - before <= 8  # one when the first asks, one for those who came then
    assert all("Applied" in journal.reasons for journal in journals)


class Counting:
    """A cluster that only counts the lists, each of which takes a moment."""

    id = "c"

    def __init__(self) -> None:
        self.selectors: list[str] = []

    async def select(self, path: str, *, pages: int, **query: str) -> Answer:
        self.selectors.append(query["fieldSelector"])
        await asyncio.sleep(0)
        return Answer({"items": []}, datetime.now(UTC))


async def test_a_thousand_who_ask_at_once_are_served_by_two_lists() -> None:
    reader, cluster = events.EventReader(), Counting()
    all_of_them = [resource().model_copy(update={"name": f"r{n}"}) for n in range(1000)]
    await asyncio.gather(
        *(reader.fresh(cast("Cluster", cluster), one, "", "1") for one in all_of_them)
    )
    assert cluster.selectors == [
        "involvedObject.kind=NetworkChaos,involvedObject.name=r0",
        "involvedObject.kind=NetworkChaos",
    ]
    await asyncio.gather(
        *(reader.fresh(cast("Cluster", cluster), one, "", "1") for one in all_of_them)
    )
    assert len(cluster.selectors) == 4  # once more, for what is written a little later
    await asyncio.gather(
        *(reader.fresh(cast("Cluster", cluster), one, "", "1") for one in all_of_them)
    )
    assert len(cluster.selectors) == 4
    assert reader._places == {}  # what the lists had is kept for nobody


async def test_without_the_right_a_run_goes_on(cluster: Any, start: Start) -> None:
    run = await start()
    await run.start()
    journal = Journal(run)
    await journal.until(Effect.PRESENT)
    await journal.until_gone()
    assert journal.reasons == []
    assert lists(cluster) == 1  # refused once, and not asked for again


@pytest.mark.usefixtures("allowed")
async def test_a_failing_read_fails_nothing(cluster: Any, start: Start) -> None:
    cluster.api.fail(operation="list events", error="InternalError", status=500, times=1000)
    run = await start()
    await run.start()
    journal = Journal(run)
    await journal.until(Effect.PRESENT)
    assert journal.reasons == []
    cluster.api.behave()
    await journal.until_gone()
    assert "Applied" in journal.reasons


@pytest.mark.usefixtures("allowed")
async def test_what_failed_is_told(cluster: Any, start: Start) -> None:
    cluster.chaos.misbehave(never_inject=True)
    run = await start()
    await run.start()
    journal = Journal(run)
    async with asyncio.timeout(10):
        while "Failed" not in journal.reasons:
            await journal.look()
    for _ in range(20):
        await journal.look()
        await asyncio.sleep(0.02)
    assert journal.reasons.count("Failed") == 1  # written anew with each attempt, in the same words
    assert any(one.details.get("event_type") == "Warning" for one in journal.news)


def event(number: int, **more: Any) -> dict[str, Any]:
    moment = f"2026-01-02T03:{number // 60:02}:{number % 60:02}Z"
    return {
        "metadata": {"name": f"e{number}", "uid": f"{number:08}-x"},
        "reason": "Applied",
        "message": "x" * 5000,
        "type": "Normal",
        "lastTimestamp": moment,
        **more,
    }


def test_not_more_than_a_journal_bears() -> None:
    news, notes = events.told([event(number) for number in range(200)], Notes())
    assert len(news) == events.MOST_TOLD + 1
    assert news[-1].details["message"] == "there are more events; they are not copied here"
    assert all(len(str(one.details["message"])) <= 512 for one in news)
    assert events.told([event(300)], notes) == ((), notes)


def test_in_the_order_in_which_they_happened() -> None:
    news, _ = events.told(
        [event(5, reason="B"), event(1, reason="A"), event(9, reason="C")], Notes()
    )
    assert [one.details["reason"] for one in news] == ["A", "B", "C"]


@pytest.mark.parametrize("odd", [{}, {"metadata": {}}, {"reason": 1, "message": None}])
def test_an_event_of_any_shape_breaks_nothing(odd: dict[str, Any]) -> None:
    events.told([odd], Notes())


def test_the_right_is_declared_as_optional() -> None:
    (declared,) = [one for one in FAULT.permissions if one.name == "core/events:list"]
    assert declared.need == "optional"
    assert "journal" in declared.note
    assert timedelta(seconds=events.ASK_AGAIN) >= timedelta(minutes=1)
