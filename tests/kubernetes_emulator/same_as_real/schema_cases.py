"""Schemas that are not structural, and values for each keyword; a real server gave the answers.

The answers are in `recorded/`: `FAULTBRIDGE_RECORD=1` with the tests of the real cluster writes
them anew.
"""

from __future__ import annotations

from typing import Any

_TEXT = {"type": "string"}
_OPEN = {"x-kubernetes-preserve-unknown-fields": True}


def _array(items: dict[str, Any], kind: str, *keys: str) -> dict[str, Any]:
    schema = {"type": "array", "items": items, "x-kubernetes-list-type": kind}
    return {**schema, "x-kubernetes-list-map-keys": list(keys)} if keys else schema


def _with(field: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": field}}


def _keyed(**more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"k": _TEXT}, **more}


SCHEMAS: dict[str, dict[str, Any]] = {
    "good": _with(_TEXT),
    "no type at the root": {"properties": {"a": _TEXT}},
    "no type of a field": _with({}),
    "reference": _with({"$ref": "#/x"}),
    "unique items": _with({"type": "array", "uniqueItems": True, "items": _TEXT}),
    "pattern properties": {"type": "object", "patternProperties": {"a": _TEXT}},
    "definitions": {"type": "object", "definitions": {"a": _TEXT}},
    "both kinds of properties": {**_with(_TEXT), "additionalProperties": _TEXT},
    "additional at the root": {"type": "object", "additionalProperties": False},
    "type in oneOf": {**_with(_TEXT), "oneOf": [{"type": "object"}]},
    "other field in oneOf": {**_with(_TEXT), "oneOf": [{"properties": {"b": {"minLength": 1}}}]},
    "description in anyOf": {**_with(_TEXT), "anyOf": [{"description": "x"}]},
    "default in anyOf": {**_with(_TEXT), "anyOf": [{"properties": {"a": {"default": "x"}}}]},
    "nullable in allOf": {**_with(_TEXT), "allOf": [{"nullable": True}]},
    "not": {**_with(_TEXT), "not": {"required": ["a"]}},
    "unknown list type": _with(_array(_TEXT, "foo")),
    "list type of an object": _with({"type": "object", "x-kubernetes-list-type": "set"}),
    "map without keys": _with(_array(_keyed(), "map")),
    "map with an unknown key": _with(_array(_keyed(), "map", "z")),
    "map with an optional key": _with(_array(_keyed(), "map", "k")),
    "map with a required key": _with(_array(_keyed(required=["k"]), "map", "k")),
    "map of texts": _with(_array(_TEXT, "map", "k")),
    "keys without a map": _with(
        {
            "type": "array",
            "items": _keyed(required=["k"]),
            "x-kubernetes-list-map-keys": ["k"],
        }
    ),
    "set of objects": _with(_array({"type": "object"}, "set")),
    "unknown map type": _with({"type": "object", "x-kubernetes-map-type": "foo"}),
    "map type of a text": _with({"type": "string", "x-kubernetes-map-type": "atomic"}),
    "number or text": _with(
        {
            "x-kubernetes-int-or-string": True,
            "anyOf": [{"type": "integer"}, {"type": "string"}],
        }
    ),
    "text or number": _with(
        {
            "x-kubernetes-int-or-string": True,
            "anyOf": [{"type": "string"}, {"type": "integer"}],
        }
    ),
    "preserve false": _with({"type": "object", "x-kubernetes-preserve-unknown-fields": False}),
    "embedded text": _with({"type": "string", "x-kubernetes-embedded-resource": True}),
    "embedded without fields": _with({"type": "object", "x-kubernetes-embedded-resource": True}),
    "default of another type": _with({"type": "string", "default": 1}),
    "default with unknown fields": _with(_keyed(default={"c": "d"})),
    "default of the root": {"type": "object", "default": {}},
    "default that is too short": _with({"type": "string", "minLength": 3, "default": "a"}),
    "default of another format": _with({"type": "string", "format": "date", "default": "a"}),
    "labels of metadata": {
        "type": "object",
        "properties": {
            "metadata": {"type": "object", "properties": {"labels": {"type": "object"}}}
        },
    },
    "name of metadata": {
        "type": "object",
        "properties": {
            "metadata": {
                "type": "object",
                "properties": {"name": {"type": "string", "pattern": "^a"}},
            }
        },
    },
    "array without items": _with({"type": "array"}),
    "list of items": _with({"type": "array", "items": [_TEXT]}),
    "unknown type": _with({"type": "text"}),
    "text at the root": _TEXT,
    "open root": {"type": "object", **_OPEN},
    "nullable root": {"type": "object", "nullable": True},
}

FIELDS: dict[str, dict[str, Any]] = {
    "nullable": {"type": "string", "nullable": True},
    "nullable with default": {"type": "string", "nullable": True, "default": "x"},
    "default": {
        "type": "object",
        "default": {},
        "properties": {"q": {"type": "integer", "default": 7}},
    },
    "either": {
        "x-kubernetes-int-or-string": True,
        "anyOf": [{"type": "integer"}, {"type": "string"}],
        "pattern": "^[0-9]+%$",
    },
    "embedded": {"type": "object", "x-kubernetes-embedded-resource": True, **_OPEN},
    "embedded with fields": {
        "type": "object",
        "x-kubernetes-embedded-resource": True,
        "properties": {"spec": {"type": "object", "properties": {"z": _TEXT}}},
    },
    "open": {
        "type": "object",
        **_OPEN,
        "properties": {
            "n": {"type": "integer"},
            "deep": {"type": "object", "properties": {"k": _TEXT}},
        },
    },
    "any": {
        "type": "object",
        "properties": {"a": _TEXT, "b": _TEXT, "c": {"type": "integer"}},
        "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
    },
    "one": {
        "type": "object",
        "properties": {"a": _TEXT, "b": _TEXT},
        "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
    },
    "all": {"type": "string", "allOf": [{"minLength": 2}, {"pattern": "^a"}]},
    "not": {"type": "string", "not": {"enum": ["bad"]}},
    "number": {"type": "number", "multipleOf": 0.5},
    "integer": {"type": "integer", "format": "int64"},
    **{
        form: {"type": "string", "format": form}
        for form in (
            *("byte", "cidr", "date", "date-time", "duration", "email", "hostname", "ipv4"),
            *("ipv6", "mac", "password", "uri", "uuid", "nothing"),
        )
    },
    "set": _array(_TEXT, "set"),
    "map": _array(
        {
            "type": "object",
            "required": ["k"],
            "properties": {"k": _TEXT, "p": {"type": "string", "default": "TCP"}},
        },
        "map",
        "k",
        "p",
    ),
    "enum": {"type": "integer", "enum": [1, 2]},
    "few": {
        "type": "object",
        "additionalProperties": {"type": "integer", "minimum": 1},
        "minProperties": 1,
        "maxProperties": 2,
    },
    "nested": {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
    "flag": {"type": "boolean", "default": True},
    "short": {"type": "string", "minLength": 2, "maxLength": 3},
}

_POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}}
VALUES: dict[str, list[Any]] = {
    "nullable": [None, "x", 1],
    "nullable with default": [None, "y"],
    "default": [{}, None, {"q": None}, {"q": "s"}, {"z": 1}],
    "either": [5, "5%", "x", 1.5, None, True],
    "embedded": [{}, {**_POD, "foo": 1}, {"kind": "Pod"}],
    "embedded with fields": [{**_POD, "spec": {"z": "a", "y": 1}, "foo": 1}],
    "open": [{"n": "x"}, {"any": [1, {"a": None}], "n": 2}, {"deep": {"k": "v", "other": 1}}],
    "any": [{}, {"a": "x"}, {"c": "s"}, {"a": 1}],
    "one": [{}, {"a": "x"}, {"a": "x", "b": "y"}],
    "all": ["a", "ab", "b", 1],
    "not": ["bad", "ok"],
    "number": [1.5, 1.2, "1"],
    "integer": [9223372036854775807, 9223372036854775808, 1.0, 1.5, -1],
    "byte": ["YQ==", "%"],
    "cidr": ["10.0.0.0/8", "x"],
    "date": ["2020-01-01", "2020-1-1", "x"],
    "date-time": [
        "2020-01-01T00:00:00Z",
        "2020-01-01 00:00:00Z",
        "2020-01-01T00:00:00",
        "2020-01-01T00:00:00.5+02:00",
    ],
    "duration": ["5s", "x", "1 hour"],
    "email": ["a@b.c", "a"],
    "hostname": ["a", "a.b", "a.example", "A_b!"],
    "ipv4": ["1.2.3.4", "1.2.3", "::1"],
    "ipv6": ["::1", "1.2.3.4"],
    "mac": ["00:00:00:00:00:00", "x"],
    "password": ["x"],
    "uri": ["http://x", "not a uri", "x", "/x"],
    "uuid": ["00000000-0000-0000-0000-000000000000", "x"],
    "nothing": ["x"],
    "set": [["a", "a"], ["a", "b"], ["a", 1]],
    "map": [[{"k": "a"}, {"k": "a", "p": "UDP"}], [{"k": "a"}, {"k": "a", "p": "TCP"}], [{}]],
    "enum": [1, 3, "1", 1.0],
    "few": [{}, {"a": 0}, {"a": 1, "b": 1, "c": 1}, {"a": "x"}],
    "nested": [[[1, "x"]], [1], [[]], "x"],
    "flag": [False, "true", None],
    "short": ["a", "ab", "abcd", "äöü", "äöüx"],
}
