"""From an action that names an action template to the one that is carried out.

The expanded action is what is stored and run, so nothing that happens to the template later can
change it. What its author wrote stays in the experiment template's document.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from bridge.catalog.action_templates.declarations import RESERVED
from bridge.catalog.action_templates.fields import text_fields
from bridge.catalog.action_templates.placeholders import Value, fill
from bridge.catalog.action_templates.values import read_value
from bridge.model.action_template import ActionTemplate, ActionTemplateVersion
from bridge.model.moment import parse_duration
from bridge.model.problem import Problem
from bridge.model.template import TemplateAction
from bridge.model.wording import child, quote, quoted_list, suggestion
from providers.kubernetes.resource import FAULT

FIELDS: Final[Mapping[str, str]] = {
    "kubernetesApiVersion": "apiVersion",
    "kubernetesKind": "kind",
    "kubernetesNamespace": "namespace",
    "kubernetesSpec": "spec",
    "kubernetesStatus": "status",
    "maxDuration": "maxDuration",
    "carriedOutBy": "carriedOutBy",
}
"""Parameter of the action that is carried out → member of the template it was made from."""

_MAX_DURATION, _EXECUTOR = RESERVED


@dataclass(frozen=True)
class Expanded:
    """The action that is carried out, and which parameters its fields come from."""

    action: TemplateAction
    written: TemplateAction
    origins: Mapping[str, tuple[str, ...]]
    """JSON path in the template (``spec.delay.latency``) → names of parameters."""


def expand(
    action: TemplateAction, version: ActionTemplateVersion, path: str
) -> tuple[Expanded | None, list[Problem]]:
    """Fill in an action template with an action's parameters; None where they do not fit.

    ``path`` is the JSON path of the action.
    """
    template, where = version.template, child(path, "parameters")
    given = {name: value for name, value in action.parameters.items() if value is not None}
    known = [*template.parameters, *RESERVED]
    problems = [
        Problem(child(where, name), _superfluous(name, known, version))
        for name in given
        if name not in known
    ]
    values: dict[str, Value] = {}
    for name, parameter in template.parameters.items():
        if name not in given and parameter.required:
            described = f" ({parameter.description})" if parameter.description else ""
            problems.append(Problem(child(where, name), f"is required; add it{described}"))
            continue
        try:
            values[name] = read_value(parameter, given.get(name, parameter.default))
        except ValueError as error:
            problems.append(Problem(child(where, name), str(error)))
    limit = given.get(_MAX_DURATION, template.max_duration)
    complaint = _limit_complaint(limit, template)
    if complaint:
        problems.append(Problem(child(where, _MAX_DURATION), complaint))
    if problems:
        return None, problems
    executor = given.get(_EXECUTOR, template.carried_out_by)
    template = template.model_copy(update={"max_duration": limit, "carried_out_by": executor})
    parameters, origins = filled_in(template, values)
    made = action.model_copy(
        update={
            "action_id": FAULT,
            "parameters": parameters,
            "action_template": str(version.reference),
        }
    )
    return Expanded(made, action, origins), []


def filled_in(
    template: ActionTemplate, values: Mapping[str, Value]
) -> tuple[dict[str, Any], Mapping[str, tuple[str, ...]]]:
    """Return the parameters of the action that creates the resource, and where values went."""
    spec = fill(template.spec, values, "spec", is_text=text_fields(template))
    namespace = fill(template.namespace, values, "namespace")
    parameters: dict[str, Any] = {
        "kubernetesApiVersion": template.api_version,
        "kubernetesKind": template.kind,
        "kubernetesNamespace": namespace.value,
        "kubernetesSpec": json.dumps(spec.value, ensure_ascii=False, separators=(",", ":")),
        _MAX_DURATION: template.max_duration,
    }
    if template.carried_out_by is not None:
        parameters[_EXECUTOR] = template.carried_out_by
    if template.status is not None:
        parameters["kubernetesStatus"] = template.status
    return parameters, {**namespace.origins, **spec.origins}


def in_template(path: str) -> str | None:
    """Return the member of a template that a parameter of the action was made from, or None.

    ``path`` is relative to the parameters: ``kubernetesSpec.delay`` is ``spec.delay``.
    """
    for parameter, member in FIELDS.items():
        if path == parameter or path.startswith((f"{parameter}.", f"{parameter}[")):
            return member + path.removeprefix(parameter)
    return None


def names_at(path: str, origins: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the parameters whose values stand at a path of the template, or around it."""
    found: list[str] = []
    for origin, names in origins.items():
        if path == origin or path.startswith((f"{origin}.", f"{origin}[")):
            found += names
    return tuple(dict.fromkeys(found))


def at_author(problem: Problem, action_path: str, expanded: Expanded) -> Problem:
    """Return a problem of the expanded action where its author can mend it.

    That is the parameter whose value is refused, where the author gave one, else the action id.
    """
    where = child(action_path, "parameters")
    member = None
    if problem.path.startswith(f"{where}."):
        member = in_template(problem.path.removeprefix(f"{where}."))
    if member is None:
        return problem
    if member in RESERVED and member in expanded.written.parameters:
        return problem
    given = [
        name for name in names_at(member, expanded.origins) if name in expanded.written.parameters
    ]
    if given:
        return replace(problem, path=child(where, given[0]))
    return replace(
        problem,
        path=child(action_path, "actionId"),
        message=f"{member} of {expanded.action.action_template}: {problem.message}",
    )


def _superfluous(name: str, known: list[str], version: ActionTemplateVersion) -> str:
    mend = suggestion(name, known, f"it takes {quoted_list(known)}")
    return f"is not a parameter of {version.reference.action_id}; {mend}"


def _limit_complaint(given: object, template: ActionTemplate) -> str | None:
    try:
        limit = parse_duration(str(given))
    except ValueError as error:
        return str(error)
    if limit > parse_duration(template.max_duration):
        return (
            f"{quote(str(given))} is longer than the template's own maximum; "
            f"write {quote(template.max_duration)} or less, or leave it out"
        )
    return None
