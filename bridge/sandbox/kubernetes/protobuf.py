"""Bodies in Kubernetes' protobuf encoding, for the small kinds that `kubectl create` sends so.

`kubectl create namespace|configmap|secret|serviceaccount|role|…` and `kubectl auth can-i` speak
protobuf only. The messages below name the fields and numbers of the published `generated.proto`
files; a kind or a field that is not among them is refused, never dropped. Answers are always
JSON, which these clients accept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"

Read: TypeAlias = Callable[[Any], Any]
Message: TypeAlias = Mapping[int, tuple[str, Read, bool]]


class UnreadableError(ValueError):
    """The bytes are no such message, or hold a field that is not known here."""


def text(value: Any) -> str:
    """Read a text. Raises UnreadableError for a number."""
    if not isinstance(value, bytes):
        raise UnreadableError("a text field holds a number")
    return value.decode()


def number(value: Any) -> int:
    """Read a number that is only written where it is set: 0 says something."""
    return int(value)


_POINTERS: tuple[Read, ...] = (number,)


def parse(body: bytes) -> dict[str, Any]:
    """Decode a body into the object that its JSON would hold. Raises UnreadableError."""
    if not body.startswith(_MAGIC):
        raise UnreadableError("the body does not begin as a Kubernetes protobuf body does")
    envelope = dict(fields_in(body[len(_MAGIC) :]))
    kind = dict(fields_in(envelope.get(1, b"")))
    api_version, name = text(kind.get(1, b"")), text(kind.get(2, b""))
    from bridge.sandbox.kubernetes.protobuf_kinds import KINDS

    fields = KINDS.get((api_version, name))
    if fields is None:
        raise UnreadableError(f"the emulator does not read {api_version} {name} in protobuf")
    read = read_message(envelope.get(2, b""), fields)
    return {"apiVersion": api_version, "kind": name, **read}


def read_message(data: bytes, fields: Message) -> dict[str, Any]:
    """Decode one message. Empty texts are absent in JSON, and so they are here."""
    read: dict[str, Any] = {}
    for number, value in fields_in(data):
        if number not in fields:
            raise UnreadableError(f"field {number} of a message is not known to the emulator")
        name, convert, repeated = fields[number]
        item = convert(value)
        if name.endswith("{}"):
            read.setdefault(name[:-2], {}).update([item])
        elif repeated:
            read.setdefault(name, []).append(item)
        elif item not in (None, "", 0) or item is False or convert in _POINTERS:
            read[name] = item
    return read


def fields_in(data: bytes) -> Iterator[tuple[int, Any]]:
    """Go through the fields of a message: numbers for varints, bytes for the rest."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield number, value
        elif kind == 2:  # noqa: PLR2004 - the wire type of lengths
            length, at = _varint(data, at)
            if at + length > len(data):
                raise UnreadableError("the body ends within a field")
            yield number, data[at : at + length]
            at += length
        else:
            raise UnreadableError(f"wire type {kind} is not used by Kubernetes objects")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:  # noqa: PLR2004 - bits of the longest number
            raise UnreadableError("a number in the body is cut off or too long")
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at
