"""`faultbridge actions`: what a template can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.connection import configured_url, connect, load_settings
from bridge.cli.exits import CommandError, Exit
from bridge.cli.output import clean, show, show_json

if TYPE_CHECKING:
    from bridge.client.documents import CatalogAction, CatalogPage


def actions(
    action_id: Annotated[
        str | None, typer.Argument(metavar="ID", help="Action to show in full.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """List actions, or show one in full.

    What a template can do; of one action its targets, parameters, and the rights it needs.
    """
    if action_id is None:
        page = _all()
        if as_json:
            show_json(page.wire())
            return
        width = max((len(action.id) for action in page.actions), default=0)
        for action in sorted(page.actions, key=lambda one: one.id):
            show(clean(f"{action.id:<{width}}  {action.description}"))
        return
    action = _one(action_id)
    if as_json:
        show_json(action.wire())
        return
    for line in _described(action):
        show(clean(line))


def _all() -> CatalogPage:
    if configured_url() is not None:
        with connect() as client:
            return client.actions()
    from bridge.api.native.describing import describe_all
    from bridge.catalog import Catalog

    catalog = Catalog(load_settings())
    return describe_all([*catalog.actions, *catalog.built_in])


def _one(action_id: str) -> CatalogAction:
    if configured_url() is not None:
        with connect() as client:
            return client.action(action_id)
    from bridge.api.native.describing import describe
    from bridge.catalog import Catalog

    catalog = Catalog(load_settings())
    try:
        known = [*catalog.actions, *catalog.built_in]
        return describe(catalog.action(action_id), action_id, known)
    except LookupError as error:
        raise CommandError(Exit.INVALID, str(error)) from None


def _described(action: CatalogAction) -> list[str]:
    lines = [action.id, f"    {action.description}"]
    if action.alias:
        lines.append(f"    also written {action.alias}")
    for title, entries in (
        ("Targets", [f"{key}: {kind}" for key, kind in action.targets.items()]),
        (
            "Parameters",
            [
                f"{one.name} ({'required' if one.required else 'optional'}): {one.description}"
                for one in action.parameters
            ],
        ),
        (
            "Rights of the experiment's role",
            [
                f"{one.name} ({one.need}{': ' if one.note else ''}{one.note})"
                for one in action.permissions
            ],
        ),
    ):
        if entries:
            lines += ["", title, *(f"    {entry}" for entry in entries)]
    return lines
