"""What carrying out a call needs: the run, the providers, and as whom."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bridge.model.failure import whereabouts
from bridge.model.moment import Micros
from providers.contract import Caller, FenceLostError, Mark, ProviderError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.engine.providers import Providers
    from bridge.engine.run import Run
    from bridge.engine.stop_conditions import StopWatch
    from bridge.model.record import Record
    from bridge.settings import Settings
    from bridge.store import Store
    from providers.contract import Fault, FaultParameters, Guard, Session

logger = logging.getLogger(__name__)

Apply = Callable[["Run", Micros], None]
"""Brings what a call found into the run."""


@dataclass
class Context:
    """What performing a call needs."""

    run: Run
    store: Store
    providers: Providers
    stop_watch: StopWatch
    guard: Guard
    installation: str
    rules: Settings
    wake: Callable[[], None]
    _sessions: dict[str, Session] = field(default_factory=dict)

    @property
    def caller(self) -> Caller:
        """The experiment's identity."""
        experiment = self.run.experiment
        return Caller(
            scope=experiment.scope,
            identity=experiment.template.identity,
            name=experiment.id,
            installation=self.installation,
            on_behalf_of=experiment.started_by.get("principal", ""),
        )

    async def session(self, provider: str) -> Session:
        """Return the run's session of a provider, opened once."""
        if provider not in self._sessions:
            self._sessions[provider] = await self.providers.session(
                provider, self.caller, self.guard, self.wake
            )
        return self._sessions[provider]

    def fault(self, action: str) -> tuple[Fault, FaultParameters]:
        """Return the fault of an action with its parameters."""
        template = self.run.experiment.template.actions[action]
        fault = self.providers.fault(template.action_id)
        return fault, fault.Parameters.model_validate(template.parameters)

    def mark(self, action: str, fault: Fault) -> Mark:
        """Return the mark that the records of an action carry."""
        return Mark(
            installation=self.installation,
            experiment=self.run.experiment.id,
            action=action,
            fault=fault.id,
            deadline=self.run.actions[action].ends_at,
            identity=self.caller.identity or "",
        )

    def of(self, ids: Sequence[str]) -> list[Record]:
        """Return records by id."""
        return [self.run.records[record] for record in ids]


def words(error: Exception) -> str:
    """Say what went wrong without a trace, a secret or a token."""
    if isinstance(error, ProviderError | FenceLostError):
        return str(error)
    logger.error("a provider failed unexpectedly: %s", whereabouts(error))
    return f"unexpected {type(error).__name__}; the bridge's log has the details"
