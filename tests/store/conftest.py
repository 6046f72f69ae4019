"""A store on a real file and one on a real server, so that their locks are the real ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from bridge.engine import new_experiment
from bridge.model.experiment import Experiment
from bridge.model.moment import SECOND, Micros
from bridge.model.scope import Scope
from bridge.model.template import ExperimentTemplate, StopCondition, TemplateAction
from bridge.store import Store

SCOPE = Scope(cloud="aws", account="123456789012", region="eu-west-1")


START = Micros(1_800_000_000 * SECOND)


@dataclass
class Time:
    """A clock that stands still unless it is told."""

    now: Micros = START

    def __call__(self) -> Micros:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def store(database: str, time: Time) -> AsyncIterator[Store]:
    opened = Store.open(database, clock=time)
    yield opened
    await opened.close()


def template(number: int = 1, *, alarm: str | None = None) -> ExperimentTemplate:
    """Return a template; ``number`` makes its id and its time."""
    return ExperimentTemplate(
        id=f"EXT{number:04}",
        scope=SCOPE,
        dialect="fis",
        description=f"number {number}",
        actions={"wait": TemplateAction(action_id="aws:fis:wait", parameters={})},
        stop_conditions=(StopCondition(source="alarm", value=alarm),) if alarm else (),
        identity="arn:aws:iam::123456789012:role/r",
        created_at=Micros(number),
    )


def experiment(time: Time, *, alarm: str | None = None) -> Experiment:
    """Return a run that is due now."""
    return new_experiment(template(alarm=alarm), now=time.now)
