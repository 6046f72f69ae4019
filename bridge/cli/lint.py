"""`faultbridge lint`: what is wrong with the templates and manifests of a project."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from bridge.cli.connection import load_settings, scope_of
from bridge.cli.exits import Exit
from bridge.cli.output import clean, show, show_json
from bridge.model.problem import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.cli.linting.cluster import Asked, Shown
    from bridge.cli.linting.findings import Finding
    from bridge.cli.linting.judging import Judge, Result

_MOST_ROWS: Final = 20
"""Pods of a selector that are listed; the JSON document has them all."""

Strict = Annotated[bool, typer.Option("--strict", help="Take every warning as an error.")]


class Format(StrEnum):
    """How findings are written."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


def lint(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="Files and folders: YAML or JSON; - is standard input.",
        ),
    ],
    output: Annotated[
        Format, typer.Option("--format", help="How findings are written.")
    ] = Format.TEXT,
    strict: Strict = False,
    cluster: Annotated[
        str | None,
        typer.Option(
            "--cluster",
            metavar="CONTEXT",
            help="Also ask this cluster: a context of the kubeconfig, by its name or its EKS ARN; "
            '"current" is the current one.',
        ),
    ] = None,
    kubeconfig: Annotated[
        Path | None,
        typer.Option(
            help="Where the context is. Default: FAULTBRIDGE_KUBECONFIG, else as kubectl looks."
        ),
    ] = None,
) -> None:
    """Say what is wrong with FIS templates, chaos manifests and action templates.

    Each finding has its line and column, and says what to write instead. Folders are gone through
    with all that is in them; files that hold nothing of the kind are skipped and counted. No bridge
    and no cloud is asked.

    With --cluster, a cluster is asked as the user of the context: the schema that it serves,
    whether it would take each resource (a dry run), and which pods are selected now. That none is
    selected is an error.
    """
    from bridge.catalog import Catalog
    from bridge.cli.linting.judging import Judge, Result
    from bridge.cli.linting.sources import Sources

    settings = load_settings()
    scope = scope_of(settings)
    sources, result = Sources(tuple(files)), Result()
    judge = Judge(Catalog(settings), scope)
    read = list(sources)
    for source in read:
        judge.learn(source)
    for source in read:
        judge.look_at(source, result)
    result.skipped += sources.skipped
    shown: list[Shown] | None = None
    if cluster is not None:
        asked = _ask(cluster, kubeconfig or settings.kubeconfig, result, judge)
        result.findings += asked.findings
        shown = asked.previews
    findings = _in_order(result.findings, strict=strict)
    _write(findings, result, output, shown)
    refused = any(finding.severity is Severity.ERROR for finding in findings)
    raise typer.Exit(Exit.INVALID if refused else Exit.COMPLETED)


def _ask(context: str, kubeconfig: Path | None, result: Result, judge: Judge) -> Asked:
    from bridge.cli.linting.cluster import ask_cluster
    from bridge.cli.linting.created import unknown_values
    from bridge.cli.linting.findings import Rule, found

    resources = []
    for document, kind in result.documents:
        resources += [(document, created) for created in judge.created(document, kind)]
        names = unknown_values(document.document) if kind == "action template" else []
        if names:
            message = f"not tried in a cluster: nothing says what {', '.join(names)} will be"
            problem = Problem("parameters", message, Severity.WARNING)
            result.findings.append(found(document, problem, Rule.CLUSTER_ACCESS))
    return ask_cluster(context, kubeconfig, resources, result.findings)


def _in_order(findings: Sequence[Finding], *, strict: bool) -> list[Finding]:
    """Return findings by file, as they were read, and within it by line."""
    files = {name: index for index, name in enumerate(dict.fromkeys(one.file for one in findings))}
    ordered = sorted(findings, key=lambda one: (files[one.file], one.place or (0, 0)))
    return [one.strict() if strict else one for one in ordered]


def _write(
    findings: Sequence[Finding],
    result: Result,
    output: Format,
    shown: Sequence[Shown] | None,
) -> None:
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    warnings = len(findings) - errors
    if output is Format.SARIF:
        from bridge.cli.linting.sarif import sarif

        show_json(sarif(findings))
    elif output is Format.JSON:
        summary = {
            "files": len(result.files),
            "errors": errors,
            "warnings": warnings,
            "skipped": result.skipped,
        }
        found: dict[str, Any] = {"findings": [finding.wire() for finding in findings]}
        if shown is not None:
            found["previews"] = [one.wire() for one in shown]
        show_json({**found, "summary": summary})
    else:
        for finding in findings:
            show(clean(finding.line()))
        if shown:
            from bridge.cli.linting.cluster import table

            for one in shown:
                for line in table(one, _MOST_ROWS):
                    show(clean(line))
        show(_summary(len(result.files), errors, warnings, result.skipped))


def _summary(files: int, errors: int, warnings: int, skipped: int) -> str:
    counts = f"{_count(files, 'file')}: {_count(errors, 'error')}, {_count(warnings, 'warning')}"
    return f"{counts} ({_count(skipped, 'other file')} skipped)" if skipped else counts


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
