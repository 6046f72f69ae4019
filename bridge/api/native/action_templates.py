"""Action templates: created, given further versions, listed, shown, deleted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Final
from urllib.parse import unquote

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from bridge.api.authorization import Access, Ask, Asking, resources
from bridge.api.bridge import Bridge
from bridge.api.native.action_template_documents import (
    accepted,
    built_in_detail,
    render_action_template,
    render_action_template_detail,
)
from bridge.api.native.bodies import read_body, token_for
from bridge.api.native.problems import conflict, invalid, not_found
from bridge.catalog.action_templates import built_in, built_ins
from bridge.client.action_templates import (
    ActionTemplateDeletion,
    ActionTemplateDetail,
    ActionTemplatePage,
)
from bridge.model.action_template import (
    LONGEST_NAME,
    ActionTemplate,
    ActionTemplateVersion,
    Reference,
)
from bridge.model.problem import InvalidDocumentError, Problem
from bridge.model.wording import quote
from bridge.store import InUseError, NameTakenError, Token, TokenConflictError, TooManyError

_IDEMPOTENT: Final = "clientToken"
_LONGEST_TOKEN: Final = 1024
_OBJECT: Final = {"type": "object"}
_TEXT: Final = {"type": "string"}
_SCHEMA: Final = {
    "title": "ActionTemplateRequest",
    "type": "object",
    "required": ["name", "maxDuration", "apiVersion", "kind", "namespace", "spec"],
    "properties": {
        **dict.fromkeys(("name", "description", "maxDuration", "apiVersion", "kind"), _TEXT),
        **dict.fromkeys(("namespace", "carriedOutBy", "clientToken"), _TEXT),
        **dict.fromkeys(("spec", "status"), _OBJECT),
        "parameters": {"type": "object", "additionalProperties": _OBJECT},
    },
}
"""What the OpenAPI document says of the body, which is read more strictly."""


class _Page(BaseModel):
    model_config = ConfigDict(extra="forbid")

    after: str = Field(default="", max_length=LONGEST_NAME, pattern="^[-a-z0-9]*$")
    limit: int = Field(default=100, ge=1, le=100)


class ActionTemplates:
    """The operations on the action templates of one bridge."""

    def __init__(self, bridge: Bridge) -> None:
        """Work on a bridge."""
        self._bridge = bridge

    def add_to(self, routes: APIRouter) -> None:
        """Add the routes."""
        every, one = "/v1/action-templates", "/v1/action-templates/{reference}"
        body = {"requestBody": {"content": {"application/json": {"schema": _SCHEMA}}}}
        routes.add_api_route(
            every, self.create, methods=["POST"], status_code=201, openapi_extra=body
        )
        routes.add_api_route(every, self.listed, methods=["GET"])
        routes.add_api_route(one, self.show, methods=["GET"])
        routes.add_api_route(one, self.delete, methods=["DELETE"])
        routes.add_api_route(
            one + "/versions", self.add, methods=["POST"], status_code=201, openapi_extra=body
        )

    async def create(self, request: Request, access: Asking) -> ActionTemplateDetail:
        """Store an action template (the body) under a name that is free, as its next version.

        ``clientToken``, beside the template's own members, makes a repeat answer the first one.
        """
        template, warnings, token = await self._asked(request, "create")
        await access.require(self._ask("PutActionTemplate", template.name))
        if template.name in built_ins():
            raise _built_in(template.name)
        store = self._bridge.store
        try:
            made = await store.create_action_template(self._bridge.scope, template, token)
        except NameTakenError as error:
            raise conflict(f"name: {error}") from None
        except TooManyError as error:
            raise conflict(str(error)) from None
        except TokenConflictError as error:
            raise conflict(f"{_IDEMPOTENT}: {error}") from None
        return await self._detail(made, warnings)

    async def add(self, reference: str, request: Request, access: Asking) -> ActionTemplateDetail:
        """Store a further version of an action template; versions that are there never change.

        One that is the same as the newest is not stored again: that one is the answer.
        """
        name = unquote(reference)
        template, warnings, token = await self._asked(request, "version")
        await access.require(self._ask("PutActionTemplate", name))
        if template.name != name:
            message = f"{quote(template.name)} is not the name in the path; write {quote(name)}"
            raise invalid([Problem("name", message)])
        store = self._bridge.store
        try:
            made = await store.add_action_template_version(self._bridge.scope, template, token)
        except TooManyError as error:
            raise conflict(str(error)) from None
        except TokenConflictError as error:
            raise conflict(f"{_IDEMPOTENT}: {error}") from None
        if made is None:
            raise _built_in(name) if name in built_ins() else self._absent(name)
        return await self._detail(made, warnings)

    async def listed(self, page: Annotated[_Page, Query()], access: Asking) -> ActionTemplatePage:
        """List the newest version of each action template, built-in ones too, by name."""
        await access.require(Ask("faultbridge:ListActionTemplates"))
        stored = await self._bridge.store.action_templates(
            self._bridge.scope, after=page.after, limit=page.limit + 1
        )
        found = {name: one.newest for name, one in built_ins().items() if name > page.after} | {
            one.template.name: one for one in stored
        }
        names = sorted(found)
        shown = names[: page.limit]
        return ActionTemplatePage(
            action_templates=tuple(render_action_template(found[name]) for name in shown),
            next=shown[-1] if len(names) > page.limit else None,
        )

    async def show(self, reference: str, access: Asking) -> ActionTemplateDetail:
        """Show ``NAME@VERSION``, or the newest version of ``NAME``."""
        wanted = await self._allowed(access, "GetActionTemplate", reference)
        return await self._detail(await self._find(wanted))

    async def delete(self, reference: str, access: Asking) -> ActionTemplateDeletion:
        """Delete ``NAME@VERSION``, or every version of ``NAME``.

        Refused while an experiment template uses one; runs keep what they were started with.
        """
        wanted = await self._allowed(access, "DeleteActionTemplate", reference)
        try:
            deleted = await self._bridge.store.delete_action_template(self._bridge.scope, wanted)
        except InUseError as error:
            raise conflict(str(error)) from None
        if not deleted:
            raise _built_in(wanted.name) if built_in(wanted) else self._absent(str(wanted))
        return ActionTemplateDeletion(
            name=wanted.name, versions=tuple(one.version for one in deleted)
        )

    async def _asked(
        self, request: Request, operation: str
    ) -> tuple[ActionTemplate, list[Problem], Token | None]:
        document = await read_body(request)
        given = document.pop(_IDEMPOTENT, None) if isinstance(document, dict) else None
        if given is not None and not (isinstance(given, str) and 0 < len(given) <= _LONGEST_TOKEN):
            message = f"is not a text of 1 to {_LONGEST_TOKEN} characters; send a fresh one"
            raise invalid([Problem(_IDEMPOTENT, message)])
        try:
            # Judged at every bound of every parameter: others are answered meanwhile.
            template, warnings = await asyncio.to_thread(accepted, document)
        except InvalidDocumentError as error:
            raise invalid(error.problems) from None
        return template, warnings, token_for(document, given, f"v1/action-template/{operation}")

    async def _find(self, wanted: Reference) -> ActionTemplateVersion:
        found = await self._bridge.store.action_template(self._bridge.scope, wanted)
        found = found or built_in(wanted)
        if found is None:
            raise self._absent(str(wanted))
        return found

    async def _detail(
        self, one: ActionTemplateVersion, warnings: Sequence[Problem] | None = None
    ) -> ActionTemplateDetail:
        if one.built_in:
            return built_in_detail(str(one.reference))
        store, scope = self._bridge.store, self._bridge.scope
        versions = await store.action_template_versions(scope, one.template.name)
        return render_action_template_detail(one, versions, warnings or ())

    async def _allowed(self, access: Access, action: str, segment: str) -> Reference:
        """Return what a path's segment names, if the action is allowed on it."""
        try:
            wanted = Reference.parse(unquote(segment))
        except ValueError as error:
            await access.require(self._ask(action, unquote(segment)))
            raise not_found(str(error)) from None
        await access.require(self._ask(action, wanted.name))
        return wanted

    def _ask(self, action: str, name: str) -> Ask:
        arn = resources.ours(self._bridge.scope, resources.ACTION_TEMPLATE, name)
        return Ask(f"faultbridge:{action}", arn)

    def _absent(self, reference: str) -> Exception:
        return not_found(
            f"there is no action template {quote(reference)} in {self._bridge.scope}; "
            "`faultbridge action-templates list` lists those that there are"
        )


def _built_in(name: str) -> Exception:
    return conflict(
        f"name: {name} is built in, and nobody can change or delete it; choose another "
        "name for one of your own"
    )
