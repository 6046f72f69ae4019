"""Structural schemas: the form that the schema of a CustomResourceDefinition must have.

The rules and their words are those of a real API server's `apiextensions` package; the shared
tests hold them against one. Whether patterns are regular expressions is judged by Python's `re`,
which is close to Go's but not the same.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes.merge_rules import LIST_KEYS, LIST_TYPE, MAP_TYPE
from bridge.sandbox.kubernetes.objects import copy_json
from bridge.sandbox.kubernetes.schema import EMBEDDED, INT_OR_STRING, PRESERVE, prune, validate
from bridge.sandbox.kubernetes.status import (
    FieldError,
    forbidden_field,
    go_value,
    invalid_value,
    required,
    unsupported_value,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bridge.sandbox.kubernetes.schema import Schema

_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_UNSUPPORTED = ("$ref", "definitions", "dependencies", "patternProperties", "id", "additionalItems")
_EMPTY_IN_JUNCTORS = ("description", "type", "title", "additionalProperties")
_JUNCTORS = ("allOf", "anyOf", "oneOf")
_INTEGER, _TEXT = {"type": "integer"}, {"type": "string"}
_INT_OR_STRING_FORMS: tuple[Any, ...] = ([_INTEGER, _TEXT],)


def errors(schema: Schema, path: str) -> Iterator[FieldError]:
    """Name everything that is wrong with the schema of a version; `path` is where it stands."""
    if not schema.get("type"):
        yield required(f"{path}.type", "must not be empty at the root")
    elif schema["type"] != "object":
        yield invalid_value(f"{path}.type", schema["type"], "must be object at the root")
    if schema.get("nullable"):
        yield forbidden_field(f"{path}.nullable", "nullable cannot be true at the root")
    if "additionalProperties" in schema:
        yield forbidden_field(f"{path}.additionalProperties", "must not be used at the root")
    if "default" in schema:
        for field in ("apiVersion", "kind"):
            yield required(f"{path}.default.{field}", "must not be empty")
    yield from _node(schema, path, root=True)


def _node(schema: Schema, path: str, *, root: bool = False) -> Iterator[FieldError]:
    unsupported = [keyword for keyword in _UNSUPPORTED if keyword in schema]
    for keyword in unsupported:
        yield forbidden_field(f"{path}.{keyword}", f"{keyword} is not supported")
    if unsupported:
        return
    if schema.get("uniqueItems"):
        yield forbidden_field(
            f"{path}.uniqueItems",
            "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
        )
    if "properties" in schema and schema.get("additionalProperties"):
        yield forbidden_field(
            f"{path}.additionalProperties",
            "additionalProperties and properties are mutual exclusive",
        )
    yield from _type(schema, path, root=root)
    yield from _pattern(schema, path)
    yield from _extensions(schema, path)
    yield from _list_type(schema, path)
    for keyword in _JUNCTORS:
        is_form = schema.get(INT_OR_STRING) and keyword != "oneOf"
        for index, part in enumerate(schema.get(keyword) or ()):
            place = f"{path}.{keyword}[{index}]"
            if not (is_form and _is_int_or_string(schema, keyword)):
                yield from _junctor(part, schema, path, place)
    if "not" in schema:
        yield from _junctor(schema["not"], schema, path, f"{path}.not")
    if "default" in schema and not root:
        yield from _default(schema, path)
    yield from _children(schema, path, root=root)


def _type(schema: Schema, path: str, *, root: bool) -> Iterator[FieldError]:
    kind = schema.get("type")
    if kind and kind not in _TYPES:
        yield unsupported_value(f"{path}.type", kind, _TYPES)
    elif not kind and not root and not (schema.get(INT_OR_STRING) or schema.get(PRESERVE)):
        yield required(f"{path}.type", "must not be empty for specified object fields")
    if kind == "array" and "items" not in schema:
        yield required(f"{path}.items", "must be specified")


def _pattern(schema: Schema, path: str) -> Iterator[FieldError]:
    if "pattern" in schema:
        try:
            re.compile(schema["pattern"])
        except re.error as error:
            yield invalid_value(
                f"{path}.pattern",
                schema["pattern"],
                f"must be a valid regular expression, but isn't: {error}",
            )


def _extensions(schema: Schema, path: str) -> Iterator[FieldError]:
    kind = schema.get("type", "")
    if schema.get(PRESERVE) is False:
        yield invalid_value(f"{path}.{PRESERVE}", value=False, detail="must be true or undefined")
    if schema.get(EMBEDDED):
        if kind != "object":
            detail = f"must be object if {EMBEDDED} is true"
            yield invalid_value(f"{path}.type", kind, detail)
        if not schema.get("properties") and not schema.get(PRESERVE):
            yield required(
                f"{path}.properties",
                f"must not be empty if {EMBEDDED} is true without {PRESERVE}",
            )
    if MAP_TYPE in schema:
        if schema[MAP_TYPE] not in ("atomic", "granular"):
            allowed = ["atomic", "granular"]
            yield unsupported_value(f"{path}.{MAP_TYPE}", schema[MAP_TYPE], allowed)
        if kind != "object":
            detail = f"must be object if {MAP_TYPE} is specified"
            yield invalid_value(f"{path}.type", kind, detail)


def _list_type(schema: Schema, path: str) -> Iterator[FieldError]:
    listed, keys = schema.get(LIST_TYPE), schema.get(LIST_KEYS) or []
    items = schema.get("items") if isinstance(schema.get("items"), dict) else {}
    items = items or {}
    if keys and listed != "map":
        yield required(f"{path}.{LIST_TYPE}", f"must be map if {LIST_KEYS} is non-empty")
    if listed is None:
        return
    if schema.get("type") != "array":
        detail = f"must be array if {LIST_TYPE} is specified"
        yield invalid_value(f"{path}.type", schema.get("type", ""), detail)
    elif listed not in ("atomic", "set", "map"):
        yield unsupported_value(f"{path}.{LIST_TYPE}", listed, ["atomic", "set", "map"])
    elif listed == "map":
        yield from _keys(keys, items, path)
    elif listed == "set":
        yield from _set_items(items, path)


def _keys(keys: list[str], items: Schema, path: str) -> Iterator[FieldError]:
    if items.get("type") != "object":
        yield invalid_value(
            f"{path}.items.type",
            items.get("type", ""),
            f"must be object if parent array's {LIST_TYPE} is map",
        )
        return
    if not keys:
        yield required(f"{path}.{LIST_KEYS}", f"must not be empty if {LIST_TYPE} is map")
        return
    properties = items.get("properties") or {}
    if set(keys) - properties.keys():
        shown = ", ".join(json.dumps(key) for key in keys)
        message = (
            f"Invalid value: []string{{{shown}}}: entries must all be names of item properties"
        )
        yield FieldError(f"{path}.{LIST_KEYS}", "FieldValueInvalid", message)
    for key in keys:
        known = properties.get(key, {"default": None})
        if "default" not in known and key not in (items.get("required") or ()):
            yield required(
                f"{path}.items.properties[{key}].default",
                f"this property is in {LIST_KEYS}, so it must have a default or be a required "
                "property",
            )


def _set_items(items: Schema, path: str) -> Iterator[FieldError]:
    kind = items.get("type")
    detail = f"must be atomic as item of a list with {LIST_TYPE}=set"
    if items.get("nullable"):
        yield forbidden_field(
            f"{path}.items.nullable", f"cannot be nullable when {LIST_TYPE} is set"
        )
    if kind == "object" and items.get(MAP_TYPE) != "atomic":
        yield invalid_value(f"{path}.items.{MAP_TYPE}", items.get(MAP_TYPE), detail)
    if kind == "array" and items.get(LIST_TYPE) not in (None, "atomic"):
        yield invalid_value(f"{path}.items.{LIST_TYPE}", items.get(LIST_TYPE), detail)


def _is_int_or_string(schema: Schema, keyword: str) -> bool:
    """Tell whether alternatives only repeat that the value is a number or a text."""
    parts = schema.get(keyword)
    if keyword == "anyOf":
        return parts in _INT_OR_STRING_FORMS
    return parts is not None and parts[:1] == [{"anyOf": _INT_OR_STRING_FORMS[0]}]


def _junctor(part: Schema, owner: Schema, owner_path: str, path: str) -> Iterator[FieldError]:
    """Check an alternative: it may only narrow what the schema around it specifies."""
    yield from _narrowing(part, path)
    specified = owner.get("properties") or {}
    for name, inner in (part.get("properties") or {}).items():
        place, theirs = f"{path}.properties[{name}]", f"{owner_path}.properties[{name}]"
        if name not in specified:
            yield required(theirs, f"because it is defined in {place}")
        yield from _junctor(inner, specified.get(name, {}), theirs, place)
    if isinstance(part.get("items"), dict):
        theirs = f"{owner_path}.items"
        if "items" not in owner:
            yield required(theirs, f"because it is defined in {path}.items")
        items = owner.get("items") or {}
        yield from _junctor(part["items"], items, theirs, f"{path}.items")
    for keyword in _JUNCTORS:
        for index, deeper in enumerate(part.get(keyword) or ()):
            place = f"{path}.{keyword}[{index}]"
            yield from _junctor(deeper, owner, owner_path, place)
    if "not" in part:
        yield from _junctor(part["not"], owner, owner_path, f"{path}.not")


def _narrowing(part: Schema, path: str) -> Iterator[FieldError]:
    """Name the keywords that an alternative may not have."""
    for keyword in _EMPTY_IN_JUNCTORS:
        if part.get(keyword):
            yield forbidden_field(f"{path}.{keyword}", "must be empty to be structural")
    if "default" in part:
        yield forbidden_field(f"{path}.default", "must be undefined to be structural")
    for keyword in ("nullable", INT_OR_STRING, PRESERVE, EMBEDDED):
        if part.get(keyword):
            yield forbidden_field(f"{path}.{keyword}", "must be false to be structural")


def _default(schema: Schema, path: str) -> Iterator[FieldError]:
    """Check a default by the schema that it stands in."""
    place, value = f"{path}.default", copy_json(schema["default"])
    if prune(value, schema, root=False):
        yield FieldError(
            place,
            "FieldValueInvalid",
            f"Invalid value: {go_value(schema['default'])}: must not have unknown fields",
        )
        return
    for error in validate(value, schema):
        field = f"{place}.{error.field}" if error.field else place
        yield FieldError(field, error.reason, error.message)


def _children(schema: Schema, path: str, *, root: bool) -> Iterator[FieldError]:
    for name, inner in (schema.get("properties") or {}).items():
        place = f"{path}.properties[{name}]"
        if root and name == "metadata":
            if inner.get("properties", {}).keys() - {"name", "generateName"}:
                yield forbidden_field(
                    place,
                    "must not specify anything other than name and generateName, but metadata is "
                    "implicitly specified",
                )
            continue
        yield from _node(inner, place)
    items = schema.get("items")
    if isinstance(items, list):
        yield forbidden_field(f"{path}.items", "items must be a schema object and not an array")
    elif isinstance(items, dict):
        yield from _node(items, f"{path}.items")
    others = schema.get("additionalProperties")
    if isinstance(others, dict):
        yield from _node(others, f"{path}.additionalProperties")
