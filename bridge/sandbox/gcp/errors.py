"""The errors of Google's APIs, in their JSON shape.

Google Cloud APIs, "Errors" (the JSON envelope of HTTP mapping); Compute Engine API, "Error
messages" for the reasons.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from werkzeug.wrappers import Response

_CANONICAL = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
}


class GoogleError(Exception):
    """A refusal with Google's reason, wording and HTTP status."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        *,
        location: tuple[str, str] | None = None,
        canonical: str = "",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.location = location
        self.canonical = canonical or _CANONICAL.get(status, "")
        """The place that the error is about, and its kind (``header``, ``parameter``)."""

    def response(self) -> Response:
        """Write the error."""
        detail: dict[str, Any] = {
            "message": self.message,
            "domain": "usageLimits" if self.reason == "rateLimitExceeded" else "global",
            "reason": self.reason,
        }
        if self.location is not None:
            detail["location"], detail["locationType"] = self.location
        error: dict[str, Any] = {
            "code": self.status,
            "message": self.message,
            "errors": [detail],
        }
        if self.canonical:
            error["status"] = self.canonical
        return Response(
            json.dumps({"error": error}),
            self.status,
            content_type="application/json; charset=UTF-8",
        )


def not_found(path: str) -> GoogleError:
    """Answer what is said about a resource that is not there."""
    return GoogleError(404, "notFound", f"The resource '{path}' was not found")


def invalid(field: str, value: str, reason: str) -> GoogleError:
    """Answer what is said about a field with a wrong value."""
    message = f"Invalid value for field '{field}': '{value}'. {reason}"
    return GoogleError(400, "invalid", message)


def not_ready(path: str) -> GoogleError:
    """Answer what is said about a resource whose state does not allow the change."""
    return GoogleError(400, "resourceNotReady", f"The resource '{path}' is not ready")


def not_emulated(what: str) -> GoogleError:
    """Answer that the emulator does not know how the real API treats ``what``."""
    return GoogleError(501, "notImplemented", f"The sandbox does not emulate {what}")


def http_phrase(status: int) -> str:
    """Answer what an operation shows as ``httpErrorMessage``."""
    return HTTPStatus(status).phrase.upper()
