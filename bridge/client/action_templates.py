"""Action templates in the native API: their documents, their calls, the methods of both clients."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

from bridge.client.calls import Call
from bridge.client.documents import Document
from bridge.model.problem import Problem

T = TypeVar("T", bound=Document)


class ActionTemplateSummary(Document):
    """One version of an action template in a list: the newest of its name."""

    name: str
    version: int
    action_id: str
    """What an experiment template writes to use it."""
    alias: str
    """The same for strict AWS tooling."""
    description: str = ""
    api_version: str
    kind: str
    built_in: bool = False
    """Whether it came with Faultbridge: nobody can change or delete it."""
    created_at: datetime | None = None
    """None for a built-in one."""


class ActionTemplatePage(Document):
    """A page of action templates by name."""

    action_templates: tuple[ActionTemplateSummary, ...]
    next: str | None = None
    """What to give as ``after`` for the next page; None on the last."""


class ActionTemplateDetail(ActionTemplateSummary):
    """One version of an action template in full."""

    document: dict[str, Any]
    """The template as it was written, without what was null or empty: what
    `create_action_template` takes."""
    versions: tuple[int, ...] = ()
    """The versions of its name that there are."""
    problems: tuple[Problem, ...] = ()
    """Warnings of what would become of its resource."""
    shows: str = ""
    """Of a built-in one: what a run with it shows."""
    avoid: str = ""
    """Of a built-in one: when not to use it."""
    needs: str = ""
    """Of a built-in one: what must be there for it to work."""


class ActionTemplateDeletion(Document):
    """What was deleted."""

    name: str
    versions: tuple[int, ...]


# --- calls --------------------------------------------------------------------------------


_ALL = "/v1/action-templates"


def _one(reference: str) -> str:
    return f"{_ALL}/{quote(reference, safe='@')}"


def _body(document: dict[str, Any], client_token: str | None) -> dict[str, Any]:
    return document if client_token is None else {**document, "clientToken": client_token}


def create_action_template(
    document: dict[str, Any], client_token: str | None = None
) -> Call[ActionTemplateDetail]:
    """Store an action template under a name that is free."""
    return Call("POST", _ALL, ActionTemplateDetail, body=_body(document, client_token))


def add_action_template_version(
    document: dict[str, Any], client_token: str | None = None
) -> Call[ActionTemplateDetail]:
    """Store a further version of an action template."""
    path = f"{_one(str(document.get('name', '')))}/versions"
    return Call("POST", path, ActionTemplateDetail, body=_body(document, client_token))


def action_templates(*, after: str | None = None, limit: int = 100) -> Call[ActionTemplatePage]:
    """List the newest version of each action template, by name."""
    query: dict[str, str | int | float] = {"limit": limit}
    if after is not None:
        query["after"] = after
    return Call("GET", _ALL, ActionTemplatePage, query=query)


def action_template(reference: str) -> Call[ActionTemplateDetail]:
    """Show ``NAME@VERSION``, or the newest version of ``NAME``."""
    return Call("GET", _one(reference), ActionTemplateDetail)


def delete_action_template(reference: str) -> Call[ActionTemplateDeletion]:
    """Delete ``NAME@VERSION``, or every version of ``NAME``."""
    return Call("DELETE", _one(reference), ActionTemplateDeletion)


# --- clients ------------------------------------------------------------------------------


class ActionTemplatesClient:
    """What a client that waits can do with action templates.

    Every method raises UnreachableError, RefusedError or FailedError.
    """

    def send(self, call: Call[T]) -> T:
        """Carry out a call."""
        raise NotImplementedError

    def create_action_template(
        self, document: dict[str, Any], client_token: str | None = None
    ) -> ActionTemplateDetail:
        """Store an action template under a name that is free."""
        return self.send(create_action_template(document, client_token))

    def add_action_template_version(
        self, document: dict[str, Any], client_token: str | None = None
    ) -> ActionTemplateDetail:
        """Store a further version; one that is the same as the newest is not stored again."""
        return self.send(add_action_template_version(document, client_token))

    def action_templates(self, *, after: str | None = None, limit: int = 100) -> ActionTemplatePage:
        """List the newest version of each action template, built-in ones too, by name."""
        return self.send(action_templates(after=after, limit=limit))

    def action_template(self, reference: str) -> ActionTemplateDetail:
        """Show ``NAME@VERSION``, or the newest version of ``NAME``."""
        return self.send(action_template(reference))

    def delete_action_template(self, reference: str) -> ActionTemplateDeletion:
        """Delete ``NAME@VERSION``, or every version of ``NAME``; refused where one is used."""
        return self.send(delete_action_template(reference))


class AsyncActionTemplatesClient:
    """What a client for an event loop can do with action templates.

    Every method raises UnreachableError, RefusedError or FailedError.
    """

    async def send(self, call: Call[T]) -> T:
        """Carry out a call."""
        raise NotImplementedError

    async def create_action_template(
        self, document: dict[str, Any], client_token: str | None = None
    ) -> ActionTemplateDetail:
        """Store an action template under a name that is free."""
        return await self.send(create_action_template(document, client_token))

    async def add_action_template_version(
        self, document: dict[str, Any], client_token: str | None = None
    ) -> ActionTemplateDetail:
        """Store a further version; one that is the same as the newest is not stored again."""
        return await self.send(add_action_template_version(document, client_token))

    async def action_templates(
        self, *, after: str | None = None, limit: int = 100
    ) -> ActionTemplatePage:
        """List the newest version of each action template, built-in ones too, by name."""
        return await self.send(action_templates(after=after, limit=limit))

    async def action_template(self, reference: str) -> ActionTemplateDetail:
        """Show ``NAME@VERSION``, or the newest version of ``NAME``."""
        return await self.send(action_template(reference))

    async def delete_action_template(self, reference: str) -> ActionTemplateDeletion:
        """Delete ``NAME@VERSION``, or every version of ``NAME``; refused where one is used."""
        return await self.send(delete_action_template(reference))
