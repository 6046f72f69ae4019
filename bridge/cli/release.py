"""`faultbridge release`: give up the undo of what is stuck."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Final

import typer

from bridge.cli.connection import connect
from bridge.cli.exits import CommandError, Exit
from bridge.cli.output import clean, show, show_json, tell

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bridge.client import Client
    from bridge.client.documents import ExperimentDetail, ExperimentRecord

LONGEST_WAIT: Final = 60.0
"""Seconds that the command follows a release; the bridge goes on with it afterwards."""
_LONGEST_REASON: Final = 512
_WARNING: Final = (
    "A release does not undo the fault. By force, a stuck resource's finalizers are taken off and "
    "it is deleted; what it did to its targets stays until you mend it."
)


def release(
    experiment_id: Annotated[str, typer.Argument(metavar="EXPERIMENT", help="Experiment id.")],
    record_id: Annotated[
        str | None, typer.Argument(metavar="RECORD", help="Record id, as `release` lists them.")
    ] = None,
    *,
    action: Annotated[
        str | None, typer.Option(help="Release all open records of this action.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why, for the journal.")] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without this it is only said what would be done.")
    ] = False,
    remove_webhooks: Annotated[
        bool,
        typer.Option(
            "--remove-webhooks",
            help="Delete Chaos Mesh's admission webhooks if nobody serves them and they refuse it.",
        ),
    ] = False,
    record_only: Annotated[
        bool,
        typer.Option("--record-only", help="End the record, and leave the resource as it is."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Give up the undo of a record that is stuck; this does not undo the fault.

    A chaos resource's finalizers are taken off by force, and it is deleted: what it did to its
    targets stays, so check them. The record ends as released, which stands in the journal.
    Without RECORD and --action, lists what can be released.
    """
    if remove_webhooks and record_only:
        msg = "--remove-webhooks is for a release by force; leave out --record-only"
        raise CommandError(Exit.INVALID, msg)
    with connect() as client:
        experiment = client.experiment(experiment_id)
        chosen = _chosen(experiment, record_id, action)
        if not chosen or not (record_id or action):
            _list(experiment, chosen, as_json=as_json)
            return
        _confirm(chosen, reason, yes=yes, record_only=record_only)
        after = _last_event(client, experiment_id)
        for record in chosen:
            client.release(
                experiment_id,
                record.id,
                reason or "",
                force=not record_only,
                remove_webhooks=remove_webhooks,
            )
        refused = _follow(client, experiment_id, {record.id for record in chosen}, after)
        ended = client.experiment(experiment_id)
    ids = {record.id for record in chosen}
    found = [record for record in ended.records if record.id in ids]
    if as_json:
        show_json([record.wire() for record in found])
    else:
        _report(experiment_id, found)
    if refused:
        raise typer.Exit(Exit.FAILED)


def _chosen(
    experiment: ExperimentDetail, record_id: str | None, action: str | None
) -> list[ExperimentRecord]:
    names = [one.name for one in experiment.actions]
    if action is not None and action not in names:
        has = f"it has {', '.join(names)}"
        msg = f'--action: {experiment.id} has no action "{clean(action[:64])}"; {has}'
        raise CommandError(Exit.INVALID, msg)
    if record_id is not None and record_id not in {record.id for record in experiment.records}:
        msg = (
            f'{experiment.id} has no record "{clean(record_id[:128])}"; '
            f"`faultbridge release {experiment.id}` lists those that it has"
        )
        raise CommandError(Exit.INVALID, msg)
    return [
        record
        for record in experiment.records
        if not record.ended and record_id in {None, record.id} and action in {None, record.action}
    ]


def _list(
    experiment: ExperimentDetail, open_: Iterable[ExperimentRecord], *, as_json: bool
) -> None:
    listed = list(open_)
    if as_json:
        show_json([record.wire() for record in listed])
        return
    if not listed:
        tell(f"faultbridge: there is nothing to release: {experiment.id} is done with all of it")
    for record in listed:
        show(f"{record.id}  {record.phase.value}  {clean(record.resource)}")
        if record.last_error:
            show(f"    {clean(record.last_error)}")


def _confirm(
    chosen: list[ExperimentRecord], reason: str | None, *, yes: bool, record_only: bool
) -> None:
    """Raise CommandError where it was not said why, or not said that it is meant."""
    if not reason or len(reason) > _LONGEST_REASON:
        msg = (
            f"--reason: say why, in at most {_LONGEST_REASON} characters; it stands in the journal"
        )
        raise CommandError(Exit.INVALID, msg)
    if yes:
        return
    how = "given up as they are" if record_only else "given up by force"
    names = "\n".join(f"  {record.id}  {clean(record.resource)}" for record in chosen)
    msg = f"these would be {how}:\n{names}\n{_WARNING}\nNothing was done; repeat it with --yes"
    raise CommandError(Exit.INVALID, msg)


def _last_event(client: Client, experiment_id: str) -> int:
    after = 0
    while (page := client.events(experiment_id, after=after)).events:
        after = page.next
    return after


def _follow(client: Client, experiment_id: str, waiting: set[str], after: int) -> bool:
    """Say what becomes of the release, until each is done or refused; whether one was."""
    from bridge.cli.timeline import sentence
    from bridge.model.event import EventType

    refused = False
    until = time.monotonic() + LONGEST_WAIT
    while waiting and time.monotonic() < until:
        page = client.events(experiment_id, after=after, wait=5)
        after = page.next
        for event in page.events:
            if event.type in {EventType.RELEASED, EventType.RELEASE_REFUSED}:
                waiting.discard(str(event.details.get("record", "")))
                refused |= event.type is EventType.RELEASE_REFUSED
            if words := sentence(event):
                tell(f"faultbridge: {words}")
        if page.ended and not page.events:
            break
    return refused


def _report(experiment_id: str, found: Iterable[ExperimentRecord]) -> None:
    for record in found:
        show(f"{record.id}  {record.phase.value}  {clean(record.last_error or '')}".rstrip())
        if not record.ended:
            tell(f"faultbridge: it goes on; `faultbridge watch {experiment_id}` follows it")
