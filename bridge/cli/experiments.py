"""`faultbridge experiments`, `stop` and `watch`: runs of a bridge."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from bridge.cli.connection import connect
from bridge.cli.output import clean, console, show, show_json, tell
from bridge.cli.reports import Junit, Reports, Summary

_Id = Annotated[str, typer.Argument(metavar="ID", help="Experiment id, such as EXP….")]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def experiments(
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many to list.")] = 20,
    as_json: _Json = False,
) -> None:
    """List experiments, the newest first."""
    with connect() as client:
        page = client.experiments(limit=limit)
    if as_json:
        show_json(page.wire())
        return
    if not page.experiments:
        tell("faultbridge: there are no experiments yet; `faultbridge run FILE` starts one")
    for one in page.experiments:
        started = f"{one.created_at:%Y-%m-%d %H:%M:%S}Z"
        show(f"{one.id}  {one.status.value:<10}  {started}  {clean(one.description)}")
    if page.next is not None:
        tell("faultbridge: there are more; raise --limit")


def stop(experiment_id: _Id, as_json: _Json = False) -> None:
    """Stop an experiment.

    Everything it did is undone. Returns when the request is stored; `watch` shows the undoing.
    """
    with connect() as client:
        experiment = client.stop(experiment_id)
    if as_json:
        show_json(experiment.wire())
    elif experiment.status.ended:
        show(f"{experiment.id} has ended already: {experiment.status.value}")
    else:
        show(f"{experiment.id} is told to stop; `faultbridge watch {experiment.id}` follows it")


def watch(experiment_id: _Id, junit: Junit = None, summary: Summary = None) -> None:
    """Follow an experiment to its end.

    The exit code is its verdict. Draws in place on a terminal, writes a line for each event
    elsewhere.
    """
    from bridge.cli.live import view_on
    from bridge.cli.run import watched
    from bridge.cli.verdict import account, verdict

    reports = Reports(junit, summary)
    reports.require_writable()
    with reports.about(experiment_id):
        experiment = asyncio.run(watched(experiment_id, view_on(console())))
    reports.write(experiment)
    for line in account(experiment):
        tell(line)
    raise typer.Exit(verdict(experiment))
