"""What the inbox asks of a run, brought into it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.engine import releasing
from bridge.model import lever
from bridge.model.event import EventType
from bridge.model.experiment import ExperimentStatus
from bridge.model.inbox import Request, RequestKind
from bridge.model.record import Phase, Record
from providers.contract import Undo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bridge.engine.run import Run
    from bridge.model.moment import Micros

_NOT_BEGUN = frozenset({ExperimentStatus.PENDING, ExperimentStatus.INITIATING})
_UNDONE = frozenset({Phase.REVERTED, Phase.NOT_INJECTED, Phase.GONE})


def take(run: Run, request: Request, now: Micros) -> None:
    """Bring one request into a run. Unknown details are ignored: older versions write them."""
    details = request.details
    if request.kind is RequestKind.STOP:
        cause = str(details.get("cause", "user"))
        # FIS: an engaged lever stops what runs, and cancels what has not begun.
        prevented = cause == lever.CAUSE and run.experiment.status in _NOT_BEGUN
        run.stop(
            ExperimentStatus.CANCELLED if prevented else ExperimentStatus.STOPPED,
            str(details.get("reason", "Experiment stopped.")),
            now,
            cause=cause,
            **_pushed(details),
            **releasing.who(details),
        )
    elif request.kind is RequestKind.RELEASE:
        _release(run, details, now)
    else:
        _late_effect(run, request, now)


def _pushed(details: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a pushed signal said, for the journal; nothing for other requests."""
    if not details.get("pushed"):
        return {}
    said = {name: str(details.get(name, "")) for name in ("source", "signal", "event")}
    return {"pushed": True, **said}


def _release(run: Run, details: Mapping[str, Any], now: Micros) -> None:
    record = run.records.get(str(details.get("record", "")))
    if record is None or record.phase.ended:
        return
    reason = str(details.get("reason", ""))
    if details.get("force"):
        webhooks = bool(details.get("webhooks"))
        releasing.ask(run, record, reason, now, webhooks=webhooks, asker=releasing.who(details))
    else:
        releasing.end(run, record, reason, now, asker=releasing.who(details))


def _late_effect(run: Run, request: Request, now: Micros) -> None:
    """A worker that had lost the run came back from a call: what it did must be undone too.

    Reverting looks before it acts, so a record that is opened again for nothing does no harm.
    Its mark may have been written late as well, and is removed once more.
    """
    ids = [record for record in request.details.get("records", []) if record in run.records]
    held = set(request.details.get("held", []))
    call = str(request.details.get("call", ""))
    run.note(EventType.LATE_EFFECT, now, call=call, records=ids)
    if call != "inject":
        return
    for record in map(run.records.__getitem__, ids):
        if record.marked is False:
            record.marked = None
        if record.phase is Phase.INJECTING:
            # What a look found before now says nothing any more.
            record.called_at, record.seen, record.seen_at = now, None, None
        run.touch(record)
    # Where a later action of the run has the resource by now, its undo is the one to come; what
    # it was meant to leave so is not undone at all.
    taken = {_place(record) for record in run.records.values() if _still_wanted(run, record)}
    reopened = [
        run.records[record]
        for record in ids
        if run.records[record].phase in _UNDONE
        and record not in held
        and (run.records[record].effect is None or _place(run.records[record]) not in taken)
    ]
    for record in reopened:
        record.accepted = False
    run.set_phase(reopened, Phase.REVERTING, now, "a late effect of a worker that lost the run")


def _still_wanted(run: Run, record: Record) -> bool:
    # Who was the last to need it decided that it stays, whoever made the record.
    lasting = any(run.traits[name].undo is Undo.LASTING for name in record.holders)
    return (record.phase is Phase.KEPT and lasting) or not record.phase.ended


def _place(record: Record) -> tuple[str, str | None]:
    return record.resource, record.effect
