"""The error that a rule answers with, in the wire format of whichever service was called."""

from __future__ import annotations

from moto.core.errors import COMMON_ERROR_CODES
from moto.core.exceptions import ServiceException
from moto.core.responses import TYPE_RESPONSE, ActionResult, BaseResponse


class AwsError(ServiceException):
    """A refusal with AWS's error code, wording and HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(code, message)
        self.status = status


class RuledResponse(BaseResponse):
    """A moto service whose errors carry the HTTP status that the rule gave them.

    moto derives the status from the service model, where EC2's errors are not listed,
    and so answers 400 also for what EC2 answers with 403 or 503.
    """

    def serialized(self, action_result: ActionResult) -> TYPE_RESPONSE:
        """Write a result or an error in the protocol that the client spoke."""
        error = action_result.result
        if not isinstance(error, AwsError):
            return super().serialized(action_result)
        if error.code not in COMMON_ERROR_CODES:
            COMMON_ERROR_CODES.append(error.code)  # or moto warns that no service model has it
        _, headers, body = super().serialized(action_result)
        return error.status, headers, body
