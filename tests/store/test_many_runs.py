"""What the store does for many runs takes as many statements as for few."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from bridge.model.event import Event, EventType
from bridge.model.inbox import Request, RequestKind
from bridge.model.moment import SECOND, Micros
from bridge.store import Change, Store
from tests.store.conftest import SCOPE, Time, experiment

LEASE = Micros(15 * SECOND)
FEW, MANY = 3, 60

Statements = Callable[[], AbstractContextManager[list[tuple[str, Any]]]]


@pytest.fixture
def statements(store: Store) -> Statements:
    """Collect the statements that reach the database within a block, with their parameters."""

    @contextmanager
    def collected() -> Iterator[list[tuple[str, Any]]]:
        seen: list[tuple[str, Any]] = []

        def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
            if not statement.startswith("BEGIN"):
                seen.append((statement, parameters))

        sa.event.listen(store._engine, "before_cursor_execute", note)
        yield seen
        sa.event.remove(store._engine, "before_cursor_execute", note)

    return collected


async def _start(store: Store, time: Time, number: int, alarm: str | None = None) -> list[str]:
    return [(await store.start_experiment(experiment(time, alarm=alarm))).id for _ in range(number)]


async def _wait(store: Store, time: Time, run: str, *, seconds: int) -> None:
    claimed = await store.claim(run, owner="w", lease=LEASE)
    assert claimed is not None
    until = Micros(time.now + seconds * SECOND)
    await store.commit(claimed.claim, Change(release_until=until))


def _stop(time: Time) -> Request:
    reason = {"reason": "all of them", "cause": "user"}
    return Request(experiment="", kind=RequestKind.STOP, at=time.now, details=reason)


async def test_everything_is_stopped_by_a_few_statements(
    store: Store, time: Time, statements: Statements
) -> None:
    await _start(store, time, FEW)
    with statements() as for_few:
        assert await store.stop_all(_stop(time)) == FEW
    await _start(store, time, MANY)
    with statements() as for_many:
        assert await store.stop_all(_stop(time)) == FEW + MANY
    assert len(for_many) == len(for_few)


async def test_who_is_asked_to_stop_is_due_and_reads_why(store: Store, time: Time) -> None:
    waiting, held, over = await _start(store, time, 3)
    await _wait(store, time, waiting, seconds=3600)
    await _wait(store, time, over, seconds=3600)
    claimed = await store.claim(over, owner="w", lease=LEASE)
    assert claimed is not None
    await store.commit(claimed.claim, Change(close=True))
    await store.claim(held, owner="w", lease=LEASE)
    assert await store.due() == []
    assert await store.stop_all(_stop(time)) == 2
    assert await store.due() == [waiting]
    for run in (waiting, held):
        (request,) = await store.read_inbox(run)
        assert request.experiment == run
        assert request.kind is RequestKind.STOP
        assert request.details["reason"] == "all of them"
    assert await store.read_inbox(over) == []


async def test_several_are_asked_at_once_or_none(store: Store, time: Time) -> None:
    runs = await _start(store, time, 2)
    asked = [_stop(time).model_copy(update={"experiment": run}) for run in runs]
    await store.append_all(asked)
    assert [len(await store.read_inbox(run)) for run in runs] == [1, 1]
    with pytest.raises(sa.exc.IntegrityError):
        await store.append_all([*asked, _stop(time).model_copy(update={"experiment": "nobody"})])
    assert [len(await store.read_inbox(run)) for run in runs] == [1, 1]


async def test_the_next_due_run_is_the_first_that_is_free(store: Store, time: Time) -> None:
    assert await store.next_due() is None
    late, early, held = await _start(store, time, 3)
    await _wait(store, time, late, seconds=100)
    await _wait(store, time, early, seconds=50)
    await _wait(store, time, held, seconds=10)
    began = time.now
    assert await store.next_due() == began + 10 * SECOND
    assert await store.claim(held, owner="w", lease=LEASE)
    # Its holder may die: then it is free when the lease ends, and the others are later.
    assert await store.next_due() == began + LEASE
    assert await store.claim(held, owner="w", lease=LEASE) is None
    time.now = Micros(began + 40 * SECOND)
    assert await store.claim(held, owner="w", lease=Micros(60 * SECOND))
    assert await store.next_due() == began + 50 * SECOND
    for run in (early, late):
        assert await store.claim(run, owner="w", lease=Micros(300 * SECOND))
    assert await store.next_due() == began + 100 * SECOND


async def test_what_is_due_is_found_by_the_index(
    store: Store, time: Time, statements: Statements
) -> None:
    await _start(store, time, FEW)
    with statements() as asked:
        await store.due()
        await store.next_due()
    if store._engine.dialect.name != "sqlite":
        pytest.skip("a server chooses its plan by how much there is")
    for statement, parameters in asked:
        with store._engine.connect() as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
        assert [row[3] for row in plan if "ix_experiments_due" not in row[3]] == [], statement


async def test_what_is_watched_is_read_once_for_all_runs(store: Store, time: Time) -> None:
    runs = await _start(store, time, FEW, alarm="a")
    await _start(store, time, 1, alarm="b")
    assert await store.watched() == {(SCOPE, "alarm"): ["a", "b"]}
    assert await store.watchers(SCOPE, "alarm", "a") == runs
    assert await store.watchers(SCOPE, "alarm", "c") == []


async def test_only_runs_that_wait_are_woken_for_what_could_not_be_read(
    store: Store, time: Time
) -> None:
    waiting, told, held, due = await _start(store, time, 4, alarm="a")
    (other,) = await _start(store, time, 1, alarm="b")
    for run in (waiting, told, held, other):
        await _wait(store, time, run, seconds=3600)
    began = time.now
    time.now = Micros(began + SECOND)
    (young,) = await _start(store, time, 1, alarm="a")
    await _wait(store, time, young, seconds=3600)
    await store.claim(held, owner="w", lease=LEASE)
    woken = await store.wake_watchers(SCOPE, "alarm", "a", since=began, but={told})
    assert woken == [waiting]
    assert set(await store.due()) == {waiting, due}


async def test_some_kinds_of_a_journal_are_read_alone(store: Store, time: Time) -> None:
    (run,) = await _start(store, time, 1)
    claimed = await store.claim(run, owner="w", lease=LEASE)
    assert claimed is not None
    kinds = (EventType.EXPERIMENT_START, EventType.ACTION_ERROR, EventType.EXPERIMENT_END)
    events = [Event(experiment=run, type=kind, at=time.now) for kind in kinds]
    await store.commit(claimed.claim, Change(events=events))
    assert len(await store.journal(run)) == 3
    (found,) = await store.journal(run, kinds=(EventType.ACTION_ERROR,))
    assert found.type is EventType.ACTION_ERROR
