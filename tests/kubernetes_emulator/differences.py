"""Where the emulator (Kubernetes 1.32) and the real API server of the tests (1.20) differ by age.

This is the whole list: the shared tests know of no other difference. Each entry says what the
emulator does, what 1.20 does, and why.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Any

from bridge.sandbox.kubernetes.openapi import PROTOBUF_V2
from tests.kubernetes_emulator.definitions import GROUP


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
NAMED_IN_TYPED_PATCH = Difference(
    f" (/t; {GROUP}/v1, Kind=Typed)", "", "a configuration that does not fit is named since 1.21"
)
OPENAPI_3 = Difference(200, 404, "OpenAPI version 3 is served since 1.24")
PROTOBUF_NAMES = Difference(
    PROTOBUF_V2, PROTOBUF_V2[:1], "the spelling without @, which is no media type, came with 1.27"
)
EMPTY_MAPS = Difference(
    {"one Apply": {"f:data": {}}}, {}, "a map that is given empty is owned only by newer servers"
)
STATUS_IS_RESET = Difference(
    200,
    409,
    "since 1.22 who applies an object does not own its status, which has an endpoint of its own",
)

_FORCED_LABEL = "kubernetes.io/metadata.name"

PRINTED: tuple[Difference, ...] = (
    Difference(
        rf"^\s*(f:)?{_FORCED_LABEL}: \S*|^Labels: {_FORCED_LABEL}=|^\s*(f:)?(labels|metadata):$"
        r"|^\s*\.: \{\}$",
        r"^Labels: <none>",
        "since 1.21 a namespace has a label of its name",
    ),
    Difference(
        None,
        r"^\s*f:(status|phase):",
        "since 1.22 what an endpoint does not write is not owned by who writes there",
    ),
    Difference(
        None, r"^secret/\S+-token-", "until 1.24 each service account got a token in a secret"
    ),
    Difference(
        r"^\s*f:(selector|roleRef): \{\}",
        r"^\s*f:(selector|roleRef|app|apiGroup|kind|name):|^\s*\.: \{\}$",
        "since 1.21 a selector and a reference to a role are owned as a whole",
    ),
    Difference(
        r"^\s*(f:)?internalTrafficPolicy:|^Internal Traffic Policy:|^\s*ipFamil\w*:|^\s*- IPv4$"
        r"|^IP Famil",
        r"^IP Families: <none>",
        "services have families of addresses and a policy for traffic within since 1.21",
    ),
    Difference(
        r'^The Pod "lone" is invalid: spec: Forbidden: pod updates may not change',
        r'^The Pod "lone" is invalid: spec: Forbidden: pod updates may not change'
        r"|^\s+(core\.PodSpec\{|\.\.\. // |\w+: .*,$|\})|^[-+]\s+NodeName:",
        "more of a pod may be changed since 1.24; and a real server dumps the two variables of Go",
    ),
    Difference(
        r'^The Probe "b" is invalid: spec.selector: Required value'
        r"|^Error from server: failed to create typed patch object",
        r'^error: error validating "STDIN": error validating data: ValidationError',
        "since 1.25 kubectl leaves the check of fields to a server that has ?fieldValidation=",
    ),
    Difference(
        r"^\s*subresource\t",
        r"^\s*clusterName\t",
        "metadata.clusterName went in 1.24, managedFields name subresources since 1.22",
    ),
    Difference(
        r"^selfsubjectreviews\.authentication\.k8s\.io ",
        None,
        "a user may ask who it is (SelfSubjectReview) since 1.28",
    ),
)
"""Lines that kubectl prints of one of the two only, as patterns."""

NOT_SERVED: tuple[Difference, ...] = (
    Difference(
        None,
        r"^No (resource quota|LimitRange resource)\.",
        "the emulator serves no resourcequotas and no limitranges, and kubectl asks for them",
    ),
)
"""Lines that differ because the emulator serves less, whatever the age."""


def unexplained(emulated: list[str], real: list[str]) -> tuple[list[str], set[str]]:
    """Compare two transcripts of kubectl.

    Returns the lines that only one has and no difference explains (`- ` the emulator's), and the
    reasons of the differences that were met.
    """
    left, met = [], set()
    command = ""
    for line in difflib.ndiff(emulated, real, linejunk=None, charjunk=None):
        mark, text = line[:2], line[2:]
        if text.startswith("$ "):
            command = text
        if mark not in ("- ", "+ "):
            continue
        known = [
            difference.why
            for difference in PRINTED + NOT_SERVED
            if (pattern := difference.emulated if mark == "- " else difference.in_1_20)
            and re.search(pattern, text)
        ]
        met.update(known)
        if not known:
            left.append(f"{line}    [{command}]")
    return left, met
