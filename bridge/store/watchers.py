"""The runs that watch the conditions of one source, for a signal that means them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from bridge.model.inbox import RequestKind
from bridge.store.database import chunks
from bridge.store.tables import experiments, inbox, watches

if TYPE_CHECKING:
    from bridge.model.moment import Micros
    from bridge.model.signal import Signal


class Watchers:
    """The runs that watch conditions of one source, within one transaction."""

    def __init__(self, connection: sa.Connection, source: str) -> None:
        """Look them up on a connection whose transaction is open."""
        self._connection = connection
        self._source = watches.c.source == source
        self.values: list[str] = list(
            connection.execute(sa.select(watches.c.value).where(self._source).distinct()).scalars()
        )

    def of(self, values: list[str], *, made_before: Micros | None) -> dict[str, str]:
        """Return which runs watch any of the values, with the value that each watches."""
        found: dict[str, str] = {}
        for part in chunks(values):
            query = sa.select(watches.c.experiment_id, watches.c.value).where(
                self._source, watches.c.value.in_(part)
            )
            if made_before is not None:
                query = query.join(experiments, experiments.c.id == watches.c.experiment_id).where(
                    experiments.c.created_at <= made_before
                )
            for row in self._connection.execute(query.order_by(watches.c.id.desc())):
                found[row.experiment_id] = row.value
        return found

    def asked_before(self, ids: list[str]) -> set[str]:
        """Return which of the runs have a request to stop in their inbox, read or not.

        The runs are locked before that is looked for: what another asks of them meanwhile counts.
        """
        found: set[str] = set()
        for part in chunks(ids):
            locked = sa.select(experiments.c.id).where(experiments.c.id.in_(part))
            self._connection.execute(locked.order_by(experiments.c.id).with_for_update()).all()
            query = sa.select(inbox.c.experiment_id).where(
                inbox.c.experiment_id.in_(part), inbox.c.kind == str(RequestKind.STOP)
            )
            found.update(self._connection.execute(query).scalars())
        return found


def pushed_details(signal: Signal, value: str) -> dict[str, Any]:
    """Return what the journal says of a stop: the condition, and that its signal was pushed."""
    return {
        "reason": "Experiment halted by stop condition.",
        "cause": value,
        "source": signal.source,
        "pushed": True,
        "signal": signal.reason,
        "event": signal.event,
    }
