"""Long-running operations: begun without a thread, kept by URL in the record, asked later.

Azure answers a call that takes time with a URL to ask, in the header ``Azure-AsyncOperation``
(whose body says how it stands) or ``Location`` (whose status code does): "Track asynchronous
Azure operations" in the Azure Resource Manager documentation.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from providers.contract import SUBSCRIPTION, Permission, optional

BY_STATUS: Final = "Azure-AsyncOperation"
BY_CODE: Final = "Location"

STATUS_RIGHTS: Final[tuple[Permission, ...]] = optional(
    "Microsoft.Compute/locations/operations/read",
    loses="an operation that fails late is noticed when its time is up, not before",
    on=(SUBSCRIPTION,),
)

_ACCEPTED: Final = 202
_FIRST_ERROR: Final = 400
_NOT_FOUND: Final = 404


class Standing(StrEnum):
    """How an operation stands."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """Azure has forgotten it, or it may not be asked."""


@dataclass(frozen=True)
class Begun:
    """What Azure answered to a call that may take time."""

    operation: Mapping[str, str] | None
    """Where to ask for its end, in the form that a record keeps; None if it need not be asked."""
    accepted: bool
    """Whether it takes time (202)."""
    body: Mapping[str, Any]

    @classmethod
    def read(cls, response: Any) -> Begun:
        """Read it from the SDK's response."""
        operation = None
        for header in (BY_STATUS, BY_CODE):
            if url := response.headers.get(header):
                operation = {"url": str(url), "by": header}
                break
        accepted = response.status_code == _ACCEPTED or (
            operation is not None and operation["by"] == BY_STATUS
        )
        return cls(operation, accepted, _json(response))

    def note(self, state: MutableMapping[str, Any], key: str) -> None:
        """Keep in a record's state where to ask; what an earlier call left there goes."""
        state.pop(key, None)
        if self.accepted and self.operation is not None:
            state[key] = dict(self.operation)


@dataclass(frozen=True)
class Asked:
    """What came of asking."""

    standing: Standing
    error: Mapping[str, Any]
    """``code`` and ``message`` of one that failed."""

    @classmethod
    def read(cls, response: Any, by: str) -> Asked:
        """Read an answer of any status; ``by`` is the header that the URL came in."""
        body = _json(response)
        error = body.get("error") if isinstance(body.get("error"), Mapping) else {}
        if response.status_code == _NOT_FOUND:
            return cls(Standing.UNKNOWN, {})
        if by == BY_CODE:
            if response.status_code >= _FIRST_ERROR:
                return cls(Standing.FAILED, error or {"code": str(response.status_code)})
            running = response.status_code == _ACCEPTED
            return cls(Standing.RUNNING if running else Standing.SUCCEEDED, {})
        status = str(body.get("status", "")).lower()
        if status == "succeeded":
            return cls(Standing.SUCCEEDED, {})
        if status in ("failed", "canceled"):
            return cls(Standing.FAILED, error or {"code": status.capitalize()})
        return cls(Standing.RUNNING if status else Standing.UNKNOWN, {})


def _json(response: Any) -> Mapping[str, Any]:
    try:
        body = response.json()
    except Exception:  # noqa: BLE001 - an empty body, or none of ARM's: the status says enough
        return {}
    return body if isinstance(body, Mapping) else {}
