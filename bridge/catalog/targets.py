"""Targets: which resources a template names, and whether its actions can use them.

Where FIS's own wording of a refusal is known, ours begins with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bridge.catalog.fis_actions import FIS_RESOURCE_TYPES
from bridge.model.problem import Problem, Severity
from bridge.model.template import ExperimentTemplate, TemplateAction, TemplateTarget
from bridge.model.wording import child, quote, quoted_list, suggestion
from providers.contract import Fault, Resolver


def target_problems(
    template: ExperimentTemplate, resolvers: Mapping[str, Resolver]
) -> Iterator[Problem]:
    """Yield what is wrong with the targets themselves."""
    used = {name for action in template.actions.values() for name in action.targets.values()}
    for name, target in template.targets.items():
        path = child("targets", name)
        resolver = resolvers.get(target.resource_type)
        if resolver is None:
            yield Problem(
                path=child(path, "resourceType"),
                message=_unknown_type(target.resource_type, resolvers),
            )
        else:
            yield from _selection_problems(name, target, resolver, path)
            yield from resolver.check(target, path)
        if name not in used:
            message = "no action uses this target; remove it, or name it in an action's targets"
            yield Problem(path=path, message=message, severity=Severity.WARNING)


def action_target_problems(
    name: str,
    action: TemplateAction,
    fault: Fault,
    targets: Mapping[str, TemplateTarget],
    *,
    needed: bool = True,
) -> Iterator[Problem]:
    """Yield what is wrong with the targets that an action is given; ``needed`` if it needs one."""
    path = child(child("actions", name), "targets")
    spec = fault.target
    for key, target_name in action.targets.items():
        where = child(path, key)
        if spec is None or key != spec.key:
            mend = "remove it" if spec is None else f"it takes {quote(spec.key)}"
            message = f"Unexpected target {quote(key)} found in action {quote(name)}. "
            yield Problem(path=where, message=f"{message}{fault.id}: {mend}")
            continue
        target = targets.get(target_name)
        if target is None:
            mend = suggestion(target_name, targets, "add it under targets")
            yield Problem(path=where, message=f"there is no target {quote(target_name)}; {mend}")
        elif target.resource_type != spec.resource_type:
            message = (
                f"target {quote(target_name)} is of type {quote(target.resource_type)}, but "
                f"{fault.id} acts on {quote(spec.resource_type)}; name a target of that type"
            )
            yield Problem(path=where, message=message)
        elif spec.single and (len(target.resource_arns) != 1 or target.resource_tags):
            message = (
                f"{fault.id} acts on exactly one resource, but target {quote(target_name)} names "
                f"{len(target.resource_arns)}; give it one ARN in resourceArns"
            )
            yield Problem(path=where, message=message)
    if needed and spec is not None and spec.key not in action.targets:
        message = (
            f"{fault.id} needs a target of type {quote(spec.resource_type)}; "
            f"write {{{quote(spec.key)}: the name of the target}}"
        )
        yield Problem(path=child(path, spec.key), message=message)


def _unknown_type(resource_type: str, resolvers: Mapping[str, Resolver]) -> str:
    if resource_type in FIS_RESOURCE_TYPES:
        return f"{quote(resource_type)} is not supported yet; use {quoted_list(sorted(resolvers))}"
    mend = suggestion(resource_type, resolvers, f"use {quoted_list(sorted(resolvers))}")
    return f"there is no resource type {quote(resource_type)}; {mend}"


def _selection_problems(
    name: str, target: TemplateTarget, resolver: Resolver, path: str
) -> Iterator[Problem]:
    kind = target.resource_type
    ways = {
        "resourceArns": (bool(target.resource_arns), resolver.by_ids),
        "resourceTags": (bool(target.resource_tags), resolver.by_tags),
        "filters": (bool(target.filters), resolver.by_filters),
    }
    usable = [way for way, (_, supported) in ways.items() if supported]
    for way, (given, supported) in ways.items():
        if given and not supported:
            word = "tags" if way == "resourceTags" else way
            instead = [*usable, *(["parameters"] if resolver.parameters else [])]
            message = f"TargetResourceType {kind} does not support {word}. "
            yield Problem(
                path=child(path, way), message=f"{message}Remove it and use {quoted_list(instead)}"
            )
    if target.resource_arns and target.resource_tags:
        message = f"You cannot specify both resource ARNs and resource tags for target {name}. "
        yield Problem(path=path, message=f"{message}Remove one of the two")
    if target.resource_arns and target.filters:
        message = f"You cannot specify both resource ARNs and filters for target {name}. "
        yield Problem(path=path, message=f"{message}Remove one of the two")
    if not any(given for given, _ in ways.values()) and not target.parameters:
        instead = [*usable, *(["parameters"] if resolver.parameters else [])]
        yield Problem(path=path, message=f"selects no resources; add {quoted_list(instead)}")
    yield from id_problems(target, resolver, path)
    for index, condition in enumerate(target.filters):
        if not condition.values:
            where = child(child(child(path, "filters"), index), "values")
            yield Problem(path=where, message="is empty, so nothing can match; add a value")
    yield from parameter_problems(target, resolver, child(path, "parameters"))


def id_problems(target: TemplateTarget, resolver: Resolver, path: str) -> Iterator[Problem]:
    """Yield the ids that the resolver cannot read; ``path`` is the target's."""
    for index, resource_id in enumerate(target.resource_arns):
        complaint = resolver.check_id(resource_id) if resolver.by_ids else None
        if complaint:
            where = child(child(path, "resourceArns"), index)
            yield Problem(path=where, message=f"{quote(resource_id)} {complaint}")


def parameter_problems(target: TemplateTarget, resolver: Resolver, path: str) -> Iterator[Problem]:
    """Yield unknown and missing parameters of a target; ``path`` is that of its parameters."""
    kind = target.resource_type
    for given in target.parameters:
        if not resolver.parameters:
            yield Problem(
                path=child(path, given), message=f"targets of {kind} take no parameters; remove it"
            )
        elif given not in resolver.parameters:
            known = resolver.parameters
            mend = suggestion(given, known, f"it takes {quoted_list(known)}")
            message = f"is not a parameter of {kind} targets; {mend}"
            yield Problem(path=child(path, given), message=message)
    for wanted, parameter in resolver.parameters.items():
        if parameter.required and wanted not in target.parameters:
            message = f"is required for targets of {kind}; add it ({parameter.description})"
            yield Problem(path=child(path, wanted), message=message)
