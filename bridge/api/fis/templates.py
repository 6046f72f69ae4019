"""Experiment templates: create, read, list, update, delete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.api.action_templates import examined
from bridge.api.authorization import Access, Ask, resources
from bridge.api.authorization.templates import creating, digest, starting, updating
from bridge.api.bridge import Bridge
from bridge.api.fis.pages import Page
from bridge.api.fis.requests import client_token
from bridge.dialects.fis import names
from bridge.dialects.fis.errors import ConflictError, NotFoundError, ValidationError
from bridge.dialects.fis.templates import (
    Parsed,
    merged_document,
    parse_template,
    render_template,
    render_template_summary,
)
from bridge.model.identifiers import new_template_id
from bridge.model.moment import Micros
from bridge.model.problem import Severity
from bridge.model.template import ExperimentTemplate
from bridge.model.wording import quote
from bridge.store import DeletedError, TokenConflictError


async def examine(
    bridge: Bridge,
    document: Any,
    *,
    template_id: str = "",
    now: Micros,
    before: ExperimentTemplate | None = None,
) -> Parsed:
    """Read a document of the wire's form and judge it: every error and warning, nothing stored.

    ``before`` is what the template was, where it is changed.
    """
    parsed = parse_template(document, template_id=template_id, scope=bridge.scope, now=now)
    return await examined(bridge, parsed, before)


async def create_template(
    bridge: Bridge, access: Access, members: Mapping[str, Any]
) -> dict[str, Any]:
    """Store a template; a repeat with the same client token answers the first one."""
    token = client_token("CreateExperimentTemplate", members)
    template = await _accepted(bridge, members, new_template_id(), bridge.store.now())
    await access.require(*creating(template))
    try:
        stored = await bridge.store.create_template(template, token)
    except TokenConflictError as error:
        raise ConflictError(f"clientToken: {error}") from None
    except DeletedError as error:
        raise ConflictError(str(error)) from None
    bridge.expect(stored)
    return {"experimentTemplate": render_template(stored)}


async def get_template(
    bridge: Bridge, access: Access, members: Mapping[str, Any]
) -> dict[str, Any]:
    """Show a template."""
    name = "fis:GetExperimentTemplate"
    return {
        "experimentTemplate": render_template(
            await find_template(bridge, access, name, members["id"])
        )
    }


async def list_templates(
    bridge: Bridge, access: Access, members: Mapping[str, Any]
) -> dict[str, Any]:
    """List templates, the oldest first."""
    await access.require(Ask("fis:ListExperimentTemplates"))
    page = Page(bridge, "ListExperimentTemplates", members)
    found = await bridge.store.templates(bridge.scope, after=page.after, limit=page.limit + 1)
    shown, more = page.cut(found, lambda template: template.id)
    return {"experimentTemplates": [render_template_summary(t) for t in shown], **more}


async def update_template(
    bridge: Bridge, access: Access, members: Mapping[str, Any]
) -> dict[str, Any]:
    """Replace the members that are given; the whole is judged anew before anything is stored."""
    while True:
        before = await find_template(bridge, access, "fis:UpdateExperimentTemplate", members["id"])
        document = merged_document(before, members)
        read = await _accepted(bridge, document, before.id, before.created_at, before)
        after = read.model_copy(update={"updated_at": bridge.store.now()})
        await access.require(*updating(before, after), *await _scheduled(bridge, before, after))
        # Somebody else may have changed it meanwhile: then the members go into that.
        try:
            if await bridge.store.update_template(after, before=before):
                return {"experimentTemplate": render_template(after)}
        except DeletedError as error:
            raise ConflictError(str(error)) from None


async def delete_template(
    bridge: Bridge, access: Access, members: Mapping[str, Any]
) -> dict[str, Any]:
    """Delete a template and show what it was; runs of it go on with their own copy."""
    await find_template(bridge, access, "fis:DeleteExperimentTemplate", members["id"])
    deleted = await bridge.store.delete_template(bridge.scope, members["id"])
    if deleted is None:
        raise _not_found(bridge, members["id"])
    return {"experimentTemplate": render_template(deleted)}


async def find_template(
    bridge: Bridge, access: Access, action: str, template_id: str
) -> ExperimentTemplate:
    """Return a template of the bridge's scope on which an action is allowed.

    Raises AccessError before it tells whether there is one, and NotFoundError.
    """
    template = await bridge.store.template(bridge.scope, template_id)
    tags = {} if template is None else template.tags
    await access.require(Ask(action, resources.template(bridge.scope, template_id), tags=tags))
    if template is None:
        raise _not_found(bridge, template_id)
    return template


def refuse_errors(parsed: Parsed) -> ExperimentTemplate:
    """Return the template of a document without errors; raises ValidationError naming them."""
    errors = [p for p in parsed.problems if p.severity is Severity.ERROR]
    if parsed.template is None or errors:
        raise ValidationError.of(errors)
    return parsed.template


async def _scheduled(
    bridge: Bridge, before: ExperimentTemplate, after: ExperimentTemplate
) -> list[Ask]:
    """Return what changing a template asks for because schedules start it.

    At a slot nobody is asked, so whoever changes what it will start must be allowed to start that:
    an approval of the contents (``faultbridge:TemplateDigest``) would be worth nothing otherwise.
    """
    if digest(before) == digest(after):
        return []
    asks: list[Ask] = []
    last = None
    while page := await bridge.store.schedules(bridge.scope, after=last):
        last = page[-1].id
        for one in page:
            if one.template_id == after.id and not one.paused:
                asks += starting(after, "*", one.tags)
    return [ask for ask in asks if ask.action != "fis:TagResource"]


async def _accepted(
    bridge: Bridge,
    document: Mapping[str, Any],
    template_id: str,
    created_at: Micros,
    before: ExperimentTemplate | None = None,
) -> ExperimentTemplate:
    return refuse_errors(
        await examine(bridge, document, template_id=template_id, now=created_at, before=before)
    )


def _not_found(bridge: Bridge, template_id: str) -> NotFoundError:
    shown = names.arn(bridge.scope, names.TEMPLATE, "")
    return NotFoundError(
        f"Experiment template {quote(template_id)} does not exist among {shown}…; "
        "list-experiment-templates shows those that do"
    )
