"""Action templates, read from what is asked and written as the native API shows them; no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bridge.catalog.action_templates import built_ins, judged, read_action_template
from bridge.client.action_templates import ActionTemplateDetail, ActionTemplateSummary
from bridge.model.action_template import ActionTemplate, ActionTemplateVersion, Reference
from bridge.model.moment import timestamp
from bridge.model.problem import InvalidDocumentError, Problem, Severity
from bridge.model.wording import quote, suggestion


def accepted(document: object) -> tuple[ActionTemplate, list[Problem]]:
    """Read a document and judge its resource; return it with its warnings.

    Raises InvalidDocumentError with the errors.
    """
    template = read_action_template(document)
    found = judged(template)
    errors = [problem for problem in found if problem.severity is Severity.ERROR]
    if errors:
        raise InvalidDocumentError(errors)
    return template, found


def render_action_template(one: ActionTemplateVersion) -> ActionTemplateSummary:
    """Return a version for a list."""
    return ActionTemplateSummary(**_shown(one))


def render_action_template_detail(
    one: ActionTemplateVersion, versions: Sequence[int], problems: Sequence[Problem] = ()
) -> ActionTemplateDetail:
    """Return a version in full."""
    told = built_ins().get(one.template.name) if one.built_in else None
    return ActionTemplateDetail(
        **_shown(one),
        document=one.template.document(),
        versions=tuple(versions),
        problems=tuple(problems),
        shows=told.shows if told else "",
        avoid=told.avoid if told else "",
        needs=told.needs if told else "",
    )


def built_in_detail(reference: str) -> ActionTemplateDetail:
    """Return a built-in template in full. Raises LookupError, with the mend, if there is none."""
    try:
        wanted = Reference.parse(reference)
    except ValueError as error:
        raise LookupError(str(error)) from None
    known = built_ins().get(wanted.name)
    found = (
        []
        if known is None
        else [one for one in known.versions if wanted.version in (None, one.version)]
    )
    if known is None or not found:
        mend = suggestion(
            wanted.name, built_ins(), "`faultbridge action-templates list` lists them"
        )
        msg = f"there is no built-in action template {quote(reference)}; {mend}"
        raise LookupError(msg)
    return render_action_template_detail(found[-1], [one.version for one in known.versions])


def _shown(one: ActionTemplateVersion) -> dict[str, Any]:
    template, reference = one.template, one.reference
    return {
        "name": template.name,
        "version": one.version,
        "action_id": reference.action_id,
        "alias": reference.alias,
        "description": template.description,
        "api_version": template.api_version,
        "kind": template.kind,
        "built_in": one.built_in,
        "created_at": None if one.built_in else timestamp(one.created_at),
    }
