"""The routes that show what a template can do."""

from __future__ import annotations

from urllib.parse import unquote

from fastapi import APIRouter

from bridge.api.action_templates import every_action, one_action
from bridge.api.authorization import Ask, Asking
from bridge.api.authorization.templates import asked_of_action
from bridge.api.bridge import Bridge
from bridge.api.native.describing import describe, describe_all
from bridge.api.native.problems import not_found
from bridge.client.documents import CatalogAction, CatalogPage


def add_catalog(bridge: Bridge, routes: APIRouter) -> None:
    """Add the routes that show the catalogue."""

    async def list_actions(access: Asking) -> CatalogPage:
        """List the actions that a template can use, with the newest of each action template."""
        await access.require(Ask("fis:ListActions"))
        return describe_all(await every_action(bridge))

    async def get_action(action_id: str, access: Asking) -> CatalogAction:
        """Show an action, or a version of an action template, by id or alias."""
        wanted = unquote(action_id)
        entry = await one_action(bridge, wanted)
        known_as = wanted if entry is None else entry.id
        await access.require(asked_of_action("fis:GetAction", bridge.scope, known_as))
        try:
            return describe(entry, wanted, [] if entry else await every_action(bridge))
        except LookupError as error:
            raise not_found(str(error)) from None

    routes.add_api_route("/v1/actions", list_actions, methods=["GET"])
    routes.add_api_route("/v1/actions/{action_id:path}", get_action, methods=["GET"])
