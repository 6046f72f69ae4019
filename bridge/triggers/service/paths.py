"""The path of a request as its client wrote it, which signatures are about.

HTTP APIs hand it on decoded, so that a slash within a name cannot be told from one between names;
function URLs hand it on as it came. What was decoded is encoded again as botocore encodes names,
and as our own client does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

_NAMED_LAST: Final = re.compile(
    r"(/tags/|/actions/|/targetResourceTypes/|/v1/actions/|/v1/experiments/[^/]+/records/)"
    r"(.+?)(/release)?",
    re.DOTALL,
)
"""Routes whose last name may hold slashes: ARNs, our ids of other clouds' actions, records."""
_AS_IT_CAME: Final = re.compile(r"\.lambda-url\.", re.ASCII)
_REFERENCES: Final = "/v1/action-templates/"
"""Their ``NAME@VERSION`` is sent as it is."""


def sent_path(event: Mapping[str, Any]) -> bytes:
    """Return the raw path of a request that an HTTP API or a function URL handed on."""
    path = str(event["rawPath"])
    if _AS_IT_CAME.search(str(event["requestContext"].get("domainName", ""))):
        return path.encode("ascii", "replace")
    named = _NAMED_LAST.fullmatch(path)
    if named is not None:
        before, name, after = named.groups(default="")
        return f"{quote(before)}{quote(name, safe='')}{after}".encode("ascii")
    return quote(path, safe="/@" if path.startswith(_REFERENCES) else "/").encode("ascii")
