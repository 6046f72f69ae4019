"""Label and field selectors, as list and watch requests write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from bridge.sandbox.kubernetes import status
from bridge.sandbox.kubernetes.label_selectors import label_selector

Match: TypeAlias = Callable[[dict[str, Any]], bool]

_EQUAL = re.compile(r"^(?P<key>[^\s!=(),]+)\s*(?P<op>==|!=|=|>|<)\s*(?P<value>[^\s!=(),<>]*)$")

POD_FIELDS = ("spec.nodeName", "spec.restartPolicy", "spec.serviceAccountName", "status.phase")
EVENT_FIELDS = (
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
)
_FIELDS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("", "pods"): POD_FIELDS,
    ("", "events"): EVENT_FIELDS,
    ("", "namespaces"): ("status.phase",),
    ("", "nodes"): ("spec.unschedulable",),
    ("", "secrets"): ("type",),
}


def _split(text: str) -> list[str]:
    parts = [part.strip() for part in re.split(r",(?![^()]*\))", text)]
    return [part for part in parts if part]


def field_selector(text: str, group: str, resource: str) -> Match:
    """Read a field selector (`metadata.name=a,status.phase!=b`).

    Raises ApiError (400) for fields that the resource cannot be selected by.
    """
    allowed = ("metadata.name", "metadata.namespace", *_FIELDS.get((group, resource), ()))
    tests: list[tuple[list[str], str, bool]] = []
    for part in _split(text):
        found = _EQUAL.match(part.replace("\\,", ","))
        if found is None or found["op"] in "<>":
            raise status.bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
        if found["key"] not in allowed:
            raise status.bad_request(f"field label not supported: {found['key']}")
        tests.append((found["key"].split("."), found["value"], found["op"] != "!="))

    def match(obj: dict[str, Any]) -> bool:
        return all((_read(obj, path) == value) is wanted for path, value, wanted in tests)

    return match


def _read(obj: dict[str, Any], path: list[str]) -> str:
    value: Any = obj
    if path == ["source"]:
        return str(obj.get("source", {}).get("component", ""))
    for name in path:
        value = value.get(name, "") if isinstance(value, dict) else ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def name_in_fields(text: str) -> str:
    """Return the one name that a field selector asks for: authorization judges by it."""
    for part in _split(text):
        found = _EQUAL.match(part)
        if found and found["key"] == "metadata.name" and found["op"] in ("=", "=="):
            return found["value"]
    return ""


def selector(query: Mapping[str, str], group: str, resource: str) -> Match:
    """Read both selectors of a request."""
    by_label = label_selector(query.get("labelSelector", ""))
    by_field = field_selector(query.get("fieldSelector", ""), group, resource)
    return lambda obj: by_label(obj) and by_field(obj)
