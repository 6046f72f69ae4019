"""The undo as words on the touched resource, for ``rescue`` after the database is lost.

How a cloud carries them is its provider's: a tag, labels, a rule's description. The words are
the same everywhere, ``name=value`` parted by blanks, readable by the person who finds them::

    v=1 fault=aws:ec2:stop-instances until=2026-01-31T12:00:00Z
    as=arn:aws:iam::123456789012:role/fis prior=running
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from bridge.model.moment import Micros, iso_timestamp, micros, timestamp
from bridge.model.record import Phase, Record
from bridge.model.scope import Scope
from providers import registry
from providers.contract import Fault, FoundMark, Mark, Subject

PREFIX: Final = "faultbridge:"
VERSION: Final = "1"
NEWER: Final = "rescue with the version of Faultbridge that wrote it, or a later one"
"""What to do about a mark whose version is not known here."""
_OWN_WORDS: Final = frozenset({"v", "fault", "until", "as"})

_KEY = re.compile(
    rf"{PREFIX}(?P<installation>[^:/]+):(?P<experiment>[^:/]+)/(?P<action>.+)", re.DOTALL
)
_FOREIGN: Final = "marks"
"""Where a record's state keeps the marks of others that ``prepare`` found."""


class MarkedFault(Fault):
    """A fault that writes its undo on the resources it touches."""

    @abstractmethod
    def notes(self, record: Record) -> dict[str, str]:
        """Return what undoing needs of the record's state, as words without blanks."""

    @abstractmethod
    def recall(self, scope: Scope, resource: str, notes: Mapping[str, str]) -> Subject:
        """Rebuild state and touches from ``notes``. Raises KeyError or ValueError."""

    def foreign_mark(self, record: Record) -> str | None:
        """Return the first foreign mark that ``prepare`` noted."""
        return foreign_mark(record)


def mark_text(mark: Mark, notes: Mapping[str, str]) -> str:
    """Return the words of a mark: who made the fault, until when, and what undoing needs."""
    words = {
        "v": VERSION,
        "fault": mark.fault,
        "until": "-" if mark.deadline is None else iso_timestamp(mark.deadline),
        "as": mark.identity,
        **notes,
    }
    return " ".join(f"{name}={value}" for name, value in words.items())


def note_foreign_marks(
    record: Record, installation: str, keys: Iterable[str], *, prefix: str = PREFIX
) -> None:
    """Note in the record's state which marks of others stand among a resource's ``keys``.

    A mark is foreign unless this installation and this experiment wrote it.
    """
    experiment = record.id.partition("/")[0]
    own = f"{prefix}{installation}:{experiment}/"
    marks = sorted(key for key in keys if key.startswith(prefix))
    record.state.pop(_FOREIGN, None)
    if foreign := [key for key in marks if not key.startswith(own)]:
        record.state[_FOREIGN] = foreign


def foreign_mark(record: Record) -> str | None:
    """Return the first of the foreign marks noted in a record, or None."""
    marks: list[str] = record.state.get(_FOREIGN, [])
    return marks[0] if marks else None


def found_mark(scope: Scope, key: str, text: str, resource: str) -> FoundMark:
    """Read a mark back, and rebuild the record from it; what cannot be read is said in it."""
    parts = _KEY.fullmatch(key)
    words = dict(word.split("=", 1) for word in text.split(" ") if "=" in word)
    mark = Mark(
        installation=parts["installation"] if parts else "",
        experiment=parts["experiment"] if parts else "",
        action=parts["action"] if parts else key.removeprefix(PREFIX),
        fault=words.get("fault", ""),
        deadline=_moment(words.get("until", "")),
        identity=words.get("as", ""),
    )
    record = Record(
        # The whole name: machines of one name may live in several places.
        id=f"{mark.experiment}/{mark.action}/{resource}",
        action=mark.action,
        holders=(mark.action,),
        fault=mark.fault,
        resource=resource,
        effect=None,
        phase=Phase.INJECTED,
        marked=True,
    )
    problem = "" if parts else f"its key is not one of ours: {key}"
    notes = {name: word for name, word in words.items() if name not in _OWN_WORDS}
    return FoundMark(mark, record, problem or _recall(scope, record, words), notes)


def _recall(scope: Scope, record: Record, words: Mapping[str, str]) -> str:
    """Fill in the record from the mark's words; return why that cannot be done, or nothing."""
    if words.get("v") != VERSION:
        version = words.get("v", "none")[:16]
        return f"its version is {version}, this bridge reads version {VERSION}; {NEWER}"
    if not words.get("as"):
        return "it does not say as whom the fault was made"
    fault = registry.fault(record.fault) if record.fault in registry.FAULTS else None
    if not isinstance(fault, MarkedFault):
        return f"this bridge knows no such fault: {record.fault[:64] or 'none named'}"
    try:
        subject = fault.recall(scope, record.resource, words)
    except (KeyError, ValueError):
        return "what undoing needs cannot be read from its value"
    record.effect = fault.effect
    record.state = subject.state
    record.touches = subject.touches
    return ""


def _moment(text: str) -> Micros | None:
    try:
        return micros(datetime.fromisoformat(text) - timestamp(Micros(0)))
    except (ValueError, TypeError):
        return None
