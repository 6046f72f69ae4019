"""`faultbridge action-templates`: chaos resources with parameters, shared by a team."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli.connection import configured_url, connect
from bridge.cli.exits import EPILOG, CommandError, Exit
from bridge.cli.output import clean, show, show_json, tell

if TYPE_CHECKING:
    from bridge.client.action_templates import ActionTemplateDetail, ActionTemplateSummary

app = typer.Typer(
    name="action-templates",
    help="Chaos resources with named parameters, which a team shares.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,
)

_Reference = Annotated[
    str, typer.Argument(metavar="NAME[@VERSION]", help="Such as network-delay, or slow-checkout@3.")
]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command(epilog=EPILOG)
def create(
    file: Annotated[
        str, typer.Argument(help="Action template: YAML or JSON; - is standard input.")
    ],
    new_version: Annotated[
        bool,
        typer.Option(
            "--new-version",
            help="Add a version to a name that is there; one that changes nothing adds none.",
        ),
    ] = False,
    as_json: _Json = False,
) -> None:
    """Store an action template: what is wrong with it is told by line and column.

    Its resource is judged with the parameters' defaults and at their bounds.
    """
    from uuid import uuid4

    document = _checked(file)
    with connect() as client:
        send = client.add_action_template_version if new_version else client.create_action_template
        made = send(document, str(uuid4()))
    if as_json:
        show_json(made.wire())
        return
    show(f"{made.name}@{made.version}")
    tell(f"faultbridge: write it as the actionId {made.action_id}, or {made.alias}")


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many to list.")] = 100,
    as_json: _Json = False,
) -> None:
    """List the newest version of each action template by name.

    Without FAULTBRIDGE_URL: those that are built in.
    """
    if configured_url() is None:
        found, more = _built_in(), False
    else:
        with connect() as client:
            page = client.action_templates(limit=limit)
        if as_json:
            show_json(page.wire())
            return
        found, more = list(page.action_templates), page.next is not None
    if as_json:
        show_json({"actionTemplates": [one.wire() for one in found], "next": None})
        return
    width = max((len(_reference(one)) for one in found), default=0)
    for one in found:
        whose = "built in" if one.built_in else "own"
        line = f"{_reference(one):<{width}}  {whose:<8}  {one.kind:<14}  {one.description}"
        show(clean(line))
    if more:
        tell("faultbridge: there are more; raise --limit")


@app.command("show", epilog=EPILOG)
def show_(reference: _Reference, as_json: _Json = False) -> None:
    """Show an action template with its parameters, in its newest or in a named version.

    Without FAULTBRIDGE_URL: one that is built in. With --json its member "document" is what
    `create` takes.
    """
    found = _one(reference)
    if as_json:
        show_json(found.wire())
        return
    from bridge.cli.action_template_lines import described

    for line in described(found):
        show(clean(line))


@app.command(epilog=EPILOG)
def delete(reference: _Reference, as_json: _Json = False) -> None:
    """Delete a version, or every version of a name.

    Refused while an experiment template uses one; runs keep what they were started with.
    """
    with connect() as client:
        gone = client.delete_action_template(reference)
    if as_json:
        show_json(gone.wire())
        return
    for version in gone.versions:
        show(f"{gone.name}@{version} is deleted")


def _checked(name: str) -> dict[str, Any]:
    """Return the document of a file without errors; its warnings go to standard error."""
    from bridge.api.native.action_template_documents import accepted
    from bridge.cli.files import read_template
    from bridge.model.problem import InvalidDocumentError

    try:
        read = read_template(name)
    except OSError as error:
        msg = f"{name}: {error.strerror}; give the file of a template, or - for standard input"
        raise CommandError(Exit.INVALID, msg) from None
    writing = [clean(read.line_of(problem, place)) for place, problem in read.problems]
    lines = writing if read.broken else []
    if not read.broken:
        for line in writing:
            tell(line)
        try:
            _, warnings = accepted(read.document)
        except InvalidDocumentError as error:
            lines = [clean(read.line_of(problem)) for problem in error.problems]
        else:
            for problem in warnings:
                tell(clean(read.line_of(problem)))
    if lines:
        raise CommandError(Exit.INVALID, "\n".join([*lines, f"{read.name}: invalid"]))
    document: dict[str, Any] = read.document
    return document


def _built_in() -> list[ActionTemplateSummary]:
    from bridge.api.native.action_template_documents import render_action_template
    from bridge.catalog.action_templates import built_ins

    return [render_action_template(one.newest) for one in built_ins().values()]


def _one(reference: str) -> ActionTemplateDetail:
    if configured_url() is not None:
        with connect() as client:
            return client.action_template(reference)
    from bridge.api.native.action_template_documents import built_in_detail

    try:
        return built_in_detail(reference)
    except LookupError as error:
        msg = f"{error}. Set FAULTBRIDGE_URL to look among those that are stored"
        raise CommandError(Exit.INVALID, msg) from None


def _reference(one: ActionTemplateSummary) -> str:
    return f"{one.name}@{one.version}"
