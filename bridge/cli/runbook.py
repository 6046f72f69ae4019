"""`faultbridge runbook`: a game day's runbook, filled in from a template and what is there now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.exits import CommandError, Exit
from bridge.cli.output import clean, show, tell
from bridge.cli.validate import Cluster, Role

if TYPE_CHECKING:
    from bridge.client.preflight import Preflight


def runbook(
    template: Annotated[
        str,
        typer.Argument(
            metavar="TEMPLATE",
            help="Template or custom resource, as for validate, or the id of a stored template.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write it there, not to the output."),
    ] = None,
    role: Role = None,
    cluster: Cluster = None,
) -> None:
    """Write the runbook of a game day in Markdown, filled in from a template.

    With what its targets are now, what the stop conditions say, which rights are there and which
    are missing, the commands, and how to undo each fault by hand. Clouds and clusters are asked as
    for `validate --preflight`; what nobody could tell is said to be so. What only people know is
    left to be filled in. The same template in the same world gives the same text.
    """
    from bridge.cli.runbook_page import Subject, page

    named = (("--role", role), ("--cluster", cluster))
    options = tuple(word for option, value in named if value for word in (option, value))
    found, grants = _asked(template, role, cluster)
    if found.plan is None:
        msg = "this bridge is older than the command and does not tell what a run would be"
        raise CommandError(Exit.NO_BRIDGE, msg)
    text = page(Subject(template, options), found, found.plan, grants)
    if output is None:
        show(text.rstrip("\n"))
        return
    try:
        output.write_text(text, "utf-8")
    except OSError as error:
        msg = f"--output: {output}: {error.strerror}; name a file in a folder that is there"
        raise CommandError(Exit.INVALID, msg) from None
    tell(f"faultbridge: written: {clean(str(output))}")


def _asked(name: str, role: str | None, cluster: str | None) -> tuple[Preflight, str]:
    """Return what was found out about a template, and its grants in words."""
    from bridge.catalog.grants import as_text, chosen, documents
    from bridge.cli.grants import needs_of, needs_of_document
    from bridge.cli.preflight import is_stored, of_document, of_stored
    from bridge.cli.validate import checked

    if is_stored(name):
        found = of_stored(name)
        needs, about = needs_of(name, role, cluster)
    else:
        document = checked(name, role, cluster)
        found = of_document(document)
        needs, about = needs_of_document(document, name)
    granted = chosen(needs, include_optional=False, required_only=False)
    left_out = [one for one in needs if one not in granted]
    return found, as_text(documents(granted, about, None), left_out)
