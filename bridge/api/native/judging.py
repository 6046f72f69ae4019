"""Template documents, judged; no I/O, and no server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bridge.catalog import Catalog
from bridge.client.documents import Validation
from bridge.dialects.fis import Parsed, parse_template, wire_document
from bridge.dialects.fis.tags import reserved_tag_problems
from bridge.model.action_template import ActionTemplateVersion
from bridge.model.moment import Micros
from bridge.model.problem import InvalidDocumentError
from bridge.model.scope import Scope
from bridge.model.template import ExperimentTemplate

_NEVER: Final = Micros(0)


def judge(catalog: Catalog, scope: Scope, document: Any) -> Validation:
    """Return everything that is wrong with a template document, errors and warnings.

    Of action templates it knows the built-in ones.
    """
    return Validation(problems=tuple(read(catalog, scope, document).problems))


def read(
    catalog: Catalog,
    scope: Scope,
    document: Any,
    *,
    template_id: str = "",
    now: Micros = _NEVER,
) -> Parsed:
    """Read a document and judge it; of action templates it may use the built-in ones."""
    parsed = parse(scope, document, template_id=template_id, now=now)
    if parsed.template is None:
        return parsed
    return judged(catalog, parsed, parsed.template, {})


def parse(scope: Scope, document: Any, *, template_id: str = "", now: Micros = _NEVER) -> Parsed:
    """Read a document, which may be written more freely than the wire allows."""
    try:
        written = wire_document(document)
    except InvalidDocumentError as error:
        return Parsed(None, error.problems)
    return parse_template(written, template_id=template_id, scope=scope, now=now)


def judged(
    catalog: Catalog,
    parsed: Parsed,
    template: ExperimentTemplate,
    stored: Mapping[str, ActionTemplateVersion],
) -> Parsed:
    """Expand and judge a template that was read.

    ``stored`` are the users' own action templates, by the name of the action that names them.
    """
    expanded, found = catalog.examine(template, stored)
    return Parsed(expanded, [*parsed.problems, *reserved_tag_problems(template.tags), *found])
