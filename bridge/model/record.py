"""The record of one touched resource: what was done to it and all that undoing needs."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from bridge.model.moment import Micros

RECORD_VERSION: Final = 1


class Phase(StrEnum):
    """How far a record has come.

    ``prepared → injecting → injected → reverting``, then one of the ends. ``prepared`` proves
    that no call was made; ``injecting`` that one may have been.
    """

    PREPARED = "prepared"
    INJECTING = "injecting"
    INJECTED = "injected"
    REVERTING = "reverting"
    REVERTED = "reverted"
    NOT_INJECTED = "not-injected"
    GONE = "gone"
    KEPT = "kept"
    RELEASED = "released"

    @property
    def ended(self) -> bool:
        """Whether nothing more will be done to the resource."""
        return self in _ENDS


_ENDS: Final = frozenset(
    {Phase.REVERTED, Phase.NOT_INJECTED, Phase.GONE, Phase.KEPT, Phase.RELEASED}
)


class Record(BaseModel):
    """One resource touched by one run.

    A provider reads all of it but writes ``state`` and ``touches`` only; the rest is the
    engine's. It is committed after ``prepare`` and before ``inject``. What a newer bridge has
    added to it is kept.
    """

    model_config = ConfigDict(extra="allow")

    id: str
    """Unique in the store: ``<experiment>/<action>/<number>``."""
    action: str
    """Name of the action that made it; its parameters were the ones injected."""
    holders: tuple[str, ...]
    """Names of the actions of the run that still need the fault; the last to end undoes it."""
    fault: str
    """Id of the fault (its class's ``id``)."""
    resource: str
    """Full name of the touched resource: an ARN, or cluster, namespace, kind and name."""
    effect: str | None
    """What is done to it, for the overlap rule; None when runs may share the resource."""
    touches: tuple[str, ...] = ()
    """Other resources on which undoing depends (a volume's instance)."""
    phase: Phase = Phase.PREPARED
    sequence: int = 0
    """Order of injection within the run; undo runs in reverse where records touch each other."""
    accepted: bool = False
    """Whether the cloud has answered that it took the last call on."""
    attempts: int = 0
    """Calls made towards the present phase's end; the pause between them grows with it."""
    called_at: Micros | None = None
    """When the last injecting call began: it may take effect for one call lifetime."""
    seen: str | None = None
    """What the last look found (``absent``, ``applying``, ``present`` …)."""
    seen_at: Micros | None = None
    retry_at: Micros | None = None
    marked: bool | None = None
    """Whether the undo also stands on the resource; None where it was not tried yet."""
    state: dict[str, Any] = Field(default_factory=dict)
    """The provider's own notes; opaque to the engine, JSON only."""
    last_error: str | None = None
    releasing: dict[str, Any] | None = None
    """What an operator said who gives the resource up by force (``reason``, ``webhooks``); None
    where nobody does. It is not undone any more; what holds it is let go of."""
    version: int = RECORD_VERSION

    @property
    def related(self) -> frozenset[str]:
        """Every resource that this record ties together."""
        return frozenset((self.resource, *self.touches))
