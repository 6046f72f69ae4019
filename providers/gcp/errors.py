"""What Google's errors mean: refused for certain, denied, or worth asking again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from providers.contract import Caller, ProviderError, TransientError
from providers.refusals import DeniedError, RefusedError

if TYPE_CHECKING:
    from google.api_core.exceptions import GoogleAPICallError
    from google.auth.exceptions import GoogleAuthError

CHANGED_MEANWHILE: Final = "conditionNotMet"
"""Code of a refusal because somebody changed tags or labels since they were read (HTTP 412)."""
EXISTS: Final = "alreadyExists"
"""Code of a refusal because the resource exists (HTTP 409)."""
_TOO_OFTEN: Final = frozenset({"rateLimitExceeded", "userRateLimitExceeded"})
"""Compute Engine writes its rate limits with HTTP 403 too ("Error messages")."""
_LONGEST: Final = 300
_UNAUTHORIZED: Final = "Not authorized to perform the required action:"

_REQUEST = re.compile(r"^[A-Z]+ https?://\S+: ")
"""What the SDK puts before Google's own words."""
_PERMISSION = re.compile(r"Required '(?P<permission>[a-zA-Z.]+)' permission")
_RESOURCE = re.compile(r"permission for '(?P<resource>[^']{1,200})'")


def actor(caller: Caller) -> str:
    """Return who acts, in words for a message."""
    if caller.identity:
        return f"the service account {caller.identity}"
    return "the bridge's own Google identity"


def too_often(error: BaseException) -> bool:
    """Say whether an exception of the SDK means that Google throttled the call."""
    from google.api_core.exceptions import Forbidden, TooManyRequests

    return isinstance(error, TooManyRequests) or (
        isinstance(error, Forbidden) and _reason(error) in _TOO_OFTEN
    )


@contextmanager
def translated(caller: Caller, call: str, delegates: Sequence[str] = ()) -> Iterator[None]:
    """Raise our errors in place of the SDK's; their text is safe to show, and they have no cause.

    ``call`` is the method in Google's words: ``compute.instances.stop``; ``delegates`` are those
    through whom a token is asked for. Raises RefusedError, DeniedError or TransientError.
    """
    from google.api_core.exceptions import GoogleAPICallError, GoogleAPIError, RetryError
    from google.auth.exceptions import GoogleAuthError
    from requests.exceptions import RequestException

    try:
        yield
    except RetryError as error:
        raise _given_up(error.cause, caller, call) from None
    except GoogleAPICallError as error:
        raise _answered(error, caller, call) from None
    except GoogleAuthError as error:
        raise _unauthenticated(error, caller, call, delegates) from None
    except (RequestException, GoogleAPIError) as error:
        raise _unanswered(error, call) from None


def _given_up(cause: BaseException | None, caller: Caller, call: str) -> ProviderError:
    from google.api_core.exceptions import GoogleAPICallError

    if isinstance(cause, GoogleAPICallError):
        return _answered(cause, caller, call)
    return _unanswered(cause, call)


def _unanswered(error: BaseException | None, call: str) -> TransientError:
    # The text may name a proxy with its password.
    kind = type(error).__name__
    return TransientError(f"Google Cloud did not answer {call} ({kind}).", code=kind)


def _answered(error: GoogleAPICallError, caller: Caller, call: str) -> ProviderError:
    status = int(error.code or 0)
    code = _reason(error) or str(status)
    text = _shortened(_REQUEST.sub("", str(error.message or "")))
    if too_often(error):
        return TransientError(f"Google Cloud throttled {call} ({code}).", code=code)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return TransientError(f"Google Cloud failed {call} ({code}).", code=code)
    if status == HTTPStatus.UNAUTHORIZED:
        return DeniedError(
            f"{_UNAUTHORIZED} Google does not accept the credentials of {actor(caller)} for "
            f"{call}. Check the bridge's Application Default Credentials.",
            code=code,
        )
    if status == HTTPStatus.FORBIDDEN:
        return DeniedError(_denial(caller, call, text), code=code)
    if status == HTTPStatus.PRECONDITION_FAILED:
        code = CHANGED_MEANWHILE
    elif status == HTTPStatus.CONFLICT:
        code = EXISTS
    gone = status == HTTPStatus.NOT_FOUND
    return RefusedError(f"Google Cloud refused {call}: {text} ({code})", code=code, gone=gone)


def _reason(error: GoogleAPICallError) -> str:
    """Return the first reason of an answer, such as ``notFound``."""
    found: list[Any] = list(error.errors or ())
    return str(found[0].get("reason", "")) if found and isinstance(found[0], dict) else ""


def _denial(caller: Caller, call: str, text: str) -> str:
    match = _PERMISSION.search(text)
    if match is None:
        # An API that is not enabled, a service perimeter, an organization policy.
        return f"{_UNAUTHORIZED} {actor(caller)} may not call {call}: {text}"
    where = f" on {found['resource']}" if (found := _RESOURCE.search(text)) else ""
    return (
        f"{_UNAUTHORIZED} {actor(caller)} may not {match['permission']}{where}. Grant it a role "
        f"with {match['permission']}."
    )


def _unauthenticated(
    error: GoogleAuthError, caller: Caller, call: str, delegates: Sequence[str]
) -> ProviderError:
    from google.auth.exceptions import DefaultCredentialsError, RefreshError, TransportError

    kind = type(error).__name__
    if isinstance(error, DefaultCredentialsError):
        return DeniedError(
            f"{_UNAUTHORIZED} no Google credentials were found for {call}. Give the bridge's "
            "process some: a key file in GOOGLE_APPLICATION_CREDENTIALS, workload identity, or "
            "the service account of the machine that it runs on.",
            code="NoCredentials",
        )
    if isinstance(error, TransportError) or error.retryable:
        return TransientError(f"Google did not give an access token ({kind}).", code=kind)
    if not isinstance(error, RefreshError):
        return TransientError(f"{call} failed in the SDK ({kind}).", code=kind)
    status = _status(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
        return TransientError(f"Google did not give an access token ({status}).", code=str(status))
    if caller.identity is None:
        return DeniedError(
            f"{_UNAUTHORIZED} Google does not accept the bridge's own credentials. Check the key "
            "file in GOOGLE_APPLICATION_CREDENTIALS, or the workload identity.",
            code=kind,
        )
    return DeniedError(_impersonation(str(caller.identity), delegates), code=str(status or kind))


def _impersonation(account: str, delegates: Sequence[str]) -> str:
    steps = [*delegates, account]
    through = f" through {', '.join(delegates)}" if delegates else ""
    lacking = f"{_UNAUTHORIZED} the bridge may not act as the service account {account}{through}"
    grants = " and ".join(
        f"gcloud iam service-accounts add-iam-policy-binding {step} "
        f"--role=roles/iam.serviceAccountTokenCreator --member=serviceAccount:{holder}"
        for holder, step in pairwise(["BRIDGE", *steps])
    )
    whose = "each of them" if delegates else "the bridge's own identity"
    return (
        f"{lacking} (iam.serviceAccounts.getAccessToken). Grant {whose} "
        f"roles/iam.serviceAccountTokenCreator on {'the next' if delegates else 'it'}: {grants}"
    )


def _status(error: GoogleAuthError) -> int:
    """Return the HTTP status that IAM Credentials answered; google-auth keeps the body only."""
    for part in error.args[1:]:
        try:
            return int(json.loads(part)["error"]["code"])
        except (KeyError, TypeError, ValueError):
            continue
    return 0


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
