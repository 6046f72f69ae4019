"""Refusals that come before any router, in the words of the dialect that was spoken."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from bridge.api.errors import fis_response
from bridge.api.native.problems import problem_response
from bridge.dialects.fis.errors import (
    ExpiredError,
    FisError,
    IncompleteError,
    MissingTokenError,
    SignatureError,
    UnknownClientError,
)

_NATIVE: Final = "/v1/"
_HEALTH: Final = ("/healthz", "/readyz")
_UNPROVEN: Final = (
    MissingTokenError,
    IncompleteError,
    SignatureError,
    UnknownClientError,
    ExpiredError,
)
"""FIS's clients know them as 403; in HTTP's own words they are 401."""


def is_native(path: str) -> bool:
    """Whether a path, as it was sent, is one of our own API's."""
    return path.startswith(_NATIVE) or path in _HEALTH


def refusal(path: str, error: FisError) -> Response:
    """Return an error as those read it who call a path."""
    if not is_native(path):
        return fis_response(error)
    status = HTTPStatus.UNAUTHORIZED if isinstance(error, _UNPROVEN) else error.status
    return problem_response(status, error.message)
