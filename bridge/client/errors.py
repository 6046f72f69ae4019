"""What goes wrong between a client and a bridge.

ClientError
├── CredentialsError   what there is to show to a bridge cannot be used
├── UnreachableError   no bridge answers at the address
├── RefusedError       the bridge refused the request (4xx), naming what is wrong with it
└── FailedError        the bridge failed (5xx), or what answered is no bridge
"""

from __future__ import annotations

from bridge.client.documents import ProblemDocument


class ClientError(Exception):
    """Base of what a client raises; its text is fit to be shown."""


class CredentialsError(ClientError):
    """What there is to show to a bridge cannot be used; the text names the variable."""


class UnreachableError(ClientError):
    """No bridge answers at the address; whether the request arrived is not known."""


class _AnsweredError(ClientError):
    """The server's own words about a request that did not succeed."""

    def __init__(self, problem: ProblemDocument) -> None:
        """Keep the problem as the server wrote it."""
        super().__init__(problem.detail or problem.title)
        self.problem = problem


class RefusedError(_AnsweredError):
    """The bridge refused the request; ``problem.problems`` says what is wrong, by path."""


class FailedError(_AnsweredError):
    """The bridge failed, or what answered is no bridge."""
