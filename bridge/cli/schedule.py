"""`faultbridge schedule`: templates that are started without anybody asking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bridge.cli.connection import connect
from bridge.cli.exits import EPILOG, CommandError, Exit
from bridge.cli.output import clean, show, show_json, tell
from bridge.cli.validate import Cluster, Role, checked

if TYPE_CHECKING:
    from bridge.client.schedules import ScheduleDetail

app = typer.Typer(
    name="schedule",
    help="Start templates by cron or at a time, without anybody asking.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,
)

_Id = Annotated[str, typer.Argument(metavar="ID", help="Schedule id, such as SCH….")]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command(epilog=EPILOG)
def create(
    file: Annotated[
        str | None,
        typer.Argument(
            help="Template, or custom resource of a chaos kind, which is stored; - is standard "
            "input. Leave it out with --template-id."
        ),
    ] = None,
    *,
    template_id: Annotated[
        str | None,
        typer.Option("--template-id", metavar="ID", help="A template that is stored already."),
    ] = None,
    cron: Annotated[
        str | None,
        typer.Option(metavar="FIELDS", help='Five fields such as "30 2 * * MON-FRI", or @daily.'),
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(metavar="ZONE", help="IANA zone of --cron, such as Europe/Berlin; else UTC."),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Once, at a time such as 2026-12-01T02:30:00Z."),
    ] = None,
    concurrency_policy: Annotated[
        Literal["Forbid", "Allow"] | None,
        typer.Option(help="Whether a run may start while an earlier one is open; else Forbid."),
    ] = None,
    history_limit: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", help="How many slots are remembered; else 10."),
    ] = None,
    starting_deadline_seconds: Annotated[
        int | None,
        typer.Option(
            metavar="SECONDS", help="Skip a slot that is later; else as the bridge is set."
        ),
    ] = None,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    tag: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Tag of the runs; repeatable.")
    ] = None,
    paused: Annotated[bool, typer.Option("--paused", help="Start nothing yet.")] = False,
    role: Role = None,
    cluster: Cluster = None,
    as_json: _Json = False,
) -> None:
    """Schedule a template, and show its next three slots."""
    from uuid import uuid4

    from bridge.client.schedules import ScheduleRequest
    from bridge.model.schedule import ConcurrencyPolicy

    if (file is None) == (template_id is None):
        msg = "give either FILE or --template-id, not both or none"
        raise CommandError(Exit.INVALID, msg)
    if file is None and (role is not None or cluster is not None):
        msg = "--role and --cluster are for a custom resource; leave them out with --template-id"
        raise CommandError(Exit.INVALID, msg)
    asked: dict[str, Any] = {
        "template": None if file is None else checked(file, role, cluster),
        "template_id": template_id,
        "cron": cron,
        "timezone": timezone,
        "at": at,
        "concurrency_policy": concurrency_policy and ConcurrencyPolicy(concurrency_policy),
        "history_limit": history_limit,
        "starting_deadline_seconds": starting_deadline_seconds,
        "description": description,
        "tags": _tags(tag or []),
        "paused": paused,
        "client_token": str(uuid4()),
    }
    # Not judged here: the bridge's own words name the member and the mend.
    request = ScheduleRequest.model_construct(
        **{name: value for name, value in asked.items() if value is not None}
    )
    with connect() as client:
        made = client.create_schedule(request)
    if as_json:
        show_json(made.wire())
        return
    show(made.id)
    _announce(made)


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many to list.")] = 100,
    as_json: _Json = False,
) -> None:
    """List schedules in order of creation."""
    with connect() as client:
        page = client.schedules(limit=limit)
    if as_json:
        show_json(page.wire())
        return
    if not page.schedules:
        tell("faultbridge: there are no schedules yet; `faultbridge schedule create` makes one")
    from bridge.cli.slots import local

    for one in page.schedules:
        following = "" if one.next_at is None else local(one, one.next_at)
        times = clean(one.cron or "once")
        show(f"{one.id}  {one.state.value:<6}  {following:<26}  {times}  {clean(one.description)}")
    if page.next is not None:
        tell("faultbridge: there are more; raise --limit")


@app.command("show", epilog=EPILOG)
def show_(schedule_id: _Id, as_json: _Json = False) -> None:
    """Show a schedule, its next slots, and what became of the latest ones."""
    with connect() as client:
        found = client.schedule(schedule_id)
    if as_json:
        show_json(found.wire())
        return
    from bridge.cli.slots import described

    for line in described(found):
        show(clean(line))


@app.command(epilog=EPILOG)
def pause(schedule_id: _Id, as_json: _Json = False) -> None:
    """Start nothing more until the schedule is resumed; its open runs go on."""
    _set_paused(schedule_id, paused=True, as_json=as_json)


@app.command(epilog=EPILOG)
def resume(schedule_id: _Id, as_json: _Json = False) -> None:
    """Let a schedule go on with its next slot; those that passed are not made up for."""
    _set_paused(schedule_id, paused=False, as_json=as_json)


@app.command(epilog=EPILOG)
def delete(schedule_id: _Id, as_json: _Json = False) -> None:
    """Delete a schedule; its runs are left alone, also those that are open."""
    with connect() as client:
        found = client.delete_schedule(schedule_id)
    if as_json:
        show_json(found.wire())
    else:
        show(f"{found.id} is deleted")


def _set_paused(schedule_id: str, *, paused: bool, as_json: bool) -> None:
    from bridge.client.schedules import ScheduleChange

    with connect() as client:
        found = client.change_schedule(schedule_id, ScheduleChange(paused=paused))
    if as_json:
        show_json(found.wire())
        return
    show(f"{found.id} is {found.state.value}")
    _announce(found)


def _announce(schedule: ScheduleDetail) -> None:
    from bridge.cli.slots import announced

    for line in announced(schedule):
        tell(clean(line))


def _tags(pairs: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not (key and equals):
            raise CommandError(Exit.INVALID, f'--tag "{pair}" is no pair; write KEY=VALUE')
        found[key] = value
    return found
