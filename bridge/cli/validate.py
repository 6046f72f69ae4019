"""`faultbridge validate`, and the check that `run` makes first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli.connection import configured_url, connect, load_settings
from bridge.cli.exits import CommandError, Exit
from bridge.cli.output import clean, show, show_json, tell

if TYPE_CHECKING:
    from bridge.cli.files import TemplateFile
    from bridge.client.documents import Validation


def validate(
    file: Annotated[str, typer.Argument(help="Template file, YAML or JSON; - is standard input.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print every problem in one JSON document.")
    ] = False,
) -> None:
    """Say what is wrong with a template.

    Errors, and warnings such as where AWS FIS itself would refuse it. Nothing is stored and no
    cloud is asked. With FAULTBRIDGE_URL the bridge there judges, with its settings; without, this
    command does.
    """
    read, validation = _judged(file)
    if as_json:
        show_json({"valid": validation.valid, **validation.wire()})
    else:
        for line in _lines(read, validation):
            show(line)
        show(_summary(read, validation))
    raise typer.Exit(Exit.COMPLETED if validation.valid else Exit.INVALID)


def checked(file: str) -> dict[str, Any]:
    """Return the document of a file without errors; its warnings go to standard error.

    Raises CommandError naming every error, and what the client raises.
    """
    read, validation = _judged(file)
    lines = _lines(read, validation)
    if not validation.valid:
        raise CommandError(Exit.INVALID, "\n".join([*lines, _summary(read, validation)]))
    for line in lines:
        tell(line)
    document: dict[str, Any] = read.document
    return document


def _judged(name: str) -> tuple[TemplateFile, Validation]:
    from bridge.cli.files import read_template
    from bridge.client.documents import Validation

    try:
        read = read_template(name)
    except OSError as error:
        msg = f"{name}: {error.strerror}; give a template file, or - for standard input"
        raise CommandError(Exit.INVALID, msg) from None
    if read.problems:
        return read, Validation(problems=tuple(problem for _, problem in read.problems))
    if configured_url() is None:
        return read, _judged_here(read.document)
    with connect() as client:
        return read, client.validate(read.document)


def _judged_here(document: Any) -> Validation:
    from bridge.api.native.judging import judge
    from bridge.catalog import Catalog
    from bridge.model.scope import Scope

    settings = load_settings()
    scope = Scope(cloud="aws", account=settings.account, region=settings.region)
    return judge(Catalog(settings), scope, document)


def _lines(read: TemplateFile, validation: Validation) -> list[str]:
    if read.problems:
        return [clean(read.line_of(problem, place)) for place, problem in read.problems]
    return [clean(read.line_of(problem)) for problem in validation.problems]


def _summary(read: TemplateFile, validation: Validation) -> str:
    errors = sum(problem.severity.value == "error" for problem in validation.problems)
    warnings = len(validation.problems) - errors
    counts = [
        f"{count} {word}{'s' if count > 1 else ''}"
        for count, word in ((errors, "error"), (warnings, "warning"))
        if count
    ]
    verdict = "invalid" if errors else "valid"
    return f"{read.name}: {verdict}" + (f" ({', '.join(counts)})" if counts else "")
