"""Resources_List: every resource of the subscription or of a group, by type or by tag."""

from __future__ import annotations

import re
from collections.abc import Callable

from werkzeug.wrappers import Response

from bridge.sandbox.azure.errors import ArmError
from bridge.sandbox.azure.paging import page
from bridge.sandbox.azure.request import GROUP, SUBSCRIPTION, ArmRequest, Route
from bridge.sandbox.azure.subscription import INSTANCE, Resource, Subscription

_RIGHT = "Microsoft.Resources/subscriptions/resources/read"
_TERM = re.compile(r"(?P<name>\w+)\s+(?P<how>eq|ne)\s+'(?P<value>(?:[^']|'')*)'", re.IGNORECASE)
_PREFIX = re.compile(r"startswith\(\s*tagName\s*,\s*'(?P<prefix>[^']*)'\s*\)", re.IGNORECASE)
_KEPT = ("id", "name", "type", "location", "tags", "zones", "sku", "managedBy")
_READS: dict[str, Callable[[Resource], str]] = {
    "resourcetype": lambda resource: str(resource.body["type"]),
    "name": lambda resource: resource.name,
    "location": lambda resource: str(resource.body["location"]),
    "resourcegroup": lambda resource: resource.id.split("/")[4],
}


def _list(subscription: Subscription, asked: ArmRequest) -> Response:
    under = f"/subscriptions/{subscription.id}"
    if "group" in asked.parameters:
        subscription.of_group("", asked.parameters["group"])
        under += f"/resourceGroups/{asked.parameters['group']}"
    text = asked.query("$filter")
    matches = _filter(text)
    kept = [name for name in _KEPT if name != "tags" or "tagvalue" not in text.lower()]
    found = [
        {name: resource.body[name] for name in kept if name in resource.body}
        for key, resource in subscription.resources.items()
        if key.startswith(f"{under.lower()}/")
        and resource.body["type"] != INSTANCE  # no resources of their own to ARM
        and matches(resource)
    ]
    return page(subscription, asked, found)


def _filter(text: str) -> Callable[[Resource], bool]:
    """Read an OData filter: equations joined by ``and``.

    Tags stand alone: "tagName eq '…' and tagValue eq '…'", whose answer leaves the tags out, or
    "startswith(tagName, '…')" (Resources_List). Raises ``ArmError`` for anything else.
    """
    prefixed = _PREFIX.fullmatch(text.strip())
    if prefixed is not None:
        prefix = prefixed["prefix"].lower()
        return lambda resource: any(name.lower().startswith(prefix) for name in _tags(resource))
    terms = []
    for part in re.split(r"\s+and\s+", text.strip(), flags=re.IGNORECASE) if text else ():
        term = _TERM.fullmatch(part.strip())
        if term is None:
            raise _invalid(text)
        terms.append((term["name"].lower(), term["how"].lower(), term["value"].replace("''", "'")))
    names = {name for name, _, _ in terms}
    if names & {"tagname", "tagvalue"}:
        if "tagname" not in names or names - {"tagname", "tagvalue"}:
            raise _invalid(text)
        wanted = {name: value for name, _, value in terms}
        return lambda resource: _tagged(resource, wanted)
    if names - _READS.keys():
        raise _invalid(text)
    return lambda resource: all(
        (_READS[name](resource).lower() == value.lower()) == (how == "eq")
        for name, how, value in terms
    )


def _tags(resource: Resource) -> dict[str, str]:
    tags: dict[str, str] = resource.body.get("tags") or {}
    return tags


def _tagged(resource: Resource, wanted: dict[str, str]) -> bool:
    for name, value in _tags(resource).items():
        if name.lower() == wanted["tagname"].lower():
            return wanted.get("tagvalue", value) == value
    return False


def _invalid(text: str) -> ArmError:
    message = f"Invalid $filter '{text}' specified in the query string."
    return ArmError("InvalidFilterInQueryString", message)


ROUTES = (
    Route(
        "GET",
        f"{SUBSCRIPTION}/resources",
        "Resources_List",
        _RIGHT,
        _list,
        names=lambda _: (),
        filters=True,
    ),
    Route(
        "GET",
        f"{GROUP}/resources",
        "Resources_ListByResourceGroup",
        _RIGHT,
        _list,
        names=lambda _: (),
        filters=True,
    ),
)
