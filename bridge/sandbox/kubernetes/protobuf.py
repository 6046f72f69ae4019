"""Bodies in Kubernetes' protobuf encoding, for the small kinds that `kubectl create` sends so.

`kubectl create namespace|configmap|secret|serviceaccount|role|…` and `kubectl auth can-i` speak
protobuf only. The messages below name the fields and numbers of the published `generated.proto`
files; a kind or a field that is not among them is refused, never dropped. Answers are always
JSON, which these clients accept.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"

Read: TypeAlias = Callable[[Any], Any]
Message: TypeAlias = Mapping[int, tuple[str, Read, bool]]


class UnreadableError(ValueError):
    """The bytes are no such message, or hold a field that is not known here."""


def _text(value: Any) -> str:
    if not isinstance(value, bytes):
        raise UnreadableError("a text field holds a number")
    return value.decode()


def _bytes(value: Any) -> str:
    return base64.b64encode(value).decode()


def _nothing(_value: Any) -> None:
    return None


def _message(fields: Message) -> Read:
    return lambda value: read_message(value, fields)


def _pair(value: Read) -> Read:
    def read(data: Any) -> Any:
        pair = dict(_fields(data))
        return _text(pair.get(1, b"")), value(pair.get(2, b""))

    return read


def _one(name: str, read: Read = _text) -> tuple[str, Read, bool]:
    return name, read, False


def _many(name: str, read: Read = _text) -> tuple[str, Read, bool]:
    return name, read, True


def _map(name: str, read: Read = _text) -> tuple[str, Read, bool]:
    return f"{name}{{}}", _pair(read), True


_OWNER: Message = {
    1: _one("kind"),
    3: _one("name"),
    4: _one("uid"),
    5: _one("apiVersion"),
    6: _one("controller", bool),
    7: _one("blockOwnerDeletion", bool),
}
_METADATA: Message = {
    1: _one("name"),
    2: _one("generateName"),
    3: _one("namespace"),
    4: _one("selfLink"),
    5: _one("uid"),
    6: _one("resourceVersion"),
    7: _one("generation", int),
    8: _one("creationTimestamp", _nothing),
    11: _map("labels"),
    12: _map("annotations"),
    13: _many("ownerReferences", _message(_OWNER)),
    14: _many("finalizers"),
}
_META = _one("metadata", _message(_METADATA))
_RULE: Message = {
    1: _many("verbs"),
    2: _many("apiGroups"),
    3: _many("resources"),
    4: _many("resourceNames"),
    5: _many("nonResourceURLs"),
}
_SUBJECT: Message = {
    1: _one("kind"),
    2: _one("apiGroup"),
    3: _one("name"),
    4: _one("namespace"),
}
_ROLE_REFERENCE: Message = {1: _one("apiGroup"), 2: _one("kind"), 3: _one("name")}
_ROLE: Message = {1: _META, 2: _many("rules", _message(_RULE))}
_BINDING: Message = {
    1: _META,
    2: _many("subjects", _message(_SUBJECT)),
    3: _one("roleRef", _message(_ROLE_REFERENCE)),
}
_NAMED: Message = {1: _one("name")}
_ASKED: Message = {
    1: _one("namespace"),
    2: _one("verb"),
    3: _one("group"),
    4: _one("version"),
    5: _one("resource"),
    6: _one("subresource"),
    7: _one("name"),
}
_ASKED_PATH: Message = {1: _one("path"), 2: _one("verb")}
_SELF_REVIEW: Message = {
    1: _one("resourceAttributes", _message(_ASKED)),
    2: _one("nonResourceAttributes", _message(_ASKED_PATH)),
}

KINDS: Mapping[tuple[str, str], Message] = {
    ("v1", "Namespace"): {
        1: _META,
        2: _one("spec", _message({1: _many("finalizers")})),
        3: _one("status", _nothing),
    },
    ("v1", "ConfigMap"): {
        1: _META,
        2: _map("data"),
        3: _map("binaryData", _bytes),
        4: _one("immutable", bool),
    },
    ("v1", "Secret"): {
        1: _META,
        2: _map("data", _bytes),
        3: _one("type"),
        4: _map("stringData"),
        5: _one("immutable", bool),
    },
    ("v1", "ServiceAccount"): {
        1: _META,
        3: _many("imagePullSecrets", _message(_NAMED)),
        4: _one("automountServiceAccountToken", bool),
    },
    ("rbac.authorization.k8s.io/v1", "Role"): _ROLE,
    ("rbac.authorization.k8s.io/v1", "ClusterRole"): _ROLE,
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): _BINDING,
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): _BINDING,
    ("authorization.k8s.io/v1", "SelfSubjectAccessReview"): {
        1: _META,
        2: _one("spec", _message(_SELF_REVIEW)),
        3: _one("status", _nothing),
    },
    ("authentication.k8s.io/v1", "SelfSubjectReview"): {
        1: _META,
        2: _one("status", _nothing),
    },
    ("authorization.k8s.io/v1", "SelfSubjectRulesReview"): {
        1: _META,
        2: _one("spec", _message({1: _one("namespace")})),
        3: _one("status", _nothing),
    },
}


def parse(body: bytes) -> dict[str, Any]:
    """Decode a body into the object that its JSON would hold. Raises UnreadableError."""
    if not body.startswith(_MAGIC):
        raise UnreadableError("the body does not begin as a Kubernetes protobuf body does")
    envelope = dict(_fields(body[len(_MAGIC) :]))
    kind = dict(_fields(envelope.get(1, b"")))
    api_version, name = _text(kind.get(1, b"")), _text(kind.get(2, b""))
    fields = KINDS.get((api_version, name))
    if fields is None:
        raise UnreadableError(f"the emulator does not read {api_version} {name} in protobuf")
    read = read_message(envelope.get(2, b""), fields)
    return {"apiVersion": api_version, "kind": name, **read}


def read_message(data: bytes, fields: Message) -> dict[str, Any]:
    """Decode one message. Empty texts are absent in JSON, and so they are here."""
    read: dict[str, Any] = {}
    for number, value in _fields(data):
        if number not in fields:
            raise UnreadableError(f"field {number} of a message is not known to the emulator")
        name, convert, repeated = fields[number]
        item = convert(value)
        if name.endswith("{}"):
            read.setdefault(name[:-2], {}).update([item])
        elif repeated:
            read.setdefault(name, []).append(item)
        elif item not in (None, "", 0) or item is False:
            read[name] = item
    return read


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
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
