"""Label and field selectors, as list and watch requests write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from bridge.sandbox.kubernetes import status

Match: TypeAlias = Callable[[dict[str, Any]], bool]

_SET = re.compile(r"^(?P<key>[^\s!=(),]+)\s+(?P<op>in|notin)\s*\((?P<values>[^()]*)\)$")
_EQUAL = re.compile(r"^(?P<key>[^\s!=(),]+)\s*(?P<op>==|!=|=|>|<)\s*(?P<value>[^\s!=(),<>]*)$")
_EXISTS = re.compile(r"^(?P<not>!?)\s*(?P<key>[^\s!=(),]+)$")
_NAME = re.compile(r"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$")

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


def label_selector(text: str) -> Match:
    """Read a label selector (`a=b,c!=d,e in (f,g),!h`). Raises ApiError (400) if malformed."""
    tests = [_label_test(part, text) for part in _split(text)]

    def match(obj: dict[str, Any]) -> bool:
        labels = obj.get("metadata", {}).get("labels") or {}
        return all(test(labels) for test in tests)

    return match


def _split(text: str) -> list[str]:
    parts = [part.strip() for part in re.split(r",(?![^()]*\))", text)]
    return [part for part in parts if part]


def _label_test(part: str, text: str) -> Callable[[Mapping[str, str]], bool]:
    if found := _SET.match(part):
        key, values = found["key"], {value.strip() for value in found["values"].split(",")}
        _check_values(values, text)
        if found["op"] == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if found := _EQUAL.match(part):
        key, value = found["key"], found["value"]
        if found["op"] in "<>":
            return _compare(key, found["op"], value, text)
        _check_values({value}, text)
        if found["op"] == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if found := _EXISTS.match(part):
        key, absent = found["key"], bool(found["not"])
        return lambda labels: (key in labels) != absent
    raise status.bad_request(
        f'unable to parse requirement: found "{part}" in the label selector "{text}"'
    )


def _compare(key: str, op: str, value: str, text: str) -> Callable[[Mapping[str, str]], bool]:
    if not value.lstrip("-").isdigit():
        raise status.bad_request(
            f'unable to parse requirement: for "{op}" the value must be an integer in "{text}"'
        )
    bound = int(value)

    def test(labels: Mapping[str, str]) -> bool:
        try:
            number = int(labels.get(key, ""))
        except ValueError:
            return False
        return number > bound if op == ">" else number < bound

    return test


def _check_values(values: set[str], text: str) -> None:
    for value in values:
        if not _NAME.match(value):
            raise status.bad_request(
                f'unable to parse requirement: "{value}" in "{text}" is not a label value: it '
                "must be 63 characters or less, begin and end with an alphanumeric character, "
                "and hold only alphanumerics, '-', '_' or '.'"
            )


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
