"""OpenAPI version 2 in protobuf, as kubectl asks for it.

The messages and numbers are those of gnostic's published `OpenAPIv2.proto`, as far as the
emulator's own documents use them. Values without a type of their own (defaults, enumerations,
extensions) travel as YAML text, for which JSON will do.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Write: TypeAlias = Callable[[Any], bytes]
Fields: TypeAlias = Mapping[str, tuple[int, Write]]

_VARINT, _DOUBLE, _BYTES = 0, 1, 2
_LONGEST = 0x7F


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > _LONGEST:
        out.append(number & _LONGEST | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _tag(number: int, kind: int) -> bytes:
    return _varint(number << 3 | kind)


def _block(number: int, data: bytes) -> bytes:
    return _tag(number, _BYTES) + _varint(len(data)) + data


def _text(number: int) -> tuple[int, Write]:
    return number, lambda value: _block(number, str(value).encode())


def _texts(number: int) -> tuple[int, Write]:
    return number, lambda values: b"".join(_block(number, str(item).encode()) for item in values)


def _whole(number: int) -> tuple[int, Write]:
    return number, lambda value: _tag(number, _VARINT) + _varint(int(value) & (1 << 64) - 1)


def _double(number: int) -> tuple[int, Write]:
    return number, lambda value: _tag(number, _DOUBLE) + struct.pack("<d", value)


def _inner(number: int, write: Write) -> tuple[int, Write]:
    return number, lambda value: _block(number, write(value))


def _inners(number: int, write: Write) -> tuple[int, Write]:
    return number, lambda values: b"".join(_block(number, write(item)) for item in values)


def _any(value: Any) -> bytes:
    return _block(2, json.dumps(value, ensure_ascii=False).encode())


def _named(write: Write) -> Write:
    """Write a map as a message of pairs of name and value."""
    return lambda value: b"".join(
        _block(1, _pair(name, write(item))) for name, item in value.items()
    )


def _pair(name: str, data: bytes) -> bytes:
    return _block(1, name.encode()) + _block(2, data)


def _message(value: Mapping[str, Any], fields: Fields, extensions: int) -> bytes:
    """Write a message; raises KeyError for a field that it has not."""
    out = bytearray()
    for name, item in value.items():
        if name.startswith("x-"):
            out += _block(extensions, _pair(name, _any(item)))
        else:
            out += fields[name][1](item)
    return bytes(out)


def _schema(value: Mapping[str, Any]) -> bytes:
    return _message(value, _SCHEMA, 31)


def _additional(value: Any) -> bytes:
    return _whole(2)[1](value) if isinstance(value, bool) else _block(1, _schema(value))


_SCHEMA: Fields = {
    "$ref": _text(1),
    "format": _text(2),
    "title": _text(3),
    "description": _text(4),
    "default": _inner(5, _any),
    "multipleOf": _double(6),
    "maximum": _double(7),
    "exclusiveMaximum": _whole(8),
    "minimum": _double(9),
    "exclusiveMinimum": _whole(10),
    "maxLength": _whole(11),
    "minLength": _whole(12),
    "pattern": _text(13),
    "maxItems": _whole(14),
    "minItems": _whole(15),
    "uniqueItems": _whole(16),
    "maxProperties": _whole(17),
    "minProperties": _whole(18),
    "required": _texts(19),
    "enum": _inners(20, _any),
    "additionalProperties": _inner(21, _additional),
    "type": _inner(22, lambda value: _block(1, value.encode())),
    "items": _inner(23, lambda value: _block(1, _schema(value))),
    "properties": _inner(25, _named(_schema)),
}


def _parameter(value: Mapping[str, Any]) -> bytes:
    """Write a parameter of the query, within the three messages that hold one."""
    query = _message(value, {"in": _text(2), "name": _text(4), "type": _text(6)}, 22)
    return _block(1, _block(2, _block(3, query)))


def _response(value: Mapping[str, Any]) -> bytes:
    schema = _block(1, _schema(value["schema"]))
    return _block(1, _block(1, value["description"].encode()) + _block(2, schema))


def _responses(value: Mapping[str, Any]) -> bytes:
    return b"".join(_block(1, _pair(code, _response(item))) for code, item in value.items())


_OPERATION: Fields = {
    "operationId": _text(5),
    "parameters": _inners(8, _parameter),
    "responses": _inner(9, _responses),
}


def _operation(value: Mapping[str, Any]) -> bytes:
    return _message(value, _OPERATION, 13)


_PATH: Fields = {
    method: _inner(number, _operation)
    for method, number in (("get", 2), ("put", 3), ("post", 4), ("delete", 5), ("patch", 8))
}


def _paths(value: Mapping[str, Any]) -> bytes:
    return b"".join(
        _block(2, _pair(path, _message(item, _PATH, 10))) for path, item in value.items()
    )


_DOCUMENT: Fields = {
    "swagger": _text(1),
    "info": _inner(2, lambda value: _message(value, {"title": _text(1), "version": _text(2)}, 7)),
    "paths": _inner(8, _paths),
    "definitions": _inner(9, _named(_schema)),
}


def encode_document(document: Mapping[str, Any]) -> bytes:
    """Write a whole document. Raises KeyError for a field that the emulator does not use."""
    return _message(document, _DOCUMENT, 16)
