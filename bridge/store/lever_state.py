"""How the safety lever stands, within a transaction; and what a run is told that starts then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from bridge.model.inbox import Request, RequestKind
from bridge.model.lever import CAUSE, Lever, LeverStatus
from bridge.store.locks import Lock, hold
from bridge.store.tables import meta

if TYPE_CHECKING:
    from bridge.model.experiment import Experiment
    from bridge.model.moment import Micros

NAME: Final = "safety-lever"
"""Its row of ``meta``."""
ROW: Final = meta.c.name == NAME


def stored(connection: sa.Connection) -> Lever:
    """Return the lever as it was last moved."""
    body = connection.execute(sa.select(meta.c.value).where(ROW)).scalar_one_or_none()
    return Lever() if body is None else Lever.model_validate_json(body)


def obey_lever(connection: sa.Connection, experiment: Experiment) -> Request | None:
    """Return what a run must be told before its first step, None while the lever is disengaged.

    Call it in the transaction that stores the run: until that ends the lever cannot be moved.
    """
    hold(connection, Lock.LEVER, shared=True)
    lever = stored(connection)
    if lever.status is LeverStatus.DISENGAGED:
        return None
    return stop_request(lever, experiment.id, experiment.created_at)


def stop_request(lever: Lever, experiment: str, at: Micros) -> Request:
    """Return what an engaged lever asks of a run."""
    return Request(
        experiment=experiment,
        kind=RequestKind.STOP,
        at=at,
        details={
            "reason": f"The safety lever is engaged: {lever.reason}",
            "cause": CAUSE,
            **({"principal": lever.moved_by} if lever.moved_by else {}),
        },
    )
