"""Experiment templates: the wire's document into the model, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, cast

from bridge.dialects.fis import names
from bridge.dialects.fis.files import wire_document
from bridge.dialects.fis.requests import CREATE_TEMPLATE
from bridge.dialects.fis.shapes import Structure, problems
from bridge.model.moment import Micros
from bridge.model.problem import Problem
from bridge.model.scope import Scope
from bridge.model.template import (
    EmptyTargets,
    ExperimentTemplate,
    Selection,
    StopCondition,
    TemplateAction,
    TemplateTarget,
)
from bridge.model.wording import child, quote

DIALECT: Final = "fis"
MOST_PROBLEMS: Final = 50
"""Problems looked for in one document; a reader mends the first few and comes back."""

_DOCUMENT: Final = Structure(CREATE_TEMPLATE.members, CREATE_TEMPLATE.required - {"clientToken"})
_KEPT_APART: Final = frozenset({"clientToken", "tags"})


@dataclass(frozen=True)
class Parsed:
    """A document as read: the template, where it could be, and the problems found so far."""

    template: ExperimentTemplate | None
    problems: list[Problem]


def parse_template(document: Any, *, template_id: str, scope: Scope, now: Micros) -> Parsed:
    """Read a ``CreateExperimentTemplate`` document (``clientToken`` may be absent).

    Without a template, the document breaks the service model's own limits. With one, what it
    means can be judged by the catalogue even where ``problems`` is not empty.
    """
    found = list(islice(problems(_DOCUMENT, document, ""), MOST_PROBLEMS))
    if found:
        return Parsed(None, found)
    written = _without_nulls(document)
    targets: dict[str, TemplateTarget] = {}
    for name, target in written.get("targets", {}).items():
        selection = Selection()
        try:
            selection = Selection.parse(target["selectionMode"])
        except ValueError as error:
            path = child(child("targets", name), "selectionMode")
            found.append(Problem(path=path, message=str(error)))
        targets[name] = TemplateTarget.model_validate({**target, "selectionMode": selection})
    if not names.is_role_arn(written["roleArn"]):
        message = (
            f"{quote(written['roleArn'])} is not the ARN of an IAM role; "
            'write it like "arn:aws:iam::123456789012:role/my-fis-role"'
        )
        found.append(Problem(path="roleArn", message=message))
    options = written.get("experimentOptions", {})
    template = ExperimentTemplate(
        id=template_id,
        scope=scope,
        dialect=DIALECT,
        description=written["description"],
        targets=targets,
        actions={
            name: TemplateAction.model_validate(action)
            for name, action in written["actions"].items()
        },
        stop_conditions=tuple(
            StopCondition.model_validate(condition) for condition in written["stopConditions"]
        ),
        identity=written["roleArn"],
        empty_targets=EmptyTargets(options.get("emptyTargetResolutionMode", EmptyTargets.FAIL)),
        tags=written.get("tags", {}),
        document={name: part for name, part in written.items() if name not in _KEPT_APART},
        created_at=now,
        updated_at=now,
    )
    return Parsed(template, found)


def merged_document(template: ExperimentTemplate, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document after an ``UpdateExperimentTemplate``.

    A member that is given replaces the whole of what stood there, as FIS documents for actions,
    targets and stop conditions; options are given one by one and replaced one by one.
    """
    before = document_of(template)
    after = {name: part for name, part in given.items() if name != "id" and part is not None}
    options = after.pop("experimentOptions", {})
    kept = before.pop("experimentOptions", {})
    return {
        **before,
        **after,
        "experimentOptions": {**kept, **{n: v for n, v in options.items() if v is not None}},
        "tags": template.tags,
    }


def document_of(template: ExperimentTemplate) -> dict[str, Any]:
    """Return the FIS document of a template: as written, or rendered from the model."""
    if template.dialect == DIALECT and template.document:
        return dict(template.document)
    targets = {}
    for name, target in template.targets.items():
        rendered = target.model_dump(by_alias=True, mode="json", exclude_defaults=True)
        targets[name] = {**rendered, "selectionMode": str(target.selection_mode)}
    dump = template.model_dump(
        by_alias=True, mode="json", include={"actions", "stop_conditions"}, exclude_defaults=True
    )
    document = {
        "description": template.description,
        "targets": targets,
        "actions": dump.get("actions", {}),
        "stopConditions": dump.get("stopConditions", []),
        "roleArn": template.identity,
        "experimentOptions": {"emptyTargetResolutionMode": template.empty_targets.value},
    }
    return cast("dict[str, Any]", wire_document(document))


def render_template(template: ExperimentTemplate) -> dict[str, Any]:
    """Return the service model's ``ExperimentTemplate``."""
    document = document_of(template)
    return {
        **render_template_summary(template),
        "targets": document.get("targets", {}),
        "actions": {name: render_action(a) for name, a in document["actions"].items()},
        "stopConditions": document["stopConditions"],
        "roleArn": document["roleArn"],
        "experimentOptions": render_options(template),
        "targetAccountConfigurationsCount": 0,
    }


def render_template_summary(template: ExperimentTemplate) -> dict[str, Any]:
    """Return the service model's ``ExperimentTemplateSummary``."""
    return {
        "id": template.id,
        "arn": names.arn(template.scope, names.TEMPLATE, template.id),
        "description": template.description,
        "creationTime": epoch_seconds(template.created_at),
        "lastUpdateTime": epoch_seconds(template.updated_at),
        "tags": template.tags,
    }


def render_options(template: ExperimentTemplate) -> dict[str, str]:
    """Return the template's options with their defaults filled in, as FIS shows them."""
    return {
        "accountTargeting": "single-account",
        "emptyTargetResolutionMode": template.empty_targets.value,
    }


def render_action(action: Mapping[str, Any]) -> dict[str, Any]:
    """Return an action of a document; FIS shows ``parameters`` even when there are none."""
    return {"parameters": {}, **action}


def epoch_seconds(moment: Micros) -> float:
    """Return a time as FIS writes it: seconds since 1970, to the millisecond."""
    return round(moment / 1_000_000, 3)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(part) for name, part in value.items() if part is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value
