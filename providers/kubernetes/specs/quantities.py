"""Numbers and sizes in text, read as Go's strconv and go-units read them in the webhook.

Each function returns what it was given when the cluster would accept it, and raises ValueError with
what to write instead when it would not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final

from providers.kubernetes.specs.problems import shown

_INT64: Final = 1 << 63
_UINT64: Final = (1 << 64) - 1
_LONGEST_NUMBER: Final = 20  # digits of the largest 64-bit number
# Halfway from the largest float32 to the next power of two: from here Go answers "out of range".
_FLOAT32_OVERFLOW: Final = 2.0**128 - 2.0**103
_PERCENT: Final = 100

_DIGITS: Final = r"[0-9](?:_?[0-9])*"
_DECIMAL: Final = re.compile(
    rf"[+-]?(?:{_DIGITS}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?"
)
_HEX_DIGITS: Final = r"[0-9a-fA-F](?:_?[0-9a-fA-F])*"
_HEXADECIMAL: Final = re.compile(
    rf"([+-]?)0[xX]_?((?:{_HEX_DIGITS}(?:\.(?:{_HEX_DIGITS})?)?|\.{_HEX_DIGITS}))"
    rf"[pP]([+-]?{_DIGITS})"
)
_SPECIAL: Final = re.compile(r"(?:[+-]?(?:inf|infinity)|nan)", re.IGNORECASE | re.ASCII)
_INTEGER: Final = re.compile(r"([+-]?)([0-9]+)")
_LEADING_NUMBER: Final = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*%?\s*")
# The white space of Unicode: str.strip() would also take off the separators 0x1c to 0x1f.
_GO_SPACE: Final = (
    "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
    "\u200a\u2028\u2029\u202f\u205f\u3000"
)
# Longest first where one is the end of another.
_RATE_UNITS: Final = (
    "tbps", "gbps", "mbps", "kbps", "bps", "tbit", "gbit", "mbit", "kbit", "bit",
)  # fmt: skip


def _multiples(prefixes: str, ending: str, step: int) -> dict[str, int]:
    return {f"{prefix}{ending}": step**power for power, prefix in enumerate(prefixes, start=1)}


# Three sets, which a size may not mix: short binary, binary and decimal. "c" is a byte.
_MACHINE_UNITS: Final = (
    {"c": 1} | _multiples("KMGTPE", "", 1024),
    {"c": 1} | _multiples("KMGTPE", "iB", 1024),
    {"c": 1, "kB": 1000} | _multiples("KMGTPE", "B", 1000),
)
_SIZE_PART: Final = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^0-9.]*)")
# Go gives up on a number when the digits before its last reach this.
_LEADING_LIMIT: Final = ((1 << 63) - 10) // 10
_LONGEST_SIZE: Final = 1_024  # characters; Python converts no number of more than 4,300 digits
_SIZE_UNITS: Final = frozenset(
    ["", "b", *(prefix + ending for prefix in "kmgtp" for ending in ("", "b", "ib"))]
)


def float_of(text: str) -> float:
    """Read a float32 as Go's ParseFloat does: "25", "0.5", "1e-3", "0x1p-2", "inf", "nan".

    Raises ValueError for a "%" sign, for spaces, and beyond the range of a float32.
    """
    value = _float64(text)
    if value is None or _FLOAT32_OVERFLOW <= abs(value) < math.inf:
        raise ValueError(f"{shown(text)} is not a number, {_number_mend(text)}")
    return value


def float_text(text: str) -> str:
    """Check that a text is a number (see `float_of`), as loss, duplicate and corrupt want it."""
    float_of(text)
    return text


def correlation_text(text: str) -> str:
    """Check a correlation: a number, or empty, which the webhook turns into "0"."""
    return float_text(text) if text else text


def integer_of(text: str) -> int:
    """Read a 64-bit integer as Go's Atoi does: ASCII digits, an optional sign, nothing else.

    Raises ValueError otherwise.
    """
    found = _INTEGER.fullmatch(text)
    if found:
        sign, digits = found.groups()
        digits = digits.lstrip("0") or "0"
        if len(digits) <= _LONGEST_NUMBER:
            number = int(digits) * (-1 if sign == "-" else 1)
            if -_INT64 <= number < _INT64:
                return number
    raise ValueError(f"{shown(text)} is not a whole number, {_number_mend(text, whole=True)}")


def rate_text(text: str) -> str:
    """Check a rate: a whole number and bit, kbit … tbit, bps, kbps … tbps ("bps" is bytes).

    Case does not matter and spaces are allowed. Raises ValueError for a sign, a fraction, a missing
    or an unknown unit.
    """
    lowered = text.strip(_GO_SPACE).lower()
    unit = next((unit for unit in _RATE_UNITS if lowered.endswith(unit)), None)
    if unit is None:
        raise ValueError(
            f"{shown(text)} has no unit of bandwidth, write a whole number and one of "
            f'{", ".join(_RATE_UNITS)}, such as "10mbps"'
        )
    number = lowered[: -len(unit)].strip(_GO_SPACE)
    digits = number.lstrip("0") or number[-1:]
    if (
        not _INTEGER.fullmatch(number)
        or number[0] in "+-"
        or len(digits) > _LONGEST_NUMBER
        or int(digits) > _UINT64
    ):
        raise ValueError(
            f"{shown(text)} is not a rate, write a whole number without sign or fraction, "
            f'such as "10{unit}"'
        )
    return text


def size_text(text: str) -> str:
    """Check an amount of memory: "256MB", "1.5GiB", "1 g", "50%" of what there is, or empty.

    Raises ValueError for an unknown unit, a negative size, or a share outside 0 to 100 %.
    """
    if not text:
        return text
    if text.endswith("%"):
        try:
            share = integer_of(text[:-1])
        except ValueError:
            share = -1
        if not 0 <= share <= _PERCENT:
            raise ValueError(
                f'{shown(text)} is not a share of the memory, write "0%" to "100%" in whole numbers'
            )
        return text
    last = max(text.rfind(mark) for mark in "0123456789. ")
    number = text[:last] if text[last : last + 1] == " " else text[: last + 1]
    size = _float64(number)
    if size is None or size < 0:
        raise ValueError(f'{shown(text)} is not a size, write it like "256MB" or "50%"')
    if text[last + 1 :].lower() not in _SIZE_UNITS:
        raise ValueError(
            f"{shown(text)} has no unit of size, write B, KB, MB, GB, TB, PB or KiB … PiB, "
            'such as "256MB"'
        )
    return text


def machine_size(text: str) -> str:
    """Check a size as PhysicalMachineChaos reads it: "100MB", "1GiB", "512K", "10c" (bytes).

    Units are written as they are here, capitals included; several parts add up. Raises ValueError
    for a bare number, a percentage and an unknown unit, which Chaos Mesh refuses too.
    """
    if any(_adds_up(text, units) for units in _MACHINE_UNITS):
        return text
    number = _LEADING_NUMBER.fullmatch(text[:_PERCENT])
    mend = f'write it like "{number.group(1)}MB"' if number else 'write it like "100MB"'
    reason = "has no unit of size" if number and "%" not in text else "is not a size"
    raise ValueError(
        f"{shown(text)} {reason}, {mend} (c for bytes; K, M, G, T, P, E; KiB … EiB; kB … EB)"
    )


def _adds_up(text: str, units: Mapping[str, int]) -> bool:
    rest = text[1:] if text[:1] in ("-", "+") else text
    if rest == "0":
        return True
    if not rest or len(text) > _LONGEST_SIZE:
        return False
    total = 0.0
    position = 0
    while position < len(rest):
        part = _SIZE_PART.match(rest, position)
        if part is None or part.group(3) not in units:
            return False
        whole, fraction = part.group(1), part.group(2) or ""
        if not (whole or fraction) or max(map(_leading, (whole, fraction))) >= _LEADING_LIMIT:
            return False
        total += float(f"{whole or 0}.{fraction or 0}") * units[part.group(3)]
        position = part.end()
    return total <= float(_INT64)


def _leading(digits: str) -> int:
    return int(digits[:-1] or "0")


def _float64(text: str) -> float | None:
    """What Go's ParseFloat reads; None for bad syntax and beyond the range of a float64."""
    hexadecimal = _HEXADECIMAL.fullmatch(text)
    if hexadecimal:
        sign, mantissa, exponent = (group.replace("_", "") for group in hexadecimal.groups())
        try:
            return float.fromhex(f"{sign}0x{mantissa}p{exponent}")
        except (OverflowError, ValueError):
            # Python refuses exponents of absurd size; Go reads them as zero or as out of range.
            tiny = exponent.startswith("-") or not mantissa.strip("0.")
            return 0.0 if tiny else None
    if _DECIMAL.fullmatch(text):
        value = float(text)
        # The word "inf" is a number to Go, a decimal too large for a float is not.
        return None if math.isinf(value) else value
    return float(text) if _SPECIAL.fullmatch(text) else None


def _number_mend(text: str, *, whole: bool = False) -> str:
    leading = _LEADING_NUMBER.fullmatch(text[:_PERCENT])
    if leading and not (whole and "." in leading.group(1)):
        return f'write "{leading.group(1)}"'
    return 'write it like "2"' if whole else 'write it like "25" or "0.5"'
