"""Template documents: judged, and stored for a run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request

from bridge.api import action_templates
from bridge.api.authorization import Access, Ask, Asking, resources
from bridge.api.authorization.templates import creating
from bridge.api.bridge import Bridge
from bridge.api.native.bodies import read_body
from bridge.api.native.judging import parse
from bridge.api.native.problems import conflict, invalid, not_found
from bridge.client.documents import Validation
from bridge.dialects.fis import Parsed
from bridge.dialects.fis.requests import REQUESTS
from bridge.dialects.fis.shapes import problems
from bridge.dialects.fis.tags import reserved_tag_problems
from bridge.model.identifiers import new_template_id
from bridge.model.problem import Problem, Severity
from bridge.model.template import ExperimentTemplate
from bridge.model.wording import quote
from bridge.store import DeletedError, Token, TokenConflictError


async def accept(
    bridge: Bridge,
    access: Access,
    document: Any,
    *,
    tags: Mapping[str, str],
    token: Token | None,
    further: Callable[[ExperimentTemplate], list[Ask]],
) -> ExperimentTemplate:
    """Store a document as a template, if that is allowed and what is to follow is too.

    Raises RefusalError where it has errors.
    """
    found = await examined(bridge, document, template_id=new_template_id())
    template = without_errors(found.template, [*found.problems, *_tag_problems(tags)])
    await access.require(*creating(template), *further(template))
    try:
        return await bridge.store.create_template(
            template, token and replace(token, operation=f"{token.operation}/template")
        )
    except TokenConflictError as error:
        raise conflict(f"clientToken: {error}") from None
    except DeletedError as error:
        raise conflict(str(error)) from None


async def examined(bridge: Bridge, document: Any, *, template_id: str = "") -> Parsed:
    """Read and judge a document, with the action templates that the store has."""
    now = bridge.store.now()
    parsed = parse(bridge.scope, document, template_id=template_id, now=now)
    return await action_templates.examined(bridge, parsed)


async def stored_template(
    bridge: Bridge,
    access: Access,
    template_id: str,
    tags: Mapping[str, str],
    asks: Callable[[ExperimentTemplate], list[Ask]],
    *,
    absent: str = "fis:StartExperiment",
) -> ExperimentTemplate:
    """Return a stored template that may be run, if that is allowed. Raises RefusalError.

    Where there is none, that is told to whoever has the right ``absent`` on it. It is judged again:
    settings and actions may have changed since it was stored.
    """
    template = None
    if template_id.isalnum():  # all ids are; other text may be more than a database takes
        template = await bridge.store.template(bridge.scope, template_id)
    if template is None:
        arn = resources.template(bridge.scope, template_id)
        await access.require(Ask(absent, arn))
        raise not_found(
            f"there is no experiment template {quote(template_id)} in {bridge.scope}; "
            'list them with `aws fis list-experiment-templates`, or give a document as "template"'
        )
    await access.require(*asks(template))
    found = await asyncio.to_thread(bridge.catalog.validate, template)
    return without_errors(template, [*found, *_tag_problems(tags)])


def add_validation(bridge: Bridge, routes: APIRouter) -> None:
    """Add the route that judges a document."""

    async def validate(request: Request, access: Asking) -> Validation:
        """Judge a template document (the body): every error and warning; nothing is stored."""
        await access.require(Ask("faultbridge:ValidateTemplate"))
        found = await examined(bridge, await read_body(request))
        return Validation(problems=tuple(found.problems))

    said: dict[str, Any] = {"requestBody": {"content": {"application/json": {"schema": {}}}}}
    routes.add_api_route("/v1/validate", validate, methods=["POST"], openapi_extra=said)


def _tag_problems(tags: Mapping[str, str]) -> Iterator[Problem]:
    """Yield what is wrong with the tags of a run, by the limits that FIS's clients know."""
    yield from problems(REQUESTS["StartExperiment"].members["tags"], tags, "tags")
    yield from reserved_tag_problems(tags)


def without_errors(
    template: ExperimentTemplate | None, found: Sequence[Problem]
) -> ExperimentTemplate:
    """Return a template that has no errors. Raises RefusalError naming them."""
    errors = [problem for problem in found if problem.severity is Severity.ERROR]
    if template is None or errors:
        raise invalid(errors)
    return template
