"""Template documents, judged; no I/O, and no server."""

from __future__ import annotations

from typing import Any, Final

from bridge.catalog import Catalog
from bridge.client.documents import Validation
from bridge.dialects.fis import Parsed, parse_template, wire_document
from bridge.dialects.fis.tags import reserved_tag_problems
from bridge.model.moment import Micros
from bridge.model.problem import InvalidDocumentError
from bridge.model.scope import Scope

_NEVER: Final = Micros(0)


def judge(catalog: Catalog, scope: Scope, document: Any) -> Validation:
    """Return everything that is wrong with a template document, errors and warnings."""
    return Validation(problems=tuple(read(catalog, scope, document).problems))


def read(
    catalog: Catalog,
    scope: Scope,
    document: Any,
    *,
    template_id: str = "",
    now: Micros = _NEVER,
) -> Parsed:
    """Read a document, which may be written more freely than the wire allows, and judge it."""
    try:
        written = wire_document(document)
    except InvalidDocumentError as error:
        return Parsed(None, error.problems)
    parsed = parse_template(written, template_id=template_id, scope=scope, now=now)
    if parsed.template is None:
        return parsed
    found = [
        *parsed.problems,
        *reserved_tag_problems(parsed.template.tags),
        *catalog.validate(parsed.template),
    ]
    return Parsed(parsed.template, found)
