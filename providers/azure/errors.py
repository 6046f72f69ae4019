"""What Azure's errors mean: refused for certain, denied, or worth asking again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from providers.contract import Caller, ProviderError, TransientError
from providers.refusals import DeniedError, RefusedError

if TYPE_CHECKING:
    from azure.core.exceptions import HttpResponseError

_DENIED: Final = frozenset(
    {"AuthorizationFailed", "DenyAssignmentAuthorizationFailed", "LinkedAuthorizationFailed"}
)
EXPIRED: Final = "ExpiredAuthenticationToken"
"""Code of a token that was over before the request arrived."""
NOT_FOUND: Final = frozenset(
    {"NotFound", "ParentResourceNotFound", "ResourceGroupNotFound", "ResourceNotFound"}
)
"""Codes that say that a resource does not exist."""
_PASSING: Final = frozenset(
    {
        "AnotherOperationInProgress",
        "AttachDiskWhileBeingDetached",
        "CanceledAndSupersededDueToAnotherOperation",
        "Conflict",
        "OperationPreempted",
        "ReferencedResourceNotProvisioned",
        "RetryableError",
        "RetryableErrorDueToAnotherOperation",
        "TooManyRequests",
    }
)
"""Codes of a conflict with another operation, which passes by itself."""
_UNDER_WAY: Final = re.compile(
    r"in progress|being (?:detached|attached|updated)|concurrent", re.IGNORECASE
)
"""OperationNotAllowed stands for many things; these words say that it passes by itself."""
_CAPACITY: Final = frozenset(
    {
        "AllocationFailed",
        "OverconstrainedAllocationRequest",
        "OverconstrainedZonalAllocationRequest",
        "SkuNotAvailable",
        "ZonalAllocationFailed",
    }
)
_MENDS: Final = {
    **dict.fromkeys(
        _CAPACITY, "Azure lacks capacity for its size there; undoing is tried again until it has."
    ),
    "ScopeLocked": "Remove the lock that it names, or leave the resource out.",
    "RequestDisallowedByPolicy": "Exempt the resource from the policy, or leave it out.",
}
_UNAUTHORIZED: Final = 401
_TOO_MANY: Final = 429
_TIMEOUT: Final = 408
_SERVER_FAULT: Final = 500
_LONGEST: Final = 300

_ACTION = re.compile(r"to perform action\(?s?\)? '([^']+)'")
_LINKED = re.compile(r"does not have permission to perform action\(?s?\)? '([^']+)'")
_SCOPE = re.compile(r"(?:over scope|linked scope\(s\)) '([^']+)'")
_INSTANCES = re.compile(r"instance(?:ids?)?\W+((?:\d+[,\s]*)+)", re.IGNORECASE)
_NO_INSTANCE = "is not an active Virtual Machine Scale Set VM instanceId"
"""How Compute says that an instance does not exist, with the code of any wrong parameter."""
_DISK = re.compile(r"(?:/disks/|disk ')([\w.-]+)", re.IGNORECASE)


def actor(caller: Caller) -> str:
    """Return who acts, in words for a message."""
    if caller.identity:
        return f"the managed identity {caller.identity}"
    return "the bridge's own identity"


@contextmanager
def translated(
    caller: Caller, call: str, doubtful: Callable[[], bool] = lambda: False
) -> Iterator[None]:
    """Raise our errors in place of the SDK's; their text is safe to show, and they have no cause.

    ``doubtful`` says whether an earlier attempt may have been carried out. Raises RefusedError,
    DeniedError or TransientError.
    """
    from azure.core.exceptions import (
        AzureError,
        ClientAuthenticationError,
        DecodeError,
        HttpResponseError,
        ServiceRequestError,
        ServiceResponseError,
    )

    try:
        yield
    except DecodeError:
        raise TransientError(f"The answer to {call} is not Azure's.", code="DecodeError") from None
    except HttpResponseError as error:
        if error.response is None and isinstance(error, ClientAuthenticationError):
            raise no_credentials(caller, call) from None
        raise _answered(error, caller, call, certain=not doubtful()) from None
    except (ServiceRequestError, ServiceResponseError) as error:
        kind = type(error).__name__
        raise TransientError(f"Azure did not answer {call} ({kind}).", code=kind) from None
    except AzureError as error:
        kind = type(error).__name__
        raise TransientError(
            f"{call} failed in the SDK ({kind}). If that goes on, check the bridge's "
            "credentials and FAULTBRIDGE_AZURE_ENDPOINT.",
            code=kind,
        ) from None
    except ValueError as error:
        # The SDK reads answers with the standard library's JSON, and lets its error through.
        kind = type(error).__name__
        raise TransientError(f"The answer to {call} is not Azure's ({kind}).", code=kind) from None


def no_credentials(caller: Caller, call: str) -> DeniedError:
    """Say that no token could be had; the SDK's own text may quote what it asked with."""
    if caller.identity:
        mend = (
            f"Run the bridge where {actor(caller)} is assigned to the machine, or federated with "
            "its Kubernetes service account (AZURE_FEDERATED_TOKEN_FILE, AZURE_TENANT_ID)."
        )
    else:
        mend = (
            "Give the bridge's process a managed identity, a federated service account, or "
            "AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET."
        )
    return DeniedError(
        "Not authorized to perform the required action: no Azure credentials were found of "
        f"{actor(caller)} for {call}. {mend}",
        code="NoCredentials",
    )


def refused(
    error: Mapping[str, Any], caller: Caller, call: str, *, status: int, certain: bool = True
) -> ProviderError:
    """Return what an error in ARM's words (``code``, ``message``) means."""
    code, text = str(error.get("code") or ""), str(error.get("message") or "")
    if passing := _passing(code, text, status, actor(caller), call):
        return TransientError(passing, code=code)
    if code in _DENIED:
        return DeniedError(_denial(caller, call, text), code=code, certain=certain)
    if status == _UNAUTHORIZED:
        return DeniedError(
            "Not authorized to perform the required action: Azure does not accept the token of "
            f"{actor(caller)} for {call} ({code or status}).",
            code=code,
            certain=certain,
        )
    reason = f"Azure refused {call}: {_shortened(text) or status} ({code or status})"
    if code in _MENDS:
        reason += f" {_MENDS[code]}"
    gone = code in NOT_FOUND or _NO_INSTANCE in text
    return RefusedError(reason, code=code, named=_named(text), gone=gone, certain=certain)


def _passing(code: str, text: str, status: int, who: str, call: str) -> str:
    """Return what passes by itself, in words; nothing for what does not."""
    if code == EXPIRED:
        return f"The token of {who} was over before {call}."
    if code in _CAPACITY:
        return ""
    if status == _TOO_MANY:
        return f"Azure throttled {call} ({code or status})."
    if code in _PASSING or (code == "OperationNotAllowed" and _UNDER_WAY.search(text)):
        return f"Azure put off {call}: another operation is under way ({code})."
    if status >= _SERVER_FAULT or status == _TIMEOUT:
        return f"Azure failed {call} ({code or status})."
    return ""


def _answered(error: HttpResponseError, caller: Caller, call: str, *, certain: bool) -> Any:
    content: Any = None
    if error.response is not None:
        answer: Any = error.response
        try:
            content = answer.json()
        except Exception:  # noqa: BLE001 - whatever it is, it is not ARM's JSON
            content = None
    body = content.get("error", content) if isinstance(content, dict) else None
    said = body if isinstance(body, dict) else {}
    return refused(said, caller, call, status=error.status_code or 0, certain=certain)


def _named(text: str) -> frozenset[str]:
    """Return the instance numbers and disk names that a message blames, in small letters."""
    numbers = {n for found in _INSTANCES.findall(text) for n in re.findall(r"\d+", found)}
    return frozenset(numbers | {name.lower() for name in _DISK.findall(text)})


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _denial(caller: Caller, call: str, text: str) -> str:
    match = _LINKED.search(text) or _ACTION.search(text)
    action = match[1] if match else call
    scope = found[1] if (found := _SCOPE.search(text)) else ""
    where = f" on {scope}" if scope else ""
    return (
        f"Not authorized to perform the required action: {actor(caller)} may not {action}{where}. "
        f"Assign it a role with {action} there."
    )
