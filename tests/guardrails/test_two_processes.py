"""Two processes on one database, SQLite's and PostgreSQL's: no run slips through between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bridge.engine import new_experiment
from bridge.model.lever import CAUSE, LeverStatus
from bridge.model.moment import SECOND, Micros
from bridge.model.record import Phase, Record
from bridge.model.scope import Scope
from bridge.model.template import ExperimentTemplate, TemplateAction
from bridge.store import AtOnceError, Change, Claimed, Store

SCOPE = Scope(cloud="aws", account="123456789012", region="eu-west-1")
ENGAGED, DISENGAGED = LeverStatus.ENGAGED, LeverStatus.DISENGAGED

Two = tuple[Store, Store]


@pytest.fixture
async def two(database: str) -> AsyncIterator[Two]:
    """Two processes' stores on one database."""
    stores = Store.open(database), Store.open(database)
    yield stores
    for store in stores:
        await store.move_lever(DISENGAGED, "the test is over")
        await store.close()


async def _start(store: Store) -> str:
    template = ExperimentTemplate(
        id="EXT1",
        scope=SCOPE,
        dialect="fis",
        description="",
        actions={"wait": TemplateAction(action_id="aws:fis:wait")},
        identity="role",
    )
    return (await store.start_experiment(new_experiment(template, now=store.now()))).id


async def test_no_run_slips_through_while_the_lever_is_engaged(two: Two) -> None:
    one, other = two
    for _ in range(5):
        starting = [asyncio.create_task(_start(one)) for _ in range(6)]
        moving = asyncio.create_task(other.move_lever(ENGAGED, "now"))
        starting += [asyncio.create_task(_start(other)) for _ in range(6)]
        runs = [await task for task in starting]
        assert (await moving).changed
        for run in runs:
            (request,) = await one.read_inbox(run)
            assert request.details["cause"] == CAUSE
        assert (await one.lever()).status is not DISENGAGED
        assert (await one.move_lever(DISENGAGED, "on")).changed


async def test_of_two_who_engage_it_one_does(two: Two) -> None:
    run = await _start(two[0])
    moved = await asyncio.gather(*(store.move_lever(ENGAGED, "now") for store in two))
    assert sorted(one.changed for one in moved) == [False, True]
    assert len(await two[0].read_inbox(run)) == 1


async def _add(store: Store, claimed: Claimed, resource: str) -> Record | None:
    """Add a record where it is allowed to be the only live one of all."""
    run = claimed.claim.experiment
    record = Record(
        id=f"{run}/halt/0",
        action="halt",
        holders=("halt",),
        fault="test:halt",
        resource=resource,
        effect="power",
    )
    change = Change(experiment=claimed.experiment, added=[record], live_at_most=1)
    try:
        await store.commit(claimed.claim, change)
    except AtOnceError:
        return None
    return record


async def test_of_two_runs_that_add_the_last_record_one_may(two: Two) -> None:
    for number in range(10):
        claims = []
        for store in two:
            claimed = await store.claim(await _start(store), owner="w", lease=Micros(60 * SECOND))
            assert claimed is not None
            claims.append(claimed)
        added = await asyncio.gather(
            *(
                _add(store, claimed, f"thing-{number}-{place}")
                for place, (store, claimed) in enumerate(zip(two, claims, strict=True))
            )
        )
        (record,) = filter(None, added)
        assert await two[0].live_elsewhere("another") == 1
        record.phase = Phase.REVERTED
        winner = added.index(record)
        change = Change(experiment=claims[winner].experiment, changed=[record])
        await two[winner].commit(claims[winner].claim, change)
