"""`faultbridge schema`: the JSON Schemas of chaos resources, for editors."""

from __future__ import annotations

from typing import Annotated

import typer

from bridge.cli.exits import CommandError, Exit
from bridge.cli.output import clean, show, show_json


def schema(
    kind: Annotated[
        str | None,
        typer.Argument(help="Kind, such as NetworkChaos; without it, a manifest of any kind."),
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the kinds instead.")] = False,
) -> None:
    """Print the JSON Schema of a chaos resource.

    For editors that check YAML while it is written; the bridge serves the same under
    /v1/schemas. Needs no bridge.
    """
    from bridge.model.wording import quote, suggestion
    from providers.kubernetes import specs

    if listed:
        width = max(map(len, specs.SPECS))
        for name in sorted(specs.SPECS):
            show(clean(f"{name:<{width}}  {specs.summary(name)}"))
        return
    if kind is None:
        show_json(specs.manifest_schema())
        return
    named = next((one for one in specs.SPECS if one.casefold() == kind.casefold()), None)
    if named is None:
        hint = suggestion(kind, specs.SPECS, "faultbridge schema --list names those that there are")
        raise CommandError(Exit.INVALID, f"there is no schema of {quote(kind)}; {hint}")
    show_json(specs.json_schema(named))
