"""Who may push signals: those who know a token.

Taken from ``Authorization`` (Bearer, or the password of Basic) and from the query, because an
Azure action group and some others can be given nothing but a URL.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Final

from pydantic import SecretStr
from starlette.requests import Request

from bridge.api.native.problems import RefusalError

PARAMETER: Final = "token"
# SNS sends the credentials of a URL only after it was asked for them, in just these words.
CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="faultbridge signals", Bearer'}


def admits(tokens: Sequence[SecretStr], request: Request) -> bool:
    """Say whether a request carries one of the tokens, in a time that tells nothing of them."""
    offered = [_digest(text) for text in _offered(request)]
    found = False
    for token in tokens:
        for one in offered:
            found |= hmac.compare_digest(_digest(token.get_secret_value()), one)
    return found


def unauthorized(*, closed: bool) -> RefusalError:
    """Return the refusal of who shows no token; ``closed`` where there is none to show."""
    if closed:
        detail = (
            "the bridge takes no signals: neither FAULTBRIDGE_SIGNAL_TOKENS nor "
            "FAULTBRIDGE_SIGNAL_TOPICS is set; set one and start it again"
        )
        return RefusalError(HTTPStatus.FORBIDDEN, detail)
    detail = (
        "a token of FAULTBRIDGE_SIGNAL_TOKENS is needed: as Authorization: Bearer TOKEN, as the "
        f"password of Basic, or as ?{PARAMETER}=TOKEN; a message of an SNS topic in "
        "FAULTBRIDGE_SIGNAL_TOPICS needs none"
    )
    return RefusalError(HTTPStatus.UNAUTHORIZED, detail, headers=CHALLENGE)


def _offered(request: Request) -> Iterator[str]:
    yield from request.query_params.getlist(PARAMETER)[:2]
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        yield rest.strip()
    elif scheme.lower() == "basic":
        try:
            pair = base64.b64decode(rest.strip(), validate=True).decode()
        except ValueError:  # no base64, no ASCII, or no UTF-8 in it
            return
        yield pair.partition(":")[2]


def _digest(text: str) -> bytes:
    # Of one length, whatever the token's is.
    return hashlib.sha256(text.encode(errors="replace")).digest()
