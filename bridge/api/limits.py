"""What a request may be before any router sees it: from where, how large, how deep.

Where the bridge asks nobody who is calling it listens on loopback, and a web page must not reach
it: not by its own name bound to 127.0.0.1 (DNS rebinding), not by a form or script of another
origin. Where it asks, a page knows no credentials, and none are kept that a browser would add by
itself: the name does not matter then. Other origins are refused all the same.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Collection
from ipaddress import ip_address
from typing import Any, Final, NoReturn
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.api.refusals import refusal
from bridge.dialects.fis.errors import AccessError, FisError, TooLargeError
from bridge.model.wording import quote

LARGEST_BODY: Final = 1024 * 1024
DEEPEST_BODY: Final = 32
"""Levels of lists and objects; a FIS document has six."""
_LONGEST_NUMBER: Final = 18
"""Digits of the longest whole number: what 64 bits hold."""

_UNSTORABLE: Final = "NUL and lone surrogates cannot be stored; remove them"


class Limits:
    """Refuses requests that come from elsewhere or are too large, and keeps paths as sent.

    FIS's clients percent-encode ``/`` and ``:`` in path labels, so routing on a decoded path would
    break them: routes see the path as it was sent, and decode their labels themselves.
    """

    def __init__(
        self, app: ASGIApp, hosts: Collection[str] = (), *, any_host: bool = False
    ) -> None:
        """Accept loopback names and addresses, and the given host names (without port).

        ``any_host`` is for a bridge that asks who is calling.
        """
        self._app = app
        self._any_host = any_host
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a refusal, or hand the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        raw: bytes = scope["raw_path"]
        scope = {**scope, "path": raw.decode("latin-1")}
        try:
            self._admit(Headers(scope=scope))
        except FisError as error:
            await refusal(scope["path"], error)(scope, receive, send)
            return
        await self._app(scope, _bounded(receive), send)

    def _admit(self, headers: Headers) -> None:
        host = headers.get("host", "")
        name = urlsplit(f"//{host}").hostname if _parses(host) else None
        known = self._any_host or (name is not None and self._is_known(name))
        if not known:
            msg = (
                f"Host: {quote(host)} is not a name of this bridge; "
                "reach it as 127.0.0.1 or localhost, or add the name to its hosts"
            )
            raise AccessError(msg)
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != host:
            msg = f"Origin: {quote(origin)} may not use this bridge; leave the header out"
            raise AccessError(msg)
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length[:20]) > LARGEST_BODY:
            raise _too_large()

    def _is_known(self, name: str) -> bool:
        return _is_loopback(name) or name in self._hosts


def parse_json(body: bytes) -> Any:
    """Read a JSON body strictly.

    Raises ValueError, with the place and the mend, for what is no JSON, a repeated name, a number
    that is not finite, a text that no database can hold, or nesting beyond `DEEPEST_BODY`.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        msg = f"the body is not UTF-8 (byte {error.start}); encode it so"
        raise ValueError(msg) from None
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_countable,
        )
    except json.JSONDecodeError as error:
        msg = f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        raise ValueError(msg) from None
    except RecursionError:
        raise ValueError(_too_deep()) from None
    _check_depth_and_text(value)
    return value


def _check_depth_and_text(value: Any) -> None:
    level = [value]
    for _ in range(DEEPEST_BODY):
        below: list[Any] = []
        for item in level:
            if isinstance(item, str):
                check_text(item)
            elif isinstance(item, list):
                below.extend(item)
            elif isinstance(item, dict):
                below.extend(item)
                below.extend(item.values())
        if not below:
            return
        level = below
    raise ValueError(_too_deep())


def check_text(text: str) -> None:
    """Raise ValueError for a text that a database cannot hold."""
    if "\x00" in text or (not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text)):
        msg = f"{quote(text)}: {_UNSTORABLE}"
        raise ValueError(msg)


def _too_deep() -> str:
    return f"the body is nested deeper than {DEEPEST_BODY} levels; flatten it"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        msg = f"{quote(twice)} stands twice in one object; remove one of them"
        raise ValueError(msg)
    return found


def _no_constant(name: str) -> NoReturn:
    msg = f"{quote(name)} is not a number that can be kept; write a smaller one"
    raise ValueError(msg)


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        _no_constant(digits)
    return value


def _countable(digits: str) -> int:
    if len(digits) > _LONGEST_NUMBER:
        _no_constant(digits)
    return int(digits)


def _bounded(receive: Receive) -> Receive:
    size = 0

    async def bounded() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > LARGEST_BODY:
            raise _too_large()
        return message

    return bounded


def _too_large() -> TooLargeError:
    return TooLargeError(f"the body is larger than {LARGEST_BODY} bytes; split the template")


def _parses(host: str) -> bool:
    try:
        _ = urlsplit(f"//{host}").port
    except ValueError:
        return False
    return not set(host) & set("/?#@ ")


def _is_loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
