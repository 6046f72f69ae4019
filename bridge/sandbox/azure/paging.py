"""Lists in pages: ``value`` and, while there is more, ``nextLink``."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from werkzeug.wrappers import Response

from bridge.sandbox.azure.errors import ArmError, answer
from bridge.sandbox.azure.request import ArmRequest
from bridge.sandbox.azure.subscription import Subscription

_TOKEN = "$skiptoken"  # noqa: S105 - a query parameter


def page(subscription: Subscription, asked: ArmRequest, bodies: list[dict[str, Any]]) -> Response:
    """Answer the page that is asked for; ``$top`` asks for shorter ones than usual.

    The last page has no ``nextLink``: SDKs follow whatever stands there.
    """
    start, size = asked.query(_TOKEN) or "0", asked.query("$top") or str(subscription.page_size)
    if not (start.isdigit() and size.isdigit() and int(size)):
        message = f"The query parameters $top={size}, $skiptoken={start} are not valid."
        raise ArmError("InvalidQueryParameter", message)
    end = int(start) + min(int(size), subscription.page_size)
    listed: dict[str, Any] = {"value": bodies[int(start) : end]}
    if end < len(bodies):
        kept = {k: v for k, v in asked.http.args.items() if k.lower() != _TOKEN}
        query = urlencode({**kept, _TOKEN: end})
        listed["nextLink"] = f"{asked.host}{asked.http.path}?{query}"
    return answer(listed)
