"""Lists: filters, pages, and all scopes at once.

Compute Engine API reference, the parameters of each list and aggregatedList method.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from bridge.sandbox.gcp import filters
from bridge.sandbox.gcp.cloud import LINK, REGION, ZONES, Resource, scope_of
from bridge.sandbox.gcp.errors import GoogleError, invalid
from bridge.sandbox.gcp.request import GcpRequest

PARAMETERS = ("filter", "maxResults", "pageToken", "orderBy", "returnPartialSuccess")
MOST_RESULTS = 500


def page(
    asked: GcpRequest, resources: Sequence[Resource], collection: str
) -> tuple[list[Resource], str | None]:
    """Answer one page of the resources that the filter leaves, and the next page's token.

    "Acceptable values are 0 to 500, inclusive. (Default: 500)"; by default in the order of the
    names. Raises `GoogleError` for parameters that cannot be read.
    """
    if asked.query.get("orderBy", "name") != "name":
        raise invalid("orderBy", asked.query["orderBy"], "The sandbox sorts by name only.")
    found = sorted(resources, key=lambda each: str(each["name"]))
    if text := asked.query.get("filter"):
        matches = filters.parse(text, collection)
        found = [each for each in found if matches(each)]
    size = _size(asked.query.get("maxResults"))
    start = _start(asked.query.get("pageToken"))
    more = len(found) > start + size
    token = base64.urlsafe_b64encode(f"at:{start + size}".encode()).decode() if more else None
    return found[start : start + size], token


def _size(text: str | None) -> int:
    if text is None:
        return MOST_RESULTS
    if not text.isdigit() or int(text) > MOST_RESULTS:
        raise invalid("maxResults", text, f"It must be between 0 and {MOST_RESULTS}.")
    return int(text) or MOST_RESULTS


def _start(token: str | None) -> int:
    if not token:
        return 0
    try:
        word, number = base64.urlsafe_b64decode(token).decode().split(":")
        if word == "at":
            return int(number)
    except (ValueError, binascii.Error):
        pass
    raise GoogleError(400, "invalid", f"Invalid value for field 'pageToken': '{token}'.")


def listed(
    asked: GcpRequest, resources: Sequence[Resource], kind: str, items: str = "items"
) -> Resource:
    """Answer a list of one scope; ``kind`` is that of a member."""
    rows, token = page(asked, resources, asked.collection)
    path = asked.path.rstrip("/")
    answer: Resource = {"kind": f"{kind}List", "id": path, "selfLink": LINK + path}
    if rows:
        answer[items] = rows
    if token:
        answer["nextPageToken"] = token
    return answer


def aggregated(
    asked: GcpRequest, resources: Sequence[Resource], kind: str, *, regional: bool = False
) -> Resource:
    """Answer a list over all zones (and regions), each scope with its rows or a warning."""
    rows, token = page(asked, resources, asked.collection)
    scopes = [f"zones/{zone}" for zone in ZONES]
    if regional:
        scopes.append(f"regions/{REGION}")
    items: dict[str, Any] = {scope: {} for scope in scopes}
    for row in rows:
        scope = scope_of(row["selfLink"].removeprefix(LINK))
        items[scope].setdefault(asked.collection, []).append(row)
    for scope, content in items.items():
        if not content:
            content["warning"] = {
                "code": "NO_RESULTS_ON_PAGE",
                "message": f"There are no results for scope '{scope}' on this page.",
                "data": [{"key": "scope", "value": scope}],
            }
    path = f"projects/{asked.project}/aggregated/{asked.collection}"
    answer: Resource = {
        "kind": f"{kind}AggregatedList",
        "id": path,
        "selfLink": LINK + path,
        "items": items,
    }
    if token:
        answer["nextPageToken"] = token
    return answer
