"""Marks of scale set instances: they carry no tags of their own, so their scale set does.

One mark stands for all instances of an action in the set, whose numbers are among its words:
``instances=0-4,7``.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final

from bridge.model.record import Record
from providers.azure.batches import by, each_possible
from providers.azure.describe import resource_of
from providers.azure.ids import SCALE_SET, SCALE_SET_INSTANCE, ResourceId
from providers.azure.marks import marks_among, tag, tag_name, tags_at, too_long, untag, written
from providers.azure.session import AzureSession
from providers.contract import DONE, Mark, Outcome, Outcomes
from providers.marks import MarkedFault, mark_text, note_foreign_marks

_WORD: Final = re.compile(r"(?:^| )instances=([0-9,-]+)")
_MOST: Final = 1000
"""Instances of one scale set ("Azure Virtual Machine Scale Sets FAQ", with platform images)."""


def instances_in(text: str, scale_set: ResourceId) -> list[ResourceId]:
    """Return the instances that a mark on a scale set is about; none of a mark on all else."""
    match = _WORD.search(text)
    if scale_set.kind != SCALE_SET or match is None:
        return []
    return [
        scale_set._replace(kind=SCALE_SET_INSTANCE, names=(*scale_set.names, str(number)))
        for number in _numbers(match[1])
    ]


def note_instance_marks(session: AzureSession, record: Record, tags: Mapping[str, str]) -> None:
    """Note which marks of others on the scale set are about the record's instance."""
    which = resource_of(record)
    keys = [key for key, text in marks_among(tags) if which in instances_in(text, which.parent)]
    note_foreign_marks(record, session.caller.installation, keys)


class MarkedInstanceFault(MarkedFault):
    """A fault on scale set instances that writes its undo on their scale set."""

    async def mark(self, session: AzureSession, mark: Mark, records: Sequence[Record]) -> Outcomes:
        """Add the instances to the scale set's mark."""

        async def write(scale_set: ResourceId, batch: Sequence[Record]) -> Outcome:
            numbers = await _marked(session, mark, scale_set) | _numbers_of(batch)
            tags = self._tags(mark, batch[0], numbers)
            return too_long() if tags is None else await tag(session, str(scale_set), tags)

        return await _each_set(records, write)

    async def unmark(
        self, session: AzureSession, mark: Mark, records: Sequence[Record]
    ) -> Outcomes:
        """Take the instances from the scale set's mark, and the last ones with the mark itself."""

        async def remove(scale_set: ResourceId, batch: Sequence[Record]) -> Outcome:
            before = await _marked(session, mark, scale_set)
            left = before - _numbers_of(batch)
            if not before:
                return DONE
            old = self._tags(mark, batch[0], before) or {}
            if not left:
                return await untag(session, str(scale_set), tag_name(mark.key), old)
            new = self._tags(mark, batch[0], left) or {}
            outcome = await tag(session, str(scale_set), new)
            for name in old.keys() - new.keys():
                await untag(session, str(scale_set), name, {name: old[name]})
            return outcome

        return await _each_set(records, remove)

    def _tags(self, mark: Mark, record: Record, numbers: Iterable[int]) -> dict[str, str] | None:
        notes = {**self.notes(record), "instances": _ranges(numbers)}
        return written(tag_name(mark.key), mark_text(mark, notes))


async def _marked(session: AzureSession, mark: Mark, scale_set: ResourceId) -> set[int]:
    tags = await tags_at(session, str(scale_set))
    text = dict(marks_among(tags)).get(mark.key, "")
    return {int(one.name) for one in instances_in(text, scale_set)}


async def _each_set(
    records: Sequence[Record], act: Callable[[ResourceId, Sequence[Record]], Awaitable[Outcome]]
) -> dict[str, Outcome]:
    def send(scale_set: ResourceId) -> Callable[[Sequence[Record]], Awaitable[Outcomes]]:
        async def all_of(batch: Sequence[Record]) -> Outcomes:
            outcome = await act(scale_set, batch)
            return {record.id: outcome for record in batch}

        return all_of

    return await each_possible(by(records, lambda one: resource_of(one).parent), send)


def _numbers_of(records: Sequence[Record]) -> set[int]:
    return {int(resource_of(record).name) for record in records}


def _ranges(numbers: Iterable[int]) -> str:
    """Write numbers as ``0-4,7``."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(f"{first}-{last}" if last > first else f"{first}" for first, last in runs)


def _numbers(text: str) -> list[int]:
    """Read what ``_ranges`` wrote, no more than a scale set can hold."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first.isdigit() and (last.isdigit() or not last):
            found += range(int(first), min(int(last or first), int(first) + _MOST) + 1)
    return found[:_MOST]
