"""Signature Version 4 as it comes with a request: taken apart and checked by all but arithmetic.

The rules and the words are AWS's (General Reference, "Signature Version 4"; answers of its
services). Only the ``Authorization`` header is taken: a signature in the query string is made to
be passed on, which nobody needs here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from iam.attempt import Attempt
from iam.refusals import NotAuthenticatedError, Reason

ALGORITHM: Final = "AWS4-HMAC-SHA256"
SERVICES: Final = ("fis", "faultbridge")
"""What a signature may be made for: FIS, as its clients do, or the bridge, as ours does.

One is as good as the other everywhere: the path is signed too.
"""
SKEW: Final = timedelta(minutes=5)
_TERMINATOR: Final = "aws4_request"
_PARTS: Final = ("Credential", "SignedHeaders", "Signature")
_CONTENT_HASH: Final = "x-amz-content-sha256"
_DATE: Final = "x-amz-date"
_TIMESTAMP: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_HEX: Final = re.compile(r"[0-9a-f]{64}")
_KEY_ID: Final = re.compile(r"[A-Za-z0-9_]{1,128}")
# What RFC 3986 lets stand in a path. Anything else might be cut off, or dropped, before the
# arithmetic sees it.
_PATH: Final = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@/%-]*")
_QUERY: Final = re.compile(r"[!-~]*")


@dataclass(frozen=True)
class Signature:
    """A request's signature, and for what it was made."""

    key_id: str
    timestamp: str
    """As the request writes it: ``20260102T030405Z``."""
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    content_hash: str | None
    """The body's SHA-256 as the request claims it."""


def is_signed(attempt: Attempt) -> bool:
    """Whether a request carries a signature of AWS's kind, in whatever version."""
    return any(value.startswith("AWS4-") for value in attempt.values("authorization"))


def read_signature(attempt: Attempt, *, region: str, now: datetime) -> Signature:
    """Return the signature of a request.

    Raises NotAuthenticatedError for one that is incomplete, old, made for something else, or that
    leaves out what it must sign.
    """
    found = _parts(attempt.value("authorization") or "")
    key_id, day, scope_region, service, terminator = _credential(found["Credential"])
    timestamp = attempt.value(_DATE)
    if timestamp is None:
        raise _incomplete("Authorization header requires existence of an 'X-Amz-Date' header.")
    _check_time(timestamp, now)
    if day != timestamp[:8]:
        raise _mismatch(
            f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
            f"HTTP: '{day}' != '{timestamp[:8]}'."
        )
    if scope_region != region:
        raise _mismatch(f"Credential should be scoped to a valid region: '{region}'.")
    if service not in SERVICES:
        raise _mismatch(f"Credential should be scoped to correct service: '{SERVICES[0]}'.")
    if terminator != _TERMINATOR:
        raise _mismatch(f"Credential should be scoped with a valid terminator: '{_TERMINATOR}'.")
    signed = tuple(found["SignedHeaders"].split(";"))
    _check_headers(attempt, signed)
    _check_address(attempt)
    if not _HEX.fullmatch(found["Signature"]):
        raise _mismatch("The signature is not 64 hexadecimal digits in lower case.")
    return Signature(
        key_id, timestamp, scope_region, service, signed, found["Signature"], _hash(attempt)
    )


def mismatch() -> NotAuthenticatedError:
    """Return the refusal of a signature that is another than ours, in AWS's words."""
    return _mismatch(
        "The request signature we calculated does not match the signature you provided. Check "
        "your AWS Secret Access Key and signing method. Consult the service documentation for "
        "details."
    )


def wrong_hash() -> NotAuthenticatedError:
    """Return the refusal of a body that is another than the one that was signed."""
    return _mismatch(f"The provided '{_CONTENT_HASH}' header does not match what was computed.")


def _parts(header: str) -> dict[str, str]:
    algorithm, _, rest = header.partition(" ")
    if algorithm != ALGORITHM:
        raise _incomplete(f"Unsupported AWS 'algorithm'; sign with {ALGORITHM}.")
    found: dict[str, str] = {}
    for part in rest.split(","):
        name, equals, value = part.strip().partition("=")
        if not equals or name not in _PARTS or name in found:
            raise _incomplete(
                "Authorization header must hold 'Credential', 'SignedHeaders' and 'Signature', "
                "each once and as NAME=VALUE."
            )
        found[name] = value
    missing = [name for name in _PARTS if not found.get(name)]
    if missing:
        wants = " ".join(f"Authorization header requires '{name}' parameter." for name in missing)
        raise _incomplete(wants)
    return found


def _credential(text: str) -> list[str]:
    parts = text.split("/")
    if len(parts) != 5 or not _KEY_ID.fullmatch(parts[0]):  # noqa: PLR2004 - key id and scope
        raise _incomplete(
            "Credential must have exactly 5 slash-delimited elements, e.g. "
            f"keyid/date/region/service/{_TERMINATOR}."
        )
    return parts


def _check_time(timestamp: str, now: datetime) -> None:
    signed_at = _read_time(timestamp)
    here = f"{now:%Y%m%dT%H%M%SZ}"
    if signed_at < now - SKEW:
        limit = f"{now - SKEW:%Y%m%dT%H%M%SZ}"
        raise _mismatch(
            f"Signature expired: {timestamp} is now earlier than {limit} ({here} - 5 min.)"
        )
    if signed_at > now + SKEW:
        limit = f"{now + SKEW:%Y%m%dT%H%M%SZ}"
        raise _mismatch(
            f"Signature not yet current: {timestamp} is still later than {limit} ({here} + 5 min.)"
        )


def _read_time(timestamp: str) -> datetime:
    if _TIMESTAMP.fullmatch(timestamp):
        try:
            return datetime.strptime(timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        except ValueError:  # a thirteenth month
            pass
    raise _incomplete(
        "Date must be in ISO-8601 'basic format', such as 20260102T030405Z, in X-Amz-Date."
    )


def _check_headers(attempt: Attempt, signed: tuple[str, ...]) -> None:
    if "host" not in signed:
        raise _mismatch("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
    # What is not signed, anybody on the way may have put there.
    left_out = sorted(
        {name for name, _ in attempt.headers if name.startswith("x-amz-")} - set(signed)
    )
    if left_out:
        raise _mismatch(f"'{left_out[0]}' must be a 'SignedHeader' in the AWS Authorization.")


def _check_address(attempt: Attempt) -> None:
    """Refuse what the arithmetic would take for another address than the routes do."""
    if not _PATH.fullmatch(attempt.path) or not _QUERY.fullmatch(attempt.query):
        raise _mismatch("The address has characters that must be percent-encoded.")
    if "#" in attempt.query:
        raise _mismatch("The address has a fragment; leave it out.")
    inner = attempt.path.split("/")[1:-1]
    if "" in inner or {".", ".."} & set(attempt.path.split("/")):
        raise _mismatch(
            "The path has an empty segment, '.' or '..', which signing leaves out; send it without."
        )


def _hash(attempt: Attempt) -> str | None:
    claimed = attempt.value(_CONTENT_HASH)
    if claimed is not None and not _HEX.fullmatch(claimed):
        raise _mismatch(
            f"'{_CONTENT_HASH}' must be the body's SHA-256 in hexadecimal digits: the body of "
            "every request is signed here."
        )
    return claimed


def _incomplete(message: str) -> NotAuthenticatedError:
    return NotAuthenticatedError(Reason.INCOMPLETE, message)


def _mismatch(message: str) -> NotAuthenticatedError:
    return NotAuthenticatedError(Reason.SIGNATURE, message)
