"""Marks as tags, written by the Tags API: it changes nothing else of the resource.

Azure allows no "/" in a tag's name, so the sign before the action is a colon there, and what
else it forbids is written as ``~`` and two hexadecimal digits. A value holds 256 characters:
longer words go on in ``<name>#2`` and ``<name>#3`` ("Use tags to organize your Azure resources":
names of 512 characters, values of 256, 50 tags on a resource).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from bridge.model.record import Record
from providers.azure.describe import tags_of
from providers.azure.ids import ResourceId
from providers.azure.review import role
from providers.azure.session import AzureSession
from providers.batches import each_alone
from providers.contract import (
    DONE,
    Mark,
    Outcome,
    OutcomeKind,
    Outcomes,
    Permission,
    optional,
)
from providers.marks import PREFIX, MarkedFault, mark_text, note_foreign_marks
from providers.refusals import DeniedError

LONGEST_NAME: Final = 512
LONGEST_VALUE: Final = 256
PARTS: Final = 3

MARK_RIGHTS: Final[tuple[Permission, ...]] = optional(
    "Microsoft.Resources/tags/write",
    loses="rescue cannot find the resource if the database is lost",
)

_FORBIDDEN: Final = re.compile(r"[<>%&\\?/#~]")
_ESCAPED: Final = re.compile(r"~([0-9A-F]{2})")
_FIELDS: Final = 4
"""Parts of a name between colons: prefix, installation, experiment, action."""


def tag_name(key: str) -> str:
    """Return a mark's key as the name of a tag."""
    head, _, action = key.partition("/")
    return f"{head}:{_FORBIDDEN.sub(lambda found: f'~{ord(found[0]):02X}', action)}"


def mark_key(name: str) -> str:
    """Return the key that a tag's name stands for."""
    fields = name.split(":", _FIELDS - 1)
    if len(fields) < _FIELDS:
        return name
    action = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), fields[-1])
    return f"{':'.join(fields[:-1])}/{action}"


def written(name: str, text: str) -> dict[str, str] | None:
    """Return the tags that hold the words of a mark, or None when they do not fit."""
    cut = [text[start : start + LONGEST_VALUE] for start in range(0, len(text), LONGEST_VALUE)]
    if len(cut) > PARTS or len(name) + 2 > LONGEST_NAME:
        return None
    return {name if n == 1 else f"{name}#{n}": part for n, part in enumerate(cut, 1)}


def marks_among(tags: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the key and the words of each mark among a resource's tags."""
    for name in sorted(tags):
        if name.startswith(PREFIX) and "#" not in name:
            rest = (tags.get(f"{name}#{n}", "") for n in range(2, PARTS + 1))
            yield mark_key(name), "".join((tags[name], *rest))


class MarkedAzureFault(MarkedFault):
    """A fault on Azure resources that writes its undo on each of them as tags."""

    async def mark(self, session: AzureSession, mark: Mark, records: Sequence[Record]) -> Outcomes:
        """Tag the resources; a record stays unmarked where the tags do not fit or are denied."""

        async def write(record: Record) -> Outcome:
            tags = written(tag_name(mark.key), mark_text(mark, self.notes(record)))
            if tags is None:
                return too_long()
            return await tag(session, record.resource, tags)

        return await each_alone(records, write)

    async def unmark(
        self, session: AzureSession, mark: Mark, records: Sequence[Record]
    ) -> Outcomes:
        """Remove the tags, whatever their values."""

        async def remove(record: Record) -> Outcome:
            try:
                notes = self.notes(record)
            except KeyError:
                notes = {}
            tags = written(tag_name(mark.key), mark_text(mark, notes)) or {}
            return await untag(session, record.resource, tag_name(mark.key), tags)

        return await each_alone(records, remove)


def too_long() -> Outcome:
    """Refuse a mark that the tags cannot hold."""
    return Outcome(
        OutcomeKind.REJECTED,
        f"not marked: {PARTS} tags hold {PARTS * LONGEST_VALUE} characters, and the mark has more; "
        "shorten the action's name, or select fewer instances",
    )


async def tag(session: AzureSession, resource: str, tags: Mapping[str, str]) -> Outcome:
    """Add tags to a resource. Raises what the call raises, but for a denial."""
    try:
        await _patch(session, resource, "Merge", tags)
    except DeniedError as refusal:
        grant = role(session.caller, "marks", ["Microsoft.Resources/tags/write"], "…")
        return Outcome(OutcomeKind.REJECTED, f"{refusal} The marks need this role: {grant}")
    return DONE


async def untag(
    session: AzureSession, resource: str, name: str, expected: Mapping[str, str]
) -> Outcome:
    """Remove a mark's tags; those that turn out to have other values by a second call.

    Azure removes a tag by name and value, and answers with those that are left.
    """
    left = await _patch(session, resource, "Delete", expected or {name: ""})
    if ours := {one: value for one, value in left.items() if one.split("#")[0] == name}:
        await _patch(session, resource, "Delete", ours)
    return DONE


async def tags_at(session: AzureSession, resource: str) -> dict[str, str]:
    """Read a resource's tags. Raises ProviderError."""
    answer = await session.get(
        ResourceId.of(resource).subscription, "resource", "tags.get_at_scope", resource[1:]
    )
    return _tags(answer)


def note_marks(session: AzureSession, record: Record, described: Mapping[str, Any]) -> None:
    """Note in the record's state which marks of others stand in a resource's tags."""
    keys = [key for key, _ in marks_among(tags_of(described))]
    note_foreign_marks(record, session.caller.installation, keys)


async def _patch(
    session: AzureSession, resource: str, operation: str, tags: Mapping[str, str]
) -> dict[str, str]:
    body = {"operation": operation, "properties": {"tags": dict(tags)}}
    begun = await session.begin(
        ResourceId.of(resource).subscription,
        "resource",
        "tags.update_at_scope",
        resource[1:],
        body,
    )
    return _tags(begun.body)


def _tags(answer: Mapping[str, Any]) -> dict[str, str]:
    return dict((answer.get("properties") or {}).get("tags") or {})
