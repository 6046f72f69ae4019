"""Policies as the native API takes and shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum

from bridge.client.policies import (
    AttachmentRequest,
    PolicyDetail,
    PolicyRequest,
    PolicySummary,
)
from bridge.model.moment import Micros, timestamp
from bridge.model.problem import Problem
from iam.policy import DOCUMENTS, MANAGED, Attachment, StoredPolicy, read_attachment, read_policy


class Origin(StrEnum):
    """Where a policy comes from."""

    BUILT_IN = "built-in"
    FILE = "file"
    STORED = "stored"


def new_policy(
    name: str, asked: PolicyRequest, now: Micros
) -> tuple[StoredPolicy, tuple[Problem, ...]]:
    """Return a policy to store, and its warnings; raises InvalidDocumentError."""
    read = read_policy(asked.document, name=name)
    stored = StoredPolicy(name, asked.description, asked.document, Attachment(), now, now)
    return stored, read.warnings


def changed_attachment(
    name: str, asked: AttachmentRequest, *, attaches: bool, now: Micros
) -> Callable[[StoredPolicy | None], StoredPolicy | None]:
    """Return what a policy becomes by attaching or detaching it.

    The change raises LookupError where there is no such policy. Raises InvalidDocumentError.
    """
    further = read_attachment(
        {"principals": list(asked.principals), "groups": list(asked.groups)}, ""
    )

    def change(before: StoredPolicy | None) -> StoredPolicy | None:
        if before is None:
            if name not in MANAGED:
                raise LookupError(name)
            before = StoredPolicy(name, "", None, Attachment(), now, now)
        meant = before.attachment
        after = meant.added(further) if attaches else meant.removed(further)
        if before.document is None and after == Attachment():
            return None  # of a built-in policy nothing else is stored
        return replace(before, attachment=after, updated_at=now)

    return change


def summaries(
    file: Mapping[str, StoredPolicy], stored: Mapping[str, StoredPolicy]
) -> tuple[PolicySummary, ...]:
    """Return every policy for a list, by name."""
    return tuple(
        _summary(name, file, stored.get(name)) for name in sorted({*MANAGED, *file, *stored})
    )


def render_policy(
    name: str,
    file: Mapping[str, StoredPolicy],
    stored: StoredPolicy | None,
    warnings: Sequence[Problem] = (),
) -> PolicyDetail:
    """Return one policy with its document."""
    document = DOCUMENTS[name][1] if name in MANAGED else None
    for one in (stored, file.get(name)):
        document = (one.document if one else None) or document
    return PolicyDetail(
        **dict(_summary(name, file, stored)),
        document=dict(document or {}),
        warnings=tuple(map(str, warnings)),
    )


def _summary(
    name: str, file: Mapping[str, StoredPolicy], stored: StoredPolicy | None
) -> PolicySummary:
    from_file = file.get(name)
    # One of the file replaces a stored one; attachments of a built-in one add up.
    alone = from_file is not None and name not in MANAGED
    both = [one for one in (from_file, None if alone else stored) if one is not None]
    attachment = Attachment()
    for one in both:
        attachment = attachment.added(one.attachment)
    if name in MANAGED:
        origin, description = Origin.BUILT_IN, DOCUMENTS[name][0]
    else:
        origin = Origin.FILE if name in file else Origin.STORED
        description = both[0].description if both else ""
    is_dated = stored is not None and name not in file
    return PolicySummary(
        name=name,
        description=description,
        origin=origin.value,
        principals=attachment.principals,
        groups=attachment.groups,
        updated_at=timestamp(stored.updated_at) if stored is not None and is_dated else None,
    )
