"""Schedules in virtual time: a store whose clock is told, and a template that can be run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from bridge.api.native.judging import read
from bridge.engine import Scheduler
from bridge.engine.slots import changed, next_slot
from bridge.model.identifiers import new_schedule_id
from bridge.model.moment import SECOND, Micros, timestamp
from bridge.model.schedule import Schedule, Slot
from bridge.model.scope import Scope
from bridge.model.template import ExperimentTemplate
from bridge.settings import Settings
from bridge.store import Change, Store
from tests.cli.doubles import document
from tests.native_api.conftest import double_catalog

SCOPE = Scope(cloud="aws", account="123456789012", region="us-east-1")
SETTINGS = Settings(installation="test", minimum_duration=timedelta(seconds=1))
LEASE = Micros(15 * SECOND)


def moment(text: str) -> Micros:
    """Return a UTC time."""
    return Micros(int(datetime.fromisoformat(f"{text}+00:00").timestamp()) * SECOND)


def text(at: Micros) -> str:
    """Return a time as ``moment`` reads it."""
    return f"{timestamp(at):%Y-%m-%dT%H:%M:%S}"


START = moment("2026-06-01T12:00:00")


class Time:
    """A clock that stands still unless it is told; it may be put back."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> Micros:
        return self.now


class Desk:
    """A store with one template, a scheduler on it, and the time."""

    def __init__(self, store: Store, time: Time, template: ExperimentTemplate) -> None:
        self.store = store
        self.time = time
        self.template = template
        self.scheduler = Scheduler(store, double_catalog(SETTINGS), SETTINGS)

    async def plan(self, **members: object) -> Schedule:
        """Store a schedule; without times it is one of every minute."""
        made = schedule(self.template.id, self.time.now, **members)
        return await self.store.create_schedule(made)

    async def change(self, before: Schedule, **members: object) -> Schedule:
        """Change a schedule as the API does."""
        now = self.time.now
        wanted = before.model_copy(update={"updated_at": now, **members})
        after, slots = changed(before, wanted, now)
        assert await self.store.update_schedule(after, before=before, slots=slots)
        return after

    async def at(self, when: str) -> list[str]:
        """Let it be a time, and start what is due."""
        self.time.now = moment(when)
        return await self.scheduler.start_due()

    async def seen(self, planned: Schedule) -> Schedule:
        """Return a schedule as it is now."""
        found = await self.store.schedule(SCOPE, planned.id)
        assert found is not None
        return found

    async def outcomes(self, planned: Schedule) -> list[tuple[str, str]]:
        """Return what became of each slot, the earliest first: time of day and outcome."""
        slots = await self.store.slots(planned.id)
        return [(f"{timestamp(s.slot_at):%H:%M}", s.outcome.value) for s in reversed(slots)]

    async def slot(self, planned: Schedule) -> Slot:
        """Return the latest slot."""
        return (await self.store.slots(planned.id))[0]

    async def runs(self) -> list[str]:
        """Return the ids of all runs, the earliest first."""
        return [one.id for one in reversed(await self.store.experiments(SCOPE))]

    async def end(self, experiment: str) -> None:
        """Let a run end."""
        claimed = await self.store.claim(experiment, owner="test", lease=LEASE)
        assert claimed is not None
        await self.store.commit(claimed.claim, Change(close=True))


def schedule(template: str, now: Micros, **members: object) -> Schedule:
    """Return a schedule that is not stored."""
    times = {} if "at" in members else {"cron": "* * * * *"}
    made = Schedule.model_validate(
        {
            "id": new_schedule_id(),
            "scope": SCOPE,
            "template_id": template,
            "created_at": now,
            "updated_at": now,
            **times,
            **members,
        }
    )
    return made.model_copy(update={"next_at": next_slot(made, now)})


def new_template(number: int = 1) -> ExperimentTemplate:
    """Return a template that the doubles' catalogue takes."""
    judged = read(
        double_catalog(SETTINGS),
        SCOPE,
        document(),
        template_id=f"EXT{number:015}",
        now=START,
    )
    assert judged.template is not None
    return judged.template


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def desk(time: Time) -> AsyncIterator[Desk]:
    store = Store.open("sqlite://", clock=time, inline=True)
    yield Desk(store, time, await store.create_template(new_template()))
    await store.close()


@pytest.fixture
def shared_url(database: str) -> str:
    """A database that several stores open, on each system."""
    return database
