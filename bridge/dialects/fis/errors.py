"""Errors as FIS's clients expect them: a code, an HTTP status, one message.

FisError
├── ValidationError        400 ValidationException
├── NotFoundError          404 ResourceNotFoundException
├── ConflictError          409 ConflictException
├── AccessError            403 AccessDeniedException
├── MissingTokenError      403 MissingAuthenticationTokenException
├── IncompleteError        403 IncompleteSignatureException
├── SignatureError         403 InvalidSignatureException
├── UnknownClientError     403 UnrecognizedClientException
├── ExpiredError           403 ExpiredTokenException
├── UnknownOperationError  404 UnknownOperationException
├── TooLargeError          413 RequestEntityTooLargeException
├── ThrottlingError        429 ThrottlingException
├── NotSupportedError      501 NotImplementedException
├── UnavailableError       503 ServiceUnavailableException
└── InternalError          500 InternalServerException

The first three are the service model's; the others are those that AWS services answer outside
their models. The SDKs raise all of them as they are and repeat only the last two and those that are
throttled (501 is not among the statuses that botocore retries, in any of its modes).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from bridge.model.problem import Problem

LONGEST_MESSAGE: Final = 1024
"""The service model's limit of an exception's message, in characters."""


class FisError(Exception):
    """An error to be answered; its text is the message."""

    code: ClassVar[str]
    status: ClassVar[int]

    @property
    def message(self) -> str:
        """The text, within the service model's limit."""
        text = str(self)
        return text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 1] + "…"


class ValidationError(FisError):
    """The request is refused as it stands; nothing was changed."""

    code = "ValidationException"
    status = 400

    @classmethod
    def of(cls, problems: Sequence[Problem]) -> ValidationError:
        """Name every problem, or as many as fit and the number of the others."""
        return cls(summary(problems))


class NotFoundError(FisError):
    """The object does not exist in this account and Region."""

    code = "ResourceNotFoundException"
    status = 404


class ConflictError(FisError):
    """The request contradicts an earlier one."""

    code = "ConflictException"
    status = 409


class AccessError(FisError):
    """The request comes from where none is taken from."""

    code = "AccessDeniedException"
    status = 403


class MissingTokenError(FisError):
    """The request has no credentials at all."""

    code = "MissingAuthenticationTokenException"
    status = 403


class IncompleteError(FisError):
    """The request's signature lacks a part, or cannot be read."""

    code = "IncompleteSignatureException"
    status = 403


class SignatureError(FisError):
    """The request's signature is wrong, old, or made for something else."""

    code = "InvalidSignatureException"
    status = 403


class UnknownClientError(FisError):
    """Nobody vouches for the access key or the token."""

    code = "UnrecognizedClientException"
    status = 403


class ExpiredError(FisError):
    """The token was valid once."""

    code = "ExpiredTokenException"
    status = 403


class UnknownOperationError(FisError):
    """No operation has this method and path."""

    code = "UnknownOperationException"
    status = 404


class TooLargeError(FisError):
    """The request's body is larger than is read."""

    code = "RequestEntityTooLargeException"
    status = 413


class ThrottlingError(FisError):
    """Too many requests; the same one may succeed a little later."""

    code = "ThrottlingException"
    status = 429


class NotSupportedError(FisError):
    """FIS has the operation; the bridge has not, yet."""

    code = "NotImplementedException"
    status = 501


class UnavailableError(FisError):
    """Something that the bridge needs is away; the same request may succeed later."""

    code = "ServiceUnavailableException"
    status = 503


class InternalError(FisError):
    """The bridge failed; the log says more under the reference in the message."""

    code = "InternalServerException"
    status = 500


def summary(problems: Sequence[Problem]) -> str:
    """Return the problems in one message of at most 1024 characters.

    The first always appears; those that do not fit are counted.
    """
    texts = [str(problem) for problem in problems]
    kept = len(texts)
    while kept > 1 and len(_joined(texts, kept)) > LONGEST_MESSAGE:
        kept -= 1
    message = _joined(texts, kept)
    if len(message) <= LONGEST_MESSAGE:
        return message
    room = LONGEST_MESSAGE - (len(message) - len(texts[0])) - 1
    return _joined([texts[0][:room] + "…", *texts[1:]], 1)


def _joined(texts: Sequence[str], kept: int) -> str:
    left = len(texts) - kept
    tail = f" … and {left} more" if left else ""
    return "; ".join(texts[:kept]) + tail
