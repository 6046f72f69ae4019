"""What else goes wrong beside the death: the cloud, the database, and records of other versions."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
import sqlalchemy as sa

from bridge.sandbox.misbehaviour import ANY
from bridge.store.tables import experiments, records
from providers.aws import clients as aws_clients
from providers.azure import pipeline as azure_pipeline
from providers.gcp import clients as gcp_clients
from providers.kubernetes import api as kubernetes_api
from tests.crash.stage import Stage
from tests.trial.rig import Rig, World

CLOUD: Final = ("throttled", "failing", "hanging", "reply lost")
"""How a cloud misbehaves, both when the fault is brought about and when it is undone."""

_MORE_THAN_ONE_CALL: Final = 4
"""Attempts that fail: more than the SDKs make in one call, so that the engine hears of it."""
_SHORT: Final = 0.08
"""Seconds after which an answer that hangs is given up."""


class Trouble:
    """Upsets the cloud when the fault is first brought about, and when it is first undone."""

    def __init__(self, rig: Rig, kind: str) -> None:
        """Throttle whatever is called, reads and marks too; else upset what changes something."""
        self._rig = rig
        self._kind = kind
        self._done: set[str] = set()

    def before(self, step: str, _records: Sequence[Any]) -> None:
        """Take note of a step that is about to be made."""
        upset = {"mark": "effects", "inject": "effects", "revert": "undoings"}.get(step)
        if upset is None or upset in self._done:
            return
        self._done.add(upset)
        self._rig.at.emulator.behave()
        operations = (ANY,) if self._kind == "throttled" else getattr(self._rig, upset)
        for operation in operations:
            self._upset(operation)

    def _upset(self, operation: str) -> None:
        emulator = self._rig.at.emulator
        if self._kind == "throttled":
            emulator.throttle(operation=operation, times=_MORE_THAN_ONE_CALL)
        elif self._kind == "failing":
            code, status = self._rig.at.failure
            emulator.fail(operation=operation, error=code, status=status, times=_MORE_THAN_ONE_CALL)
        elif self._kind == "hanging":
            emulator.hang(operation=operation)
        else:
            emulator.lose_reply(operation=operation, times=_MORE_THAN_ONE_CALL)


@asynccontextmanager
async def impatient(world: World) -> AsyncIterator[None]:
    """Give up at once on answers that hang, which otherwise takes up to a minute."""
    patient = world.provider
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aws_clients, "READ_TIMEOUT", _SHORT)
        patch.setattr(aws_clients, "ATTEMPTS", 1)
        patch.setattr(gcp_clients, "READ_TIMEOUT", _SHORT)
        patch.setattr(gcp_clients, "LAST_ATTEMPT", _SHORT / 2)
        patch.setattr(azure_pipeline, "READ_TIMEOUT", _SHORT)
        patch.setattr(azure_pipeline, "RETRIES", 0)
        patch.setattr(kubernetes_api, "READ_LIMIT", _SHORT)
        world.provider = world.open_provider()
        try:
            yield
        finally:
            await world.provider.close()
            world.provider = patient


# --- records of other versions ----------------------------------------------------------------

LATER_FIELDS: Final = (
    "accepted",
    "attempts",
    "last_error",
    "marked",
    "retry_at",
    "seen",
    "seen_at",
    "version",
)
"""Fields of a record that say nothing of what was done, only how it went: an older bridge may
not have written them. There is no older version yet; this is what it will look like."""
_UNKNOWN: Final = {"written_by_a_newer_bridge": {"kept": True}}


def written_by_an_older_bridge(stage: Stage) -> None:
    """Take from every stored record and run what a bridge of yesterday did not know."""

    def older(body: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in body.items() if name not in LATER_FIELDS}

    def older_run(body: dict[str, Any]) -> dict[str, Any]:
        for action in body["actions"].values():
            action.pop("looks", None)
            action.pop("look_at", None)
        return body

    _rewrite(stage, older, older_run)


def written_by_a_newer_bridge(stage: Stage) -> None:
    """Add to every stored record and run what a bridge of tomorrow will know."""

    def newer(body: dict[str, Any]) -> dict[str, Any]:
        return {**body, "version": body.get("version", 1) + 1, **_UNKNOWN}

    def newer_run(body: dict[str, Any]) -> dict[str, Any]:
        body["actions"] = {name: {**one, **_UNKNOWN} for name, one in body["actions"].items()}
        return {**body, **_UNKNOWN}

    _rewrite(stage, newer, newer_run)


def forgotten(stage: Stage, run: str) -> list[str]:
    """Return what a run of a newer bridge has lost of what that wrote, before records were made."""
    with stage.database.connect() as connection:
        body = json.loads(
            connection.execute(
                sa.select(experiments.c.body).where(experiments.c.id == run)
            ).scalar_one()
        )
        bodies = [
            json.loads(one)
            for one in connection.execute(
                sa.select(records.c.body).where(records.c.experiment_id == run)
            ).scalars()
        ]
    lost = [name for name, one in body["actions"].items() if not one.items() >= _UNKNOWN.items()]
    if not body.items() >= _UNKNOWN.items():
        lost.append("the run")
    marked = [one for one in bodies if one.get("version", 1) > 1]
    lost += [one["id"] for one in marked if not one.items() >= _UNKNOWN.items()]
    return [f"{one} has lost what a newer bridge wrote" for one in lost]


def _rewrite(stage: Stage, record: Any, run: Any) -> None:
    with stage.database.begin() as connection:
        for table, change in ((records, record), (experiments, run)):
            for row in connection.execute(sa.select(table.c.id, table.c.body)).all():
                body = json.dumps(change(json.loads(row.body)))
                connection.execute(table.update().where(table.c.id == row.id).values(body=body))
