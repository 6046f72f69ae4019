"""Actions, described; no I/O, and no server."""

from __future__ import annotations

from bridge.catalog import ActionEntry, Catalog
from bridge.client.documents import (
    CatalogAction,
    CatalogPage,
    CatalogParameter,
    CatalogPermission,
)
from bridge.model.wording import quote, suggestion


def describe_all(catalog: Catalog) -> CatalogPage:
    """Return every action of a catalogue."""
    return CatalogPage(actions=tuple(_described(entry) for entry in catalog.actions))


def describe(catalog: Catalog, action_id: str) -> CatalogAction:
    """Return an action by id or alias. Raises LookupError, with the mend, if there is none."""
    entry = catalog.action(action_id)
    if entry is None:
        known = [name for one in catalog.actions for name in {one.id, one.name}]
        mend = suggestion(action_id, known, "`faultbridge actions` lists those that exist")
        msg = f"there is no action {quote(action_id)}; {mend}"
        raise LookupError(msg)
    return _described(entry)


def _described(entry: ActionEntry) -> CatalogAction:
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
