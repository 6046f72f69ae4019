"""One protection taken out of a bridge process at a time: the matrix must see each of them go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import sqlalchemy as sa

from bridge.engine import lease, turn
from bridge.model.record import Phase, Record
from bridge.store import Claim, Store
from bridge.store.tables import experiments
from providers import registry
from providers.contract import DONE, Guard, Outcomes


def _no_write_ahead_commit() -> None:
    whole = turn.Turn._commit

    async def only_afterwards(self: Any) -> None:
        records = self._run.records.values()
        if not any(one.phase is Phase.INJECTING and not one.accepted for one in records):
            await whole(self)

    turn.Turn._commit = only_afterwards  # type: ignore[method-assign] # a mutant


def _no_mark() -> None:
    async def claim_to(
        _self: Any, _session: Any, _mark: Any, records: Sequence[Record]
    ) -> Outcomes:
        return {record.id: DONE for record in records}

    for fault in registry.FAULTS:
        setattr(type(registry.fault(fault)), "mark", claim_to)  # noqa: B010 - mypy knows the method


def _no_fence_check() -> None:
    def unchecked(_self: Store, connection: sa.Connection, claim: Claim, **values: object) -> None:
        of_the_run = experiments.c.id == claim.experiment
        connection.execute(experiments.update().where(of_the_run).values(**values))

    Store._compare_and_set = unchecked  # type: ignore[method-assign, assignment] # a mutant
    Guard.check = lambda _self: None  # type: ignore[method-assign, assignment] # a mutant


def _no_lease_renewal() -> None:
    async def never(*_: Any) -> None:
        await asyncio.Event().wait()

    lease._renew = never  # type: ignore[assignment] # a mutant


def _no_late_effect_entry() -> None:
    async def silent(_self: Any) -> None:
        return None

    turn.Turn._report_late_effects = silent  # type: ignore[method-assign, assignment] # a mutant


MUTANTS: Final[dict[str, Callable[[], None]]] = {
    "no write-ahead commit": _no_write_ahead_commit,
    "no mark": _no_mark,
    "no fence check": _no_fence_check,
    "no lease renewal": _no_lease_renewal,
    "no late-effect entry": _no_late_effect_entry,
}
