"""Labels and network tags: their syntax, limits and fingerprints.

Compute Engine API reference, instances.setLabels, disks.setLabels, instances.setTags;
"Organize resources using labels" (64 labels; keys and values of 63 characters: lower-case
letters of any alphabet, digits, ``_``, ``-``; a key begins with a letter); "Add network tags"
(64 tags, RFC 1035). A fingerprint that is not the present one is 412 ``conditionNotMet``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from bridge.sandbox.gcp.cloud import Cloud, Resource, fingerprint
from bridge.sandbox.gcp.errors import GoogleError, invalid
from bridge.sandbox.gcp.operations import Operation, begin, nothing
from bridge.sandbox.gcp.request import GcpRequest
from bridge.sandbox.transitions import LateFailure

MOST = 64
_LONGEST = 63
_TAG = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_STALE_LABELS = "Labels fingerprint either invalid or resource labels have changed"
_STALE_TAGS = "Supplied fingerprint does not match current tags fingerprint."


def set_labels(cloud: Cloud, asked: GcpRequest) -> Operation:
    """Replace the labels of an instance or a disk."""
    resource = cloud.get(asked.path)
    body = asked.taken("labels", "labelFingerprint")
    labels = body.get("labels", {})
    refuse_bad_labels(labels)

    def change() -> None:
        if labels:
            resource["labels"] = labels
        else:
            resource.pop("labels", None)
        resource["labelFingerprint"] = fingerprint(labels)

    return _replace(
        cloud,
        asked,
        lambda: resource["labelFingerprint"] == body.get("labelFingerprint"),
        change,
        _STALE_LABELS,
    )


def set_tags(cloud: Cloud, asked: GcpRequest) -> Operation:
    """Replace the network tags of an instance."""
    instance = cloud.get(asked.path)
    body = asked.taken("items", "fingerprint")
    items = body.get("items", [])
    refuse_bad_tags(items, "tags")

    def change() -> None:
        held: Resource = {"fingerprint": fingerprint(items)}
        if items:
            held["items"] = items
        instance["tags"] = held

    return _replace(
        cloud,
        asked,
        lambda: instance["tags"]["fingerprint"] == body.get("fingerprint"),
        change,
        _STALE_TAGS,
    )


def _replace(
    cloud: Cloud,
    asked: GcpRequest,
    unchanged: Callable[[], bool],
    change: Callable[[], None],
    stale: str,
) -> Operation:
    """Begin a change that only comes about if nobody else was quicker."""
    if not unchanged():
        raise GoogleError(412, "conditionNotMet", stale, location=("If-Match", "header"))

    def finish() -> LateFailure | None:
        if not unchanged():
            return LateFailure("CONDITION_NOT_MET", stale)
        change()
        return None

    return begin(cloud, asked, finish, nothing)


def refuse_bad_labels(labels: Any) -> None:
    """Refuse labels outside the syntax and the limit. Raises `GoogleError` 400."""
    if not isinstance(labels, dict) or len(labels) > MOST:
        raise invalid("labels", "", f"The number of labels must not exceed {MOST}.")
    for key, value in labels.items():
        if not (key[:1].isalpha() and _allowed(key)):
            raise invalid("labels", "", f"Label key '{key}' violates format constraints.")
        if not isinstance(value, str) or not _allowed(value):
            raise invalid("labels", "", f"Label value '{value}' violates format constraints.")


def _allowed(text: str) -> bool:
    """Whether all of it is lower-case letters, digits, ``_`` and ``-``, and not too long."""
    return len(text) <= _LONGEST and all(
        letter in "_-" or (letter.isalnum() and letter == letter.lower()) for letter in text
    )


def refuse_bad_tags(items: list[str], field: str) -> None:
    """Refuse network tags outside the syntax and the limit. Raises `GoogleError` 400."""
    if len(items) > MOST:
        raise invalid(field, "", f"The number of tags must not exceed {MOST}.")
    for tag in items:
        if not _TAG.fullmatch(tag):
            raise invalid(field, tag, f"Must be a match of regex '{_TAG.pattern}'")
