"""Marks as labels: the undo in base 32, cut into values that a label takes.

Labels hold lower-case letters, digits, ``_`` and ``-``: 63 characters of key and of value, 64
labels on a resource (Compute Engine, "Labeling resources"). So the mark's key and its words are
written in base 32, in lower case and without padding, under as many keys as they need:
``faultbridge-<installation>-<8 characters of the key's hash>-<number>``.
"""

from __future__ import annotations

import base64
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import sha256
from typing import Any, Final

from bridge.model.record import Record
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
from providers.gcp.clients import Body
from providers.gcp.describe import look, read
from providers.gcp.errors import CHANGED_MEANWHILE, actor
from providers.gcp.names import Name
from providers.gcp.operations import note, noted, under_way
from providers.gcp.review import role_commands
from providers.gcp.session import GcpSession
from providers.marks import PREFIX, MarkedFault, mark_text, note_foreign_marks
from providers.refusals import DeniedError, RefusedError

LONGEST_VALUE: Final = 63
MOST_LABELS: Final = 64
"""Compute Engine's limits for labels: characters of a value, and labels of a resource."""
LABEL: Final = "faultbridge-"
_LABELS: Final = ("labels", "labelFingerprint")
_READ: Final = "labels"
"""Where a record's state keeps them from ``prepare`` to ``mark``."""
_VERB: Final = "setLabels"
_TRIES: Final = 4
"""How often labels are read again because somebody changed them since."""

_KEY = re.compile(rf"(?P<group>{LABEL}[a-z0-9-]{{1,32}}-[a-z2-7]{{8}})-(?P<number>\d{{1,2}})")
_BODIES: Final = {
    "instances": ("instances_set_labels_request_resource", "InstancesSetLabelsRequest", "instance"),
    "disks": ("zone_set_labels_request_resource", "ZoneSetLabelsRequest", "resource"),
}


def mark_rights(collection: str) -> tuple[Permission, ...]:
    """Return the optional right to label a kind of resource."""
    loses = "rescue cannot find the resource if the database is lost"
    return optional(f"compute.{collection}.setLabels", loses=loses)


def written(mark: Mark, notes: Mapping[str, str]) -> str:
    """Return a mark as one text: its key, and in the next line its words."""
    return f"{mark.key}\n{mark_text(mark, notes)}"


def base32(content: bytes) -> str:
    """Return bytes in base 32, in lower case and without padding."""
    return base64.b32encode(content).decode().rstrip("=").lower()


def unbase32(text: str) -> bytes:
    """Read back what ``base32`` wrote. Raises ValueError."""
    return base64.b32decode(text.upper() + "=" * (-len(text) % 8))


def labels_of(mark: Mark, text: str) -> dict[str, str]:
    """Return a mark's text as labels."""
    encoded = base32(text.encode())
    values = (
        encoded[start : start + LONGEST_VALUE] for start in range(0, len(encoded), LONGEST_VALUE)
    )
    return {f"{_group(mark)}-{number}": value for number, value in enumerate(values)}


def texts_in(labels: Mapping[str, str]) -> dict[str, str]:
    """Return the marks in a resource's labels: their text, or nothing where it cannot be read.

    Keys are the labels' without the number.
    """
    groups: defaultdict[str, dict[int, str]] = defaultdict(dict)
    for key, value in labels.items():
        if match := _KEY.fullmatch(key):
            groups[match["group"]][int(match["number"])] = value
    return {
        group: _decoded([parts[number] for number in sorted(parts)])
        for group, parts in groups.items()
    }


def _decoded(parts: Sequence[str]) -> str:
    try:
        return unbase32("".join(parts)).decode()
    except ValueError:
        return ""


def _group(mark: Mark) -> str:
    digest = base32(sha256(mark.key.encode()).digest())[:8]
    return f"{LABEL}{mark.installation}-{digest}"


def note_marks(session: GcpSession, record: Record, described: Mapping[str, Any]) -> None:
    """Note in the record's state which marks of others stand in a resource's labels.

    The labels are noted too, with their fingerprint: ``mark`` comes next, and need not read them.
    """
    record.state[_READ] = {key: described[key] for key in _LABELS if key in described}
    texts = texts_in(described.get("labels", {}))
    keys = (text.partition("\n")[0] or PREFIX + group for group, text in texts.items())
    note_foreign_marks(record, session.caller.installation, keys)


class LabelledFault(MarkedFault):
    """A fault on instances or disks that writes its undo on them as labels."""

    async def mark(self, session: GcpSession, mark: Mark, records: Sequence[Record]) -> Outcomes:
        """Label the resources; a record stays unmarked where that does not fit or is denied."""
        texts = {record.id: written(mark, self.notes(record)) for record in records}

        def add(record: Record, labels: dict[str, str]) -> dict[str, str]:
            return _without(labels, mark) | labels_of(mark, texts[record.id])

        known = {r.id: r.state.pop(_READ) for r in records if _READ in r.state}
        unread = [record for record in records if record.id not in known]
        found = {record.id: one for record, one in await look(session, unread)} if unread else {}
        return await _label(session, records, {**known, **found}, add)

    async def unmark(self, session: GcpSession, mark: Mark, records: Sequence[Record]) -> Outcomes:
        """Remove the labels, whatever their values."""
        found = {record.id: one for record, one in await look(session, records)}
        return await _label(session, records, found, lambda _, labels: _without(labels, mark))


def _without(labels: Mapping[str, str], mark: Mark) -> dict[str, str]:
    group = _group(mark)
    return {key: value for key, value in labels.items() if key.rpartition("-")[0] != group}


async def _label(
    session: GcpSession,
    records: Sequence[Record],
    found: Mapping[str, dict[str, Any] | None],
    change: Any,
) -> Outcomes:
    async def set_labels(record: Record) -> Outcome:
        try:
            return await _set_labels(session, record, found[record.id], partial(change, record))
        except DeniedError as refusal:
            name = Name.of(record.resource)
            right = f"compute.{name.collection}.{_VERB}"
            grant = role_commands(session.caller, name.project, [right])
            return Outcome(
                OutcomeKind.REJECTED,
                f"{refusal} The marks need this of {actor(session.caller)}: {grant}",
            )

    return await each_alone(records, set_labels)


async def _set_labels(
    session: GcpSession, record: Record, resource: dict[str, Any] | None, change: Any
) -> Outcome:
    """Write what ``change`` makes of the labels, read anew when somebody changed them since.

    The fingerprint guards that, so there is no need of a request id: a repeat of a call that
    was carried out is refused, and finds on reading that there is nothing to write.
    """
    name = Name.of(record.resource)
    parameter, message, named = _BODIES[name.collection]
    for _ in range(_TRIES):
        if resource is None:
            return Outcome(OutcomeKind.GONE, "it does not exist any more")
        before = dict(resource.get("labels", {}))
        after = change(before)
        if after == before:
            # Labels that are still being written would come over a resource that has none yet.
            if noted(record, _VERB) and await under_way(session, record, _VERB):
                return Outcome(OutcomeKind.UNKNOWN, "its labels are still being written")
            return DONE
        if len(after) > MOST_LABELS:
            return Outcome(
                OutcomeKind.REJECTED,
                f"not marked: {MOST_LABELS} labels fit on it, with the mark it would have "
                f"{len(after)}; remove {len(after) - MOST_LABELS}",
            )
        content = {"labels": after, "labelFingerprint": resource.get("labelFingerprint", "")}
        body = Body(parameter, message, content)
        place = {**name.place, named: name.name}
        try:
            operation = await session.call(name.collection, _VERB, body, **place)
        except RefusedError as refusal:
            if refusal.code != CHANGED_MEANWHILE:
                raise
            resource = await read(session, name)
        else:
            note(record, _VERB, operation)
            return DONE
    return Outcome(OutcomeKind.UNKNOWN, "its labels were changed again and again")
