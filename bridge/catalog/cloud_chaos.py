"""Chaos Mesh's cloud kinds, carried out by the bridge: rewritten into the providers' own faults.

A template stays as its author wrote it. The engine runs what `lowered` returns, and the catalogue
judges that too; what is wrong with it is told at the author's own fields.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from bridge.catalog.cloud_faults import CloudFault, cloud_fault
from bridge.catalog.entries import canonical
from bridge.catalog.parameters import duration_problems, read_parameters
from bridge.catalog.targets import id_problems, parameter_problems
from bridge.model.problem import InvalidDocumentError, Problem, Severity
from bridge.model.scope import Scope
from bridge.model.template import ExperimentTemplate, TemplateAction
from bridge.model.wording import child
from providers.contract import Fault, FaultParameters, Resolver
from providers.kubernetes.resource import FAULT
from providers.kubernetes.spec_text import SpecTextError, read_spec
from providers.kubernetes.specs import check, is_native, native_spec

_SPEC: Final = "kubernetesSpec"


def natives(template: ExperimentTemplate) -> list[str]:
    """Return the names of the actions whose custom resource the bridge itself carries out."""
    return [name for name, action in template.actions.items() if _native(action)]


def cloud_faults(template: ExperimentTemplate) -> tuple[dict[str, CloudFault], list[Problem]]:
    """Return what is run in place of each of these actions, and what speaks against it.

    An action whose spec has errors is left out: the check of the action itself tells them.
    """
    found: dict[str, CloudFault] = {}
    problems: list[Problem] = []
    for name in natives(template):
        try:
            fault = _cloud_fault(template.actions[name], template.scope)
        except InvalidDocumentError as error:
            where = child(child("actions", name), "parameters")
            for problem in error.problems:
                path = f"{where}.{_SPEC}{problem.path.removeprefix('spec')}"
                problems.append(replace(problem, path=path))
            continue
        if fault is not None:
            found[name] = fault
    return found, problems


def lowered(template: ExperimentTemplate) -> ExperimentTemplate:
    """Return the template as the engine runs it; itself where there is nothing to rewrite.

    Each rewritten action gets a target of its own, named like the action, and a target that only
    such actions name (a cluster) goes. Document and tags stay. Raises InvalidDocumentError where
    the catalogue finds errors in the template.
    """
    names = natives(template)
    if not names:
        return template
    faults, problems = cloud_faults(template)
    if problems or len(faults) < len(names):
        raise InvalidDocumentError(problems)
    kept = [action for name, action in template.actions.items() if name not in names]
    used = {target for action in kept for target in action.targets.values()}
    dropped = {t for name in names for t in template.actions[name].targets.values()} - used
    targets = {name: one for name, one in template.targets.items() if name not in dropped}
    actions = dict(template.actions)
    for name, fault in faults.items():
        target = _free(name, targets)
        targets[target] = fault.target
        update = {
            "action_id": fault.action_id,
            "parameters": dict(fault.parameters),
            "targets": {fault.key: target},
        }
        actions[name] = actions[name].model_copy(update=update)
    return template.model_copy(update={"targets": targets, "actions": actions})


def cluster_warnings(name: str, action: TemplateAction) -> Iterator[Problem]:
    """Yield that a cluster which is given is not touched."""
    for key in action.targets:
        message = (
            f"the bridge itself carries out the {action.parameters.get('kubernetesKind')} and "
            'touches no cluster; leave the target out, or write carriedOutBy "cluster" to have '
            "the resource created there"
        )
        path = child(child(child("actions", name), "targets"), key)
        yield Problem(path=path, message=message, severity=Severity.WARNING)


def judge(
    name: str,
    carried: CloudFault,
    faults: Mapping[str, Fault],
    resolvers: Mapping[str, Resolver],
    shortest: timedelta,
) -> tuple[list[Problem], tuple[Fault, FaultParameters] | None]:
    """Judge the fault and the target that an action becomes, in terms of the action's own spec.

    ``shortest`` is the setting for durations. The fault comes back where it can be run.
    """
    base = child(child("actions", name), "parameters")
    fault = faults.get(carried.action_id)
    resolver = resolvers.get(carried.target.resource_type)
    if fault is None or resolver is None:
        message = (
            f"is carried out by {carried.action_id}, which this bridge does not have; write "
            'carriedOutBy "cluster" to have the resource created in a cluster'
        )
        return [Problem(path=f"{base}.kubernetesKind", message=message)], None
    parameters, found = read_parameters(fault, carried.parameters, "")
    if parameters is not None:
        found += duration_problems(parameters, "", shortest)
        found += fault.check(parameters, "")
    found += id_problems(carried.target, resolver, "")
    found += parameter_problems(carried.target, resolver, "parameters")
    found += resolver.check(carried.target, "")
    spec = f"{base}.{_SPEC}"
    problems = [replace(one, path=_origin(one.path, carried.origins, spec)) for one in found]
    return problems, None if parameters is None else (fault, parameters)


def _native(action: TemplateAction) -> bool:
    given = action.parameters
    return canonical(action.action_id) == FAULT and is_native(
        str(given.get("kubernetesApiVersion", "")),
        str(given.get("kubernetesKind", "")),
        given.get("carriedOutBy"),
    )


def _cloud_fault(action: TemplateAction, scope: Scope) -> CloudFault | None:
    given = action.parameters
    try:
        spec = read_spec(given.get(_SPEC, ""))
    except SpecTextError:
        return None
    kind = str(given["kubernetesKind"])
    # The namespace means something in a cluster only.
    found = check(str(given["kubernetesApiVersion"]), kind, "default", spec, native=True)
    if any(problem.severity is Severity.ERROR for problem in found):
        return None
    return cloud_fault(native_spec(kind, spec), scope)


def _free(name: str, taken: Collection[str]) -> str:
    """Return the name for a target: the action's, or the first numbered one that is free."""
    number = 1
    free = name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free


def _origin(path: str, origins: Mapping[str, str], spec: str) -> str:
    """Return the field of the spec from which a member was made, or the spec itself."""
    path = path.removeprefix(".")
    for member, field in origins.items():
        if path == member or path.startswith((f"{member}.", f"{member}[")):
            return f"{spec}.{field}"
    return spec
