"""Why somebody is not known. The texts are fit to be answered: no secret, no token, no setting.

AuthenticationError
├── NotAuthenticatedError   the request does not prove who makes it; `reason` says what is wrong
├── CannotTellError         who could vouch for it does not answer; the same request may do later
└── TooManyError            too many requests, or too many that proved nothing
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """What is wrong with a request's credentials, as far as a client may act on it."""

    MISSING = "missing"
    INCOMPLETE = "incomplete"
    SIGNATURE = "signature"
    UNKNOWN = "unknown"
    EXPIRED = "expired"


class AuthenticationError(Exception):
    """Base of what keeps a request from having a principal; its text is fit to be shown."""


class NotAuthenticatedError(AuthenticationError):
    """The request does not prove who makes it."""

    def __init__(self, reason: Reason, message: str) -> None:
        """Say what is wrong, and what to send instead."""
        super().__init__(message)
        self.reason = reason


class CannotTellError(AuthenticationError):
    """Whoever could vouch for the credentials does not answer."""


class TooManyError(AuthenticationError):
    """Too many requests of one caller, or too many of one address that proved nothing."""

    def __init__(self, message: str, *, seconds: float) -> None:
        """Say so; the next one may come in so many seconds."""
        super().__init__(message)
        self.seconds = seconds


def unknown(message: str) -> NotAuthenticatedError:
    """Return the refusal of a credential that nobody vouches for."""
    return NotAuthenticatedError(Reason.UNKNOWN, message)


def expired(message: str) -> NotAuthenticatedError:
    """Return the refusal of a credential whose time is over."""
    return NotAuthenticatedError(Reason.EXPIRED, message)
