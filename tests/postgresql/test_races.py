"""What two transactions at once may not do to each other, on a server that lets them try."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa

from bridge.engine import new_experiment
from bridge.model.experiment import Experiment
from bridge.model.inbox import Request, RequestKind
from bridge.model.moment import SECOND, Micros
from bridge.model.record import Record
from bridge.store import Change, Claimed, LeaseLostError, OverlapError, Store, Token
from bridge.store import experiments as experiments_module
from bridge.store.database import open_engine
from tests.store.conftest import SCOPE, template

LEASE = Micros(15 * SECOND)


@pytest.fixture
async def stores(postgresql_url: str) -> AsyncIterator[tuple[Store, Store]]:
    pair = Store.open(postgresql_url), Store.open(postgresql_url)
    yield pair
    for store in pair:
        await store.close()


async def _started(store: Store) -> Experiment:
    return await store.start_experiment(new_experiment(template(), now=store.now()))


async def _claimed(store: Store, experiment: str, owner: str = "one") -> Claimed:
    claimed = await store.claim(experiment, owner=owner, lease=LEASE)
    assert claimed is not None
    return claimed


def _record(run: str, number: int, resource: str) -> Record:
    return Record(
        id=f"{run}/halt/{number}",
        action="halt",
        holders=("halt",),
        fault="test:halt",
        resource=resource,
        effect="power",
    )


def _stop(run: str, store: Store) -> Request:
    return Request(experiment=run, kind=RequestKind.STOP, at=store.now())


async def test_one_of_many_claims_holds(stores: tuple[Store, Store]) -> None:
    run = await _started(stores[0])
    tries = await asyncio.gather(
        *(stores[number % 2].claim(run.id, owner=f"w{number}", lease=LEASE) for number in range(20))
    )
    assert len([one for one in tries if one is not None]) == 1


async def test_no_request_is_passed_over_whatever_order_they_are_committed_in(
    stores: tuple[Store, Store], postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first of two requests is slow to commit; whoever reads the second must see it too."""
    run = await _started(stores[0])
    first_wrote, go_on = threading.Event(), threading.Event()
    whole = experiments_module.append_request

    def slow(connection: sa.Connection, request: Request) -> None:
        whole(connection, request)
        if request.details.get("slow"):
            first_wrote.set()
            assert go_on.wait(30)

    monkeypatch.setattr(experiments_module, "append_request", slow)
    slow_one = _stop(run.id, stores[0]).model_copy(update={"details": {"slow": True}})
    first = asyncio.create_task(stores[0].append(slow_one))
    assert await asyncio.to_thread(first_wrote.wait, 30)
    second = asyncio.create_task(stores[1].append(_stop(run.id, stores[1])))
    # The second waits for the first; seen as such by the server, not by the clock.
    engine = open_engine(postgresql_url)
    waiting = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    async with asyncio.timeout(30):
        while not second.done():
            with engine.connect() as connection:
                if connection.execute(waiting).scalar_one():
                    break
            await asyncio.sleep(0.01)
    engine.dispose()
    assert await stores[1].read_inbox(run.id) == []
    go_on.set()
    await asyncio.gather(first, second)
    read = await stores[1].read_inbox(run.id)
    assert [bool(request.details) for request in read] == [True, False]


async def test_a_request_that_comes_while_a_run_is_let_go_wakes_it_again(
    stores: tuple[Store, Store],
) -> None:
    for _ in range(20):
        run = await _started(stores[0])
        claimed = await _claimed(stores[0], run.id)
        far = Micros(stores[0].now() + 3600 * SECOND)
        await asyncio.gather(
            stores[0].commit(claimed.claim, Change(release_until=far)),
            stores[1].append(_stop(run.id, stores[1])),
        )
        assert run.id in await stores[0].due()
        closing = await _claimed(stores[0], run.id)
        await stores[0].commit(closing.claim, Change(inbox_read=1 << 40, close=True))


async def test_two_runs_that_want_the_same_resources_get_them_or_are_refused(
    stores: tuple[Store, Store],
) -> None:
    for turn in range(10):
        runs = [await _started(store) for store in stores]
        claims = [await _claimed(s, run.id) for s, run in zip(stores, runs, strict=True)]
        names = [f"i-{turn}-{number}" for number in range(30)]
        orders = [names, names[::-1]]

        async def commit(number: int, claims: list[Claimed], orders: list[list[str]]) -> Any:
            added = [
                _record(claims[number].claim.experiment, position, name)
                for position, name in enumerate(orders[number])
            ]
            return await stores[number].commit(claims[number].claim, Change(added=added))

        came = await asyncio.gather(
            *(commit(number, claims, orders) for number in range(2)), return_exceptions=True
        )
        refused = [one for one in came if one is not None]
        assert len(refused) == 1
        assert isinstance(refused[0], OverlapError)
        assert refused[0].holder in {run.id for run in runs}


async def test_a_token_makes_one_run_however_many_ask(stores: tuple[Store, Store]) -> None:
    token = Token("start", "t1", "same")
    made = await asyncio.gather(
        *(
            stores[number % 2].start_experiment(
                new_experiment(template(), now=stores[0].now()), token
            )
            for number in range(10)
        )
    )
    assert len({run.id for run in made}) == 1
    assert len(await stores[0].experiments(SCOPE)) == 1


async def test_one_process_polls_and_any_may_save_what_it_read(
    stores: tuple[Store, Store],
) -> None:
    turns = await asyncio.gather(
        *(
            stores[number % 2].claim_poll(SCOPE, "alarm", every=Micros(60 * SECOND))
            for number in range(10)
        )
    )
    assert sum(turns) == 1
    values = {f"alarm-{number}": "clear" for number in range(20)}
    backwards = dict(reversed(values.items()))
    await asyncio.gather(
        *(
            stores[number % 2].save_readings(
                SCOPE, "alarm", backwards if number % 2 else values, unreadable="unreadable"
            )
            for number in range(8)
        )
    )
    assert len(await stores[0].readings(SCOPE, "alarm", list(values))) == len(values)


async def test_after_a_restore_one_of_many_bridges_asks(stores: tuple[Store, Store]) -> None:
    run = await _started(stores[0])
    assert await stores[0].raise_epoch(0, _stop("", stores[0])) == 0
    asked = await asyncio.gather(
        *(stores[number % 2].raise_epoch(3, _stop("", stores[0])) for number in range(6))
    )
    assert sorted(asked) == [0, 0, 0, 0, 0, 1]
    assert len(await stores[0].read_inbox(run.id)) == 1


async def test_bridges_whose_clocks_are_ten_minutes_apart_agree(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process's own time is never asked; a lease is over for both at the same moment."""
    early = Store.open(postgresql_url)
    before = early.now()
    monkeypatch.setattr("bridge.store.database.system_clock", lambda: Micros(0))
    monkeypatch.setattr("time.time_ns", lambda: 0)
    monkeypatch.setattr("time.time", lambda: 0.0)
    late = Store.open(postgresql_url)
    assert 0 <= late.now() - before < 10 * SECOND
    assert abs(late.now() - early.now()) < SECOND
    run = await _started(early)
    await _claimed(early, run.id)
    assert await late.claim(run.id, owner="late", lease=LEASE) is None
    assert await late.due() == []
    next_due = await late.next_due()
    assert next_due is not None
    assert 10 * SECOND < next_due - late.now() <= LEASE
    for store in (early, late):
        await store.close()


async def test_a_fence_that_moved_on_writes_nothing(stores: tuple[Store, Store]) -> None:
    run = await _started(stores[0])
    old = await stores[0].claim(run.id, owner="frozen", lease=Micros(1))
    assert old is not None
    new = await _claimed(stores[1], run.id, "other")
    assert new.interrupted
    with pytest.raises(LeaseLostError):
        await stores[0].commit(old.claim, Change(added=[_record(run.id, 0, "i-1")]))
    assert await stores[1].records(run.id) == []
