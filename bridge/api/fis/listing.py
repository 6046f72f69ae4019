"""What can be done: actions and target resource types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.api.action_templates import every_action, one_action
from bridge.api.authorization import Access, Ask
from bridge.api.authorization.templates import asked_of_action
from bridge.api.bridge import Bridge
from bridge.api.fis.pages import Page
from bridge.dialects.fis.errors import NotFoundError
from bridge.dialects.fis.listing import (
    render_action_entry,
    render_action_summary,
    render_target_type,
    render_target_type_summary,
)
from bridge.model.wording import quote, suggestion


async def list_actions(
    bridge: Bridge, access: Access, members: Mapping[str, Any]
) -> dict[str, Any]:
    """List the actions, ordered by id."""
    await access.require(Ask("fis:ListActions"))
    page = Page(bridge, "ListActions", members)
    shown, more = page.cut_sorted(await every_action(bridge), lambda entry: entry.name)
    return {"actions": [render_action_summary(e, bridge.scope) for e in shown], **more}


async def get_action(bridge: Bridge, access: Access, members: Mapping[str, Any]) -> dict[str, Any]:
    """Show an action with its parameters."""
    entry = await one_action(bridge, members["id"])
    known_as = members["id"] if entry is None else entry.id
    await access.require(asked_of_action("fis:GetAction", bridge.scope, known_as))
    if entry is None:
        known = [action.name for action in await every_action(bridge)]
        mend = suggestion(members["id"], known, "list-actions shows those that exist")
        raise NotFoundError(f"Action {quote(members['id'])} does not exist; {mend}")
    return {"action": render_action_entry(entry, bridge.scope)}


async def list_target_types(
    bridge: Bridge, access: Access, members: Mapping[str, Any]
) -> dict[str, Any]:
    """List the resource types, ordered by name."""
    await access.require(Ask("fis:ListTargetResourceTypes"))
    page = Page(bridge, "ListTargetResourceTypes", members)
    shown, more = page.cut_sorted(bridge.catalog.target_types, lambda entry: entry.resource_type)
    return {"targetResourceTypes": [render_target_type_summary(e) for e in shown], **more}


async def get_target_type(
    bridge: Bridge, access: Access, members: Mapping[str, Any]
) -> dict[str, Any]:
    """Show a resource type with the parameters that its targets take."""
    await access.require(Ask("fis:GetTargetResourceType"))
    wanted = members["resourceType"]
    entry = bridge.catalog.target_type(wanted)
    if entry is None:
        known = [kind.resource_type for kind in bridge.catalog.target_types]
        mend = suggestion(wanted, known, "list-target-resource-types shows those that exist")
        raise NotFoundError(f"Target resource type {quote(wanted)} does not exist; {mend}")
    return {"targetResourceType": render_target_type(entry)}
