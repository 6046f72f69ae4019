"""Actions, described; no I/O, and no server."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.catalog import ActionEntry
from bridge.client.documents import (
    CatalogAction,
    CatalogPage,
    CatalogParameter,
    CatalogPermission,
)
from bridge.model.wording import quote, suggestion


def describe_all(entries: Sequence[ActionEntry]) -> CatalogPage:
    """Return actions as a page."""
    return CatalogPage(actions=tuple(_described(entry) for entry in entries))


def describe(
    entry: ActionEntry | None, action_id: str, known_entries: Sequence[ActionEntry]
) -> CatalogAction:
    """Return an action in full.

    Raises LookupError, with the mend among what is known, where there is none of that id.
    """
    if entry is None:
        known = [name for one in known_entries for name in {one.id, one.name}]
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
