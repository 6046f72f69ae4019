"""Rules for `metadata` that hold for every kind: names, labels, annotations, finalizers."""

from __future__ import annotations

import re
from random import Random
from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes.status import (
    FieldError,
    forbidden_field,
    invalid_value,
    required,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bridge.sandbox.kubernetes.objects import Object
    from bridge.sandbox.kubernetes.resources import Resource

ANNOTATIONS_LIMIT = 256 * 1024
"""Bytes of all annotations of one object together."""

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE = f"({_QUALIFIED})?"
# No vowels, nothing that looks like another.
_SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_GENERATED_BASE = 58
_CHANCE = Random()  # noqa: S311 - only to be unlike others

_SUBDOMAIN_HELP = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    f"for validation is '{_SUBDOMAIN}')"
)
_LABEL_HELP = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex "
    f"used for validation is '{_LABEL}')"
)
_RFC_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_RFC_1035_HELP = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or "
    f"'abc-123', regex used for validation is '{_RFC_1035}')"
)
_KEY_HELP = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    f"validation is '{_QUALIFIED}')"
)
_VALUE_HELP = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value', "
    f" or '12345', regex used for validation is '{_VALUE}')"
)
_NAME_RULES = {
    "namespaces": (63, _LABEL, _LABEL_HELP),
    "services": (63, _RFC_1035, _RFC_1035_HELP),
}
_SUBDOMAIN_RULE = (253, _SUBDOMAIN, _SUBDOMAIN_HELP)
_PATH_SEGMENTS = "rbac.authorization.k8s.io"


def generated_name(base: str, chance: Random = _CHANCE) -> str:
    """Make a name from `generateName`, as long as the API server lets it be."""
    return base[:_GENERATED_BASE] + "".join(chance.choices(_SUFFIX_LETTERS, k=5))


def validate(resource: Resource, obj: Object, old: Object | None = None) -> list[FieldError]:
    """Name everything that is wrong with an object's metadata."""
    metadata = obj["metadata"]
    name = metadata.get("name")
    errors: list[FieldError] = []
    if old is None and metadata.get("generateName"):
        errors += _name(resource, metadata["generateName"].rstrip("-"), "metadata.generateName")
    if not name:
        errors.append(required("metadata.name", "name or generateName is required"))
    else:
        errors += _name(resource, name, "metadata.name")
    errors += _labels(metadata.get("labels") or {})
    errors += _annotations(metadata.get("annotations") or {})
    errors += _finalizers(metadata, old)
    errors += _owners(metadata.get("ownerReferences") or [])
    return errors


def _name(resource: Resource, name: str, field: str) -> Iterator[FieldError]:
    if resource.group == _PATH_SEGMENTS:
        if name in (".", "..") or "/" in name or "%" in name:
            yield invalid_value(field, name, "may not be '.' or '..', nor contain '/' or '%'")
        return
    limit, pattern, detail = _NAME_RULES.get(
        resource.plural if resource.group == "" else "", _SUBDOMAIN_RULE
    )
    if len(name) > limit:
        yield invalid_value(field, name, f"must be no more than {limit} characters")
    if not re.fullmatch(pattern, name):
        yield invalid_value(field, name, detail)


def _key(key: str, field: str) -> Iterator[FieldError]:
    prefix, slash, name = key.rpartition("/")
    if slash and not re.fullmatch(_SUBDOMAIN, prefix):
        yield invalid_value(field, key, f"prefix part {_SUBDOMAIN_HELP}")
    if not name:
        yield invalid_value(field, key, "name part must be non-empty")
    if len(name) > 63:  # noqa: PLR2004 - the limit that the message names
        yield invalid_value(field, key, "name part must be no more than 63 characters")
    if not re.fullmatch(_QUALIFIED, name):
        yield invalid_value(field, key, _KEY_HELP)


def _labels(labels: dict[str, str]) -> Iterator[FieldError]:
    for key, value in labels.items():
        yield from _key(key, "metadata.labels")
        if len(value) > 63:  # noqa: PLR2004 - the limit that the message names
            yield invalid_value("metadata.labels", value, "must be no more than 63 characters")
        if not re.fullmatch(_VALUE, value):
            yield invalid_value("metadata.labels", value, _VALUE_HELP)


def _annotations(annotations: dict[str, str]) -> Iterator[FieldError]:
    for key in annotations:
        yield from _key(key.lower(), "metadata.annotations")
    size = sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
    if size > ANNOTATIONS_LIMIT:
        message = f"Too long: may not be more than {ANNOTATIONS_LIMIT} bytes"
        yield FieldError("metadata.annotations", "FieldValueTooLong", message)


def _finalizers(metadata: dict[str, Any], old: Object | None) -> Iterator[FieldError]:
    finalizers = metadata.get("finalizers") or []
    for name in finalizers:
        yield from _key(name, "metadata.finalizers")
    if old is None or "deletionTimestamp" not in old["metadata"]:
        return
    added = [name for name in finalizers if name not in (old["metadata"].get("finalizers") or ())]
    if added:
        listed = ", ".join(f'"{name}"' for name in added)
        yield forbidden_field(
            "metadata.finalizers",
            "no new finalizers can be added if the object is being deleted, "
            f"found new finalizers []string{{{listed}}}",
        )


def _owners(owners: list[dict[str, Any]]) -> Iterator[FieldError]:
    for index, owner in enumerate(owners):
        for field in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(field):
                yield invalid_value(
                    f"metadata.ownerReferences[{index}].{field}", "", "must not be empty"
                )
    if sum(bool(owner.get("controller")) for owner in owners) > 1:
        yield invalid_value(
            "metadata.ownerReferences",
            "array",
            "Only one reference can have Controller set to true",
        )


def warnings(obj: Object, old: Object | None = None) -> list[str]:
    """Warn of finalizer names that others may use as well."""
    before = (old or {}).get("metadata", {}).get("finalizers") or ()
    return [
        f'metadata.finalizers: "{name}": prefer a domain-qualified finalizer name including a '
        "path (/) to avoid accidental conflicts with other finalizer writers"
        for name in obj["metadata"].get("finalizers") or ()
        if "/" not in name and name not in before
    ]
