"""What is wrong with a template, judged by what the faults and resolvers declare; no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from bridge.catalog.cloud_chaos import cloud_faults, cluster_warnings, judge, natives
from bridge.catalog.cloud_faults import CloudFault
from bridge.catalog.entries import alias_of
from bridge.catalog.fis_actions import FIS_ACTIONS
from bridge.catalog.guardrails import Aimed, Step, context_violations, violations
from bridge.catalog.order import order_problems
from bridge.catalog.parameters import absent_durations, duration_problems, read_parameters
from bridge.catalog.portability import portability_warnings
from bridge.catalog.targets import action_target_problems, target_problems
from bridge.model.problem import Problem, Severity
from bridge.model.template import ExperimentTemplate
from bridge.model.wording import child, quote, quoted_list, suggestion
from bridge.settings import Settings
from iam.identities import unmapped
from providers.contract import Fault, FaultParameters, Resolver, StopSource, Undo

MOST_NAMED: Final = 200
"""Most actions, and most targets, of one template: ten times FIS's quota of actions."""
_NO_STOP_CONDITION: Final = "none"


def template_problems(
    template: ExperimentTemplate,
    *,
    faults: Mapping[str, Fault],
    resolvers: Mapping[str, Resolver],
    stop_sources: Mapping[str, StopSource],
    settings: Settings,
) -> Iterator[Problem]:
    """Yield errors and warnings; ``faults`` are found by id or alias."""
    if not template.actions:
        yield Problem(path="actions", message="is empty; add at least one action")
    for part, named in (("actions", template.actions), ("targets", template.targets)):
        if len(named) > MOST_NAMED:
            message = f"has {len(named)} entries; split it, the most is {MOST_NAMED}"
            yield Problem(path=part, message=message)
            return
    yield from _stop_condition_problems(template, stop_sources)
    yield from target_problems(template, resolvers)
    parsed: dict[str, tuple[Fault, FaultParameters]] = {}
    ours = natives(template)
    for name, action in template.actions.items():
        path = child("actions", name)
        fault = faults.get(action.action_id)
        if fault is None:
            message = _unknown_action(action.action_id, faults)
            yield Problem(path=child(path, "actionId"), message=message)
            continue
        where = child(path, "parameters")
        parameters, found = read_parameters(fault, action.parameters, where)
        yield from found
        if parameters is not None:
            parsed[name] = (fault, parameters)
            yield from duration_problems(parameters, where, settings.minimum_duration)
            yield from fault.check(parameters, where)
        needed = name not in ours
        yield from action_target_problems(name, action, fault, template.targets, needed=needed)
        if not needed:
            yield from cluster_warnings(name, action)
    run = dict(parsed)
    made, found = cloud_faults(template)
    yield from found
    for name, carried in made.items():
        found, fits = judge(name, carried, faults, resolvers, settings.minimum_duration)
        yield from found
        run |= {name: fits} if fits else {}
    yield from _identity_problems(template, run, settings)
    yield from order_problems(template.actions)
    yield from _guardrail_problems(template, _steps(template, run, made), settings)
    for name, (fault, parameters) in run.items():
        yield from _undo_warnings(fault, parameters, child("actions", name))
    yield from portability_warnings(template, parsed)


def _guardrail_problems(
    template: ExperimentTemplate, steps: Mapping[str, Step], settings: Settings
) -> Iterator[Problem]:
    for broken in (
        *context_violations(settings.cluster_contexts, template.targets),
        *violations(settings, template.actions, steps),
    ):
        yield Problem(path=broken.path, message=broken.message)


def _steps(
    template: ExperimentTemplate,
    run: Mapping[str, tuple[Fault, FaultParameters]],
    made: Mapping[str, CloudFault],
) -> dict[str, Step]:
    """Return the actions as they would be run, with the places where their author wrote them."""
    steps = {}
    for name, (fault, parameters) in run.items():
        where = child(child("actions", name), "parameters")
        if name in made:
            spec = f"{where}.kubernetesSpec"
            aimed = [Aimed(name, made[name].target, spec)]
            steps[name] = Step(fault, parameters, aimed, spec, own=False)
            continue
        aimed = [
            Aimed(one, template.targets[one], child(child("targets", one), "selectionMode"))
            for one in template.actions[name].targets.values()
            if one in template.targets
        ]
        steps[name] = Step(fault, parameters, aimed, where)
    return steps


def _unknown_action(action_id: str, faults: Mapping[str, Fault]) -> str:
    if action_id in FIS_ACTIONS:
        return (
            f"{quote(action_id)} is not supported yet; `faultbridge actions` lists those that are"
        )
    names = [name for known in faults for name in (known, alias_of(known)) if name]
    mend = suggestion(action_id, names, "`faultbridge actions` lists those that exist")
    return f"there is no action {quote(action_id)}; {mend}"


def _identity_problems(
    template: ExperimentTemplate,
    parsed: Mapping[str, tuple[Fault, FaultParameters]],
    settings: Settings,
) -> Iterator[Problem]:
    for provider in sorted({fault.provider for fault, _ in parsed.values()}):
        complaint = unmapped(settings, provider, template.scope.cloud, template.identity)
        if complaint:
            yield Problem(path="roleArn", message=complaint)


def _stop_condition_problems(
    template: ExperimentTemplate, stop_sources: Mapping[str, StopSource]
) -> Iterator[Problem]:
    if not template.watched:
        message = "nothing will stop a run but its end, a failure or a user; add an alarm"
        yield Problem(path="stopConditions", message=message, severity=Severity.WARNING)
    for index, condition in enumerate(template.stop_conditions):
        path = child("stopConditions", index)
        if condition.source == _NO_STOP_CONDITION:
            if condition.value is not None:
                message = f"has no meaning with source {quote(_NO_STOP_CONDITION)}; remove it"
                yield Problem(path=child(path, "value"), message=message)
            continue
        source = stop_sources.get(condition.source)
        if source is None:
            known = [*stop_sources, _NO_STOP_CONDITION]
            mend = suggestion(condition.source, known, f"write {quoted_list(known)}")
            message = f"there is no source {quote(condition.source)}; {mend}"
            yield Problem(path=child(path, "source"), message=message)
        elif condition.value is None:
            message = f"is required with source {quote(condition.source)}; add it"
            yield Problem(path=child(path, "value"), message=message)
        elif complaint := source.check_value(condition.value):
            message = f"{quote(condition.value)} {complaint}"
            yield Problem(path=child(path, "value"), message=message)
        elif source.pushed:
            message = (
                f"{source.source} is heard only when somebody pushes it to POST /v1/signals; "
                "see docs/signals.md, and push one before you rely on it"
            )
            yield Problem(path=path, message=message, severity=Severity.WARNING)


def _undo_warnings(fault: Fault, parameters: FaultParameters, path: str) -> Iterator[Problem]:
    if fault.target is None:
        return
    undo = fault.undo(parameters)
    if undo is Undo.NONE:
        message = f"{fault.id} cannot be undone: what it did stays done, also after a stop"
    elif undo is Undo.LASTING:
        absent = absent_durations(parameters)
        without = f" without {quoted_list(absent)}" if absent else ""
        message = (
            f"{fault.id}{without}: the fault stays when the action completes; "
            "a stop or a failure before that still undoes it"
        )
    else:
        return
    yield Problem(path=path, message=message, severity=Severity.WARNING)
