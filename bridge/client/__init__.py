"""The small typed HTTP client of the native API, used by the command line and the triggers.

It knows `bridge.model` and HTTP and nothing else, so that a program may use it without the service
behind it.
"""

from __future__ import annotations

from bridge.client.client import AsyncClient, Client
from bridge.client.documents import StartRequest
from bridge.client.errors import ClientError, FailedError, RefusedError, UnreachableError

__all__ = [
    "AsyncClient",
    "Client",
    "ClientError",
    "FailedError",
    "RefusedError",
    "StartRequest",
    "UnreachableError",
]
