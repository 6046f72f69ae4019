"""`faultbridge rescue`: undo by the marks on the resources, without a run's records."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.connection import load_settings
from bridge.cli.exits import Exit
from bridge.cli.output import clean, show, show_json, tell

if TYPE_CHECKING:
    from bridge.cli.rescuing import Rescued


def rescue(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list the marks and what would be done.")
    ] = False,
    identity: Annotated[
        list[str] | None,
        typer.Option(help="Look as this role too; may be repeated. FAULTBRIDGE_RESCUE_IDENTITIES."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Data directory of the bridge, if it still exists."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Undo faults by the marks on resources.

    Meant for when the bridge's database is lost: a bridge on the old data undoes by itself. Only
    marks of FAULTBRIDGE_INSTALLATION are acted on, others are listed. Runs that a running bridge
    still holds are left to it. Exits with 6 where something could not be undone,
    with 7 where it was not possible to look everywhere.
    """
    from bridge.cli.rescuing import rescue_all

    rescued = asyncio.run(
        rescue_all(load_settings(data), dry_run=dry_run, identities=tuple(identity or ()))
    )
    if as_json:
        show_json(rescued.wire())
    else:
        _show(rescued)
    if rescued.incomplete:
        raise typer.Exit(Exit.LEFT_BEHIND)
    raise typer.Exit(Exit.UNSEARCHED if rescued.problems else Exit.COMPLETED)


def _show(rescued: Rescued) -> None:
    for finding in rescued.findings:
        why = f" ({finding.reason})" if finding.reason else ""
        show(clean(f"{finding.verdict.value}: {finding.resource}{why}  {finding.mark}"))
    for problem in rescued.problems:
        tell(clean(f"faultbridge: could not look: {problem}"))
    if not rescued.findings:
        tell("faultbridge: no marks were found")
