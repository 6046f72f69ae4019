"""The actions that a template can use."""

from __future__ import annotations

from urllib.parse import unquote

from fastapi import APIRouter

from bridge.api.bridge import Bridge
from bridge.api.native.problems import not_found
from bridge.catalog import ActionEntry, Catalog
from bridge.client.documents import (
    CatalogAction,
    CatalogPage,
    CatalogParameter,
    CatalogPermission,
)
from bridge.dialects.fis.wording import quote, suggestion


def render_actions(catalog: Catalog) -> CatalogPage:
    """Return every action of a catalogue."""
    return CatalogPage(actions=tuple(_render(entry) for entry in catalog.actions))


def render_action(catalog: Catalog, action_id: str) -> CatalogAction:
    """Return an action by id or alias. Raises RefusalError where there is none."""
    entry = catalog.action(action_id)
    if entry is None:
        known = [name for one in catalog.actions for name in {one.id, one.name}]
        mend = suggestion(action_id, known, "`faultbridge actions` lists those that exist")
        raise not_found(f"there is no action {quote(action_id)}; {mend}")
    return _render(entry)


def add_catalog(bridge: Bridge, routes: APIRouter) -> None:
    """Add the routes that show the catalogue."""

    async def list_actions() -> CatalogPage:
        """List the actions that a template can use."""
        return render_actions(bridge.catalog)

    async def get_action(action_id: str) -> CatalogAction:
        """Show an action, by id or alias."""
        return render_action(bridge.catalog, unquote(action_id))

    routes.add_api_route("/v1/actions", list_actions, methods=["GET"])
    routes.add_api_route("/v1/actions/{action_id:path}", get_action, methods=["GET"])


def _render(entry: ActionEntry) -> CatalogAction:
    return CatalogAction(
        id=entry.id,
        alias=entry.alias,
        description=entry.description,
        targets=dict(entry.targets),
        parameters=tuple(
            CatalogParameter(name=name, description=one.description, required=one.required)
            for name, one in entry.parameters.items()
        ),
        permissions=tuple(
            CatalogPermission(name=one.name, need=one.need, note=one.note)
            for one in entry.fault.permissions
        ),
    )
