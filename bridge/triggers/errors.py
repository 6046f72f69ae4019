"""Why an event led to nothing, by what delivering it again would lead to.

TriggerError
├── NotSetUpError           until somebody mends the function's settings or rights, the same
├── BridgeUnavailableError  perhaps to a run: the bridge was not there, or had too much to do
└── EventRefusedError       the same: what a rule makes of this event is refused
"""

from __future__ import annotations

from http import HTTPStatus

from bridge.client.errors import ClientError, CredentialsError, RefusedError
from bridge.model.problem import Problem


class TriggerError(Exception):
    """Base of what a handler raises; its text is fit to be shown."""


class NotSetUpError(TriggerError):
    """A setting is missing or wrong, or the bridge does not let the function in."""


class BridgeUnavailableError(TriggerError):
    """The bridge does not answer, or not now."""


class EventRefusedError(TriggerError):
    """A rule fits the event, and what it asks for is refused."""

    def __init__(
        self,
        message: str,
        *,
        status: int = HTTPStatus.UNPROCESSABLE_ENTITY,
        problems: tuple[Problem, ...] = (),
    ) -> None:
        """Keep the status and the problems that the bridge answered, if it was the bridge."""
        super().__init__(message)
        self.status = status
        self.problems = problems


_NOT_LET_IN = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_NOT_NOW = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


def translated(error: ClientError) -> TriggerError:
    """Return what a client's error means for the event."""
    if isinstance(error, CredentialsError):
        return NotSetUpError(str(error))
    if not isinstance(error, RefusedError):
        return BridgeUnavailableError(str(error))
    problem = error.problem
    if problem.status in _NOT_LET_IN:
        return NotSetUpError(f"the bridge does not let this function do that: {error}")
    if problem.status in _NOT_NOW:
        return BridgeUnavailableError(str(error))
    words = "; ".join(map(str, problem.problems)) or str(error)
    return EventRefusedError(words, status=problem.status, problems=problem.problems)
