"""`faultbridge run`: one document, run once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli.connection import configured_url, connect_async, load_settings
from bridge.cli.exits import CommandError, Exit
from bridge.cli.output import console, show, show_json, tell
from bridge.cli.preflight import is_stored
from bridge.cli.reports import Junit, Reports, Summary
from bridge.cli.validate import Cluster, File, Role, checked

if TYPE_CHECKING:
    from bridge.cli.live import View
    from bridge.client.documents import ExperimentDetail


def run(  # noqa: PLR0917 - each is an option of the command
    file: File,
    role: Role = None,
    cluster: Cluster = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for the end; always so without FAULTBRIDGE_URL.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the experiment as one JSON document at the end.")
    ] = False,
    junit: Junit = None,
    summary: Summary = None,
) -> None:
    """Run an experiment, or a custom resource of a chaos kind.

    FILE may be the id of a template that the bridge stores. With FAULTBRIDGE_URL the bridge there
    runs it. Without, a bridge runs within this command:
    SIGINT, SIGTERM or SIGHUP stop the experiment, everything is undone, then the command exits; a
    second signal exits at once and prints how to undo what is left.
    """
    stored = is_stored(file)
    remote = stored or configured_url() is not None
    if stored and (role is not None or cluster is not None):
        msg = (
            f"{file}: a stored template names its role and targets; leave --role and --cluster out"
        )
        raise CommandError(Exit.INVALID, msg)
    reports = Reports(junit, summary)
    if reports.wanted and remote and not wait:
        msg = "--junit and --summary tell of the end, so the command must wait for it: add --wait"
        raise CommandError(Exit.INVALID, msg)
    reports.require_writable()
    with reports.about(file):
        document = {} if stored else checked(file, role, cluster)
        view = None if as_json else _view()
        if remote:
            what = {"template_id": file} if stored else {"template": document}
            experiment = _remote(what, view if wait else None, wait=wait)
        else:
            experiment = _embedded(document, view)
    reports.write(experiment)
    if as_json:
        show_json(experiment.wire())
    if wait or not remote:
        raise typer.Exit(_conclude(experiment))
    if not as_json:
        show(experiment.id)
        tell(f"faultbridge: started; `faultbridge watch {experiment.id}` follows it")


def _view() -> View:
    from bridge.cli.live import view_on

    return view_on(console())


def _embedded(document: dict[str, Any], view: View | None) -> ExperimentDetail:
    from bridge.cli.embedded import run_embedded

    settings = load_settings()

    async def go() -> ExperimentDetail:
        return await run_embedded(settings, document, view)

    if view is None:
        return asyncio.run(go())
    with view:
        return asyncio.run(go())


def _remote(what: dict[str, Any], view: View | None, *, wait: bool) -> ExperimentDetail:
    from uuid import uuid4

    from bridge.client import StartRequest

    request = StartRequest(**what, client_token=str(uuid4()))

    async def go() -> ExperimentDetail:
        async with connect_async() as client:
            started = await client.start(request)
            if not wait:
                return started
            return await watched(started.id, view)

    return asyncio.run(go())


async def watched(experiment_id: str, view: View | None) -> ExperimentDetail:
    """Follow a run of the configured bridge; an interrupt leaves it to the bridge.

    Raises CommandError when interrupted, and what the client raises.
    """
    from bridge.cli.follow import follow

    try:
        async with connect_async() as client:
            if view is None:
                return await follow(client, experiment_id, None)
            with view:
                return await follow(client, experiment_id, view)
    except asyncio.CancelledError:
        msg = f"the experiment goes on; `faultbridge stop {experiment_id}` ends it"
        raise CommandError(Exit.INTERRUPTED, msg) from None


def _conclude(experiment: ExperimentDetail) -> Exit:
    from bridge.cli.verdict import account, verdict

    for line in account(experiment):
        tell(line)
    return verdict(experiment)
