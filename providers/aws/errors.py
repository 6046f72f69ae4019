"""What AWS's errors mean: refused for certain, denied, or worth asking again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from providers.contract import Caller, ProviderError, TransientError
from providers.refusals import DeniedError, RefusedError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_DENIED: Final = frozenset(
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnauthorizedAccess"}
)
_BAD_CREDENTIALS: Final = frozenset(
    {
        "AuthFailure",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "OptInRequired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
"""Codes of a session that was over before the request arrived."""
_THROTTLED: Final = frozenset(
    {
        "EC2ThrottledException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_CONTENDED: Final = frozenset({"ResourceContention", "ScalingActivityInProgress"})
"""Auto Scaling is busy with what the call names, and will not be for long (API reference)."""
NOT_FOUND: Final = frozenset(
    {
        "InvalidGroup.NotFound",
        "InvalidID",
        "InvalidInstanceID.Malformed",
        "InvalidInstanceID.NotFound",
        "InvalidNetworkInterfaceID.NotFound",
        "InvalidVolume.NotFound",
        "InvalidVolumeID.Malformed",
    }
)
"""Codes that name resources which do not exist."""
_NO_SUCH: Final = re.compile(r"AutoScalingGroup name not found|No managed instance found")
"""Auto Scaling says so in words only; its code for all that is wrong is ValidationError."""
_MENDS: Final = {
    "OperationNotPermitted": "Lift the protection that it names, or leave the resource out.",
    "InsufficientInstanceCapacity": "AWS lacks capacity for its type there; it is tried again.",
}
_SERVER_FAULT: Final = 500
_LONGEST: Final = 300

_ID = re.compile(r"\b[a-z]+-[0-9a-f]{8,17}\b")
_ACTION = re.compile(r"not authorized to perform: ?([a-z0-9-]+:[A-Za-z0-9]+)")
_RESOURCE = re.compile(r"on resource: ?(\S+)")


def actor(caller: Caller) -> str:
    """Return who acts, in words for a message."""
    return f"the role {caller.identity}" if caller.identity else "the bridge's own identity"


@contextmanager
def translated(
    caller: Caller, service: str, operation: str, assumer: str | None = None
) -> Iterator[None]:
    """Raise our errors in place of the SDK's; their text is safe to show, and they have no cause.

    ``assumer`` is the role as which a role is assumed, None being the bridge itself. Raises
    RefusedError, DeniedError or TransientError.
    """
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        ConnectionError,  # noqa: A004 - botocore's name; shadows the builtin in here only
        HTTPClientError,
        NoCredentialsError,
        ParamValidationError,
        PartialCredentialsError,
        ProfileNotFound,
    )
    from botocore.parsers import ResponseParserError

    call = f"{service}:{operation}"
    try:
        yield
    except ClientError as error:
        raise _answered(error, caller, service, assumer) from None
    except (NoCredentialsError, PartialCredentialsError, ProfileNotFound):
        raise DeniedError(
            f"Not authorized to perform the required action: no AWS credentials were found for "
            f"{call}. Give the bridge's process some by AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or the role of its instance or container.",
            code="NoCredentials",
        ) from None
    except ParamValidationError:
        raise RefusedError(f"{call} was not sent: its parameters are not AWS's.") from None
    except (ConnectionError, HTTPClientError) as error:
        kind = type(error).__name__
        raise TransientError(f"AWS did not answer {call} ({kind}).", code=kind) from None
    except ResponseParserError as error:
        kind = type(error).__name__
        raise TransientError(f"The answer to {call} is not AWS's ({kind}).", code=kind) from None
    except BotoCoreError as error:
        # Whether it had been sent cannot be told. The text may quote a credential helper.
        kind = type(error).__name__
        raise TransientError(
            f"{call} failed in the SDK ({kind}). If that goes on, check the bridge's Region, "
            "credentials and AWS_ENDPOINT_URL.",
            code=kind,
        ) from None


def _answered(
    error: ClientError, caller: Caller, service: str, assumer: str | None
) -> ProviderError:
    answer: dict[str, Any] = dict(error.response)
    code = str(answer.get("Error", {}).get("Code", ""))
    # EC2 appends a blob that names resources and policies, for sts:DecodeAuthorizationMessage.
    text = str(answer.get("Error", {}).get("Message", "")).split(" Encoded authorization")[0]
    metadata = answer.get("ResponseMetadata", {})
    status = int(metadata.get("HTTPStatusCode", 0))
    call = f"{service}:{error.operation_name}"
    if passing := _passing(code, status, caller, call):
        return TransientError(passing, code=code)
    named = frozenset(_ID.findall(text))
    certain = not metadata.get("RetryAttempts", 0)
    if code in _DENIED:
        return DeniedError(
            _denial(caller, call, text, assumer), code=code, named=named, certain=certain
        )
    if code in _BAD_CREDENTIALS:
        return DeniedError(
            f"Not authorized to perform the required action: AWS does not accept the credentials "
            f"of {actor(caller)} for {call} ({code}).",
            code=code,
            certain=certain,
        )
    reason = f"AWS refused {call}: {_shortened(text)} ({code})"
    if code in _MENDS:
        reason += f" {_MENDS[code]}"
    gone = code in NOT_FOUND or (code == "ValidationError" and bool(_NO_SUCH.search(text)))
    return RefusedError(reason, code=code, named=named, gone=gone, certain=certain)


def _passing(code: str, status: int, caller: Caller, call: str) -> str:
    """Return what to say of an error that tells nothing for good, else nothing."""
    if code in EXPIRED:
        return f"The session of {actor(caller)} was over before {call}."
    if code in _THROTTLED:
        return f"AWS throttled {call} ({code})."
    if code in _CONTENDED:
        return f"Auto Scaling could not do {call} now ({code})."
    if status >= _SERVER_FAULT and not code.startswith("Insufficient"):
        return f"AWS failed {call} ({code or status})."
    return ""


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _denial(caller: Caller, call: str, text: str, assumer: str | None) -> str:
    action = match[1] if (match := _ACTION.search(text)) else call
    resource = match[1].rstrip(".,") if (match := _RESOURCE.search(text)) else ""
    where = f" on {resource}" if resource else ""
    if call == "sts:AssumeRole":
        who = f"the role {assumer}" if assumer else "the bridge"
        whom = assumer or "the bridge's identity"
        return (
            f"Not authorized to perform the required action: {who} may not assume the role "
            f"{caller.identity}. Allow sts:AssumeRole for {whom}, in its own policy "
            "and in the role's trust policy; an external id that the latter asks for is given by "
            "FAULTBRIDGE_AWS_EXTERNAL_IDS."
        )
    return (
        f"Not authorized to perform the required action: {actor(caller)} may not {action}{where}. "
        f"Allow {action} in its policy."
    )
