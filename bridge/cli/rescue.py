"""`faultbridge rescue`: undo by the marks on the resources, without a run's records."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.connection import load_settings
from bridge.cli.exits import Exit
from bridge.cli.output import clean, show, show_json, tell
from bridge.model.moment import iso_timestamp

if TYPE_CHECKING:
    from bridge.engine.rescue import Finding, Plan

Names = list[str] | None


def rescue(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list the marks and what would be done.")
    ] = False,
    region: Annotated[
        Names,
        typer.Option(help="Look into this AWS Region too; may be repeated, as all that follow."),
    ] = None,
    account: Annotated[
        Names,
        typer.Option(
            metavar="ROLE-ARN", help="Look into a further AWS account too, as this role of it."
        ),
    ] = None,
    project: Annotated[Names, typer.Option(help="Look into this Google project too.")] = None,
    subscription: Annotated[
        Names, typer.Option(help="Look into this Azure subscription too.")
    ] = None,
    cluster: Annotated[
        Names, typer.Option(help="Look into this EKS cluster too, by ARN or name, listed or not.")
    ] = None,
    context: Annotated[
        Names, typer.Option(help="Look into this context of the kubeconfig, not into all.")
    ] = None,
    identity: Annotated[
        Names,
        typer.Option(help="Look as this role too. FAULTBRIDGE_RESCUE_IDENTITIES."),
    ] = None,
    recovery: Annotated[
        Names,
        typer.Option(
            "--as",
            metavar="IDENTITY",
            help="Undo as this where a mark's own identity is refused: a role's ARN, a Google "
            "service account, an Azure client id, or `self`. FAULTBRIDGE_RECOVERY_ROLE.",
        ),
    ] = None,
    installation: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="Undo this installation's marks too, where they are past their deadline.",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Data directory of the bridge, if it still exists."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Undo faults by the marks on resources.

    Meant for when the bridge's database is lost, or was put back from a backup: a bridge on the
    old data undoes by itself. Says first what it will do, and why. Only marks of
    FAULTBRIDGE_INSTALLATION are acted on, others are listed. Runs that a running bridge still
    holds are left to it. Exits with 6 where something was left behind, with 7 where it was not
    possible to look everywhere. It may be interrupted, and run again.
    """
    from bridge.cli.rescuing import rescue_all

    settings = load_settings(
        data,
        rescue_regions=region,
        rescue_accounts=account,
        gcp_projects=project,
        azure_subscriptions=subscription,
        rescue_clusters=cluster,
        rescue_contexts=context,
        rescue_identities=identity,
        recovery_role=recovery,
    )
    rescued = asyncio.run(
        rescue_all(settings, dry_run=dry_run, other=installation, announce=_announce)
    )
    if as_json:
        show_json(rescued.wire())
    else:
        for finding in rescued.findings:
            _show(finding)
    for problem in rescued.problems:
        tell(clean(f"faultbridge: could not look: {problem}"))
    if not rescued.findings:
        tell("faultbridge: no marks were found")
    if rescued.incomplete:
        raise typer.Exit(Exit.LEFT_BEHIND)
    raise typer.Exit(Exit.UNSEARCHED if rescued.problems else Exit.COMPLETED)


def _announce(plan: Plan) -> None:
    """Say what will be done before it is done; on standard error, since it is no result yet."""
    for _, finding in plan.act:
        will = finding.verdict.value.replace("would", "will")
        tell(clean(f"faultbridge: {will}: {finding.resource}  {finding.mark}"))
        for line in _about(finding):
            tell(clean(f"    {line}"))


def _show(finding: Finding) -> None:
    why = f" ({finding.reason})" if finding.reason else ""
    mark = finding.mark or f"{finding.experiment}/{finding.action}"
    show(clean(f"{finding.verdict.value}: {finding.resource}{why}  {mark}"))
    if finding.verdict.value.startswith("would"):
        for line in _about(finding):
            show(clean(f"    {line}"))


def _about(finding: Finding) -> list[str]:
    prior = f" ({finding.prior})" if finding.prior else ""
    due = "-" if finding.deadline is None else iso_timestamp(finding.deadline)
    otherwise = f", else as {finding.recovery}" if finding.recovery else ""
    return [
        f"{finding.fault}: {finding.undo}{prior}",
        f"as {finding.identity}{otherwise}; deadline {due}; {finding.why}",
    ]
