"""String formats of schemas, as the API server checks them; others mean nothing to it or to us."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from urllib.parse import urlsplit

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[-+]\d\d:\d\d)")
_BYTES = re.compile(r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_UUID = (
    r"(?i)[0-9a-f]{{8}}-?[0-9a-f]{{4}}-?{version}[0-9a-f]{{3}}-?{variant}[0-9a-f]{{3}}-?"
    r"[0-9a-f]{{12}}"
)
_EMAIL = re.compile(r"[^@\s<>(),;:]+@[^@\s<>(),;:]+")
_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"{_LABEL}|({_LABEL}\.)+[A-Za-z]{{2,63}}")
_MAC = re.compile(
    r"(?i)[0-9a-f]{2}([:-])([0-9a-f]{2}\1){4}([0-9a-f]{2}|([0-9a-f]{2}\1){2}[0-9a-f]{2})"
)
_UNITS = (
    "ns|us|µs|μs|ms|s|m|h|d|w|nanos?|micros?|millis?|secs?|mins?|hours?|days?|weeks?"
    "|nanoseconds?|microseconds?|milliseconds?|seconds?|minutes?|hrs?|hr"
)
_DURATION = re.compile(rf"[-+]?0|[-+]?((\d+(\.\d*)?|\.\d+)\s*({_UNITS})\s*)+")


def _parses(read: Callable[[str], object]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            read(text)
        except ValueError:
            return False
        return True

    return check


def _fully(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.fullmatch(text) is not None


def _uuid(version: str, variant: str = "[0-9a-f]") -> Callable[[str], bool]:
    return _fully(re.compile(_UUID.format(version=version, variant=variant)))


def _moment(text: str) -> bool:
    return _DATE_TIME.fullmatch(text) is not None and _parses(datetime.fromisoformat)(text.upper())


def _day(text: str) -> bool:
    return re.fullmatch(r"\d{4}-\d\d-\d\d", text) is not None and _parses(date.fromisoformat)(text)


def _uri(text: str) -> bool:
    """Take what a request may name: an absolute address, or a path from the root."""
    if re.search(r"[\x00-\x20\x7f]", text):
        return False
    return text.startswith("/") or bool(_parses(urlsplit)(text) and urlsplit(text).scheme)


def _network(text: str) -> bool:
    return "/" in text and _parses(lambda given: ipaddress.ip_network(given, strict=False))(text)


CHECKS: Mapping[str, Callable[[str], bool]] = {
    "byte": _fully(_BYTES),
    "cidr": _network,
    "date": _day,
    "date-time": _moment,
    "datetime": _moment,
    "duration": _fully(_DURATION),
    "email": _fully(_EMAIL),
    "hostname": _fully(_HOST),
    "ipv4": _parses(ipaddress.IPv4Address),
    "ipv6": _parses(ipaddress.IPv6Address),
    "mac": _fully(_MAC),
    "password": lambda _text: True,
    "uri": _uri,
    "uuid": _uuid("[0-9a-f]"),
    "uuid3": _uuid("3"),
    "uuid4": _uuid("4", "[89ab]"),
    "uuid5": _uuid("5", "[89ab]"),
}
"""By the name of the format."""

UNCHECKED = frozenset(
    {"bsonobjectid", "creditcard", "hexcolor", "isbn", "isbn10", "isbn13", "rgbcolor", "ssn"}
)
"""What a real server checks and the emulator does not."""
