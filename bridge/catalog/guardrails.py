"""The guardrails as far as a template alone can break them; no I/O.

The engine asks the same again before a run's first fault: settings may have changed since.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bridge.catalog.order import planned
from bridge.catalog.parameters import absent_durations, durations
from bridge.guardrail_settings import GuardrailSettings
from bridge.model.experiment import FailureCode
from bridge.model.moment import format_duration
from bridge.model.template import SelectionMode, TemplateAction, TemplateTarget
from bridge.model.wording import child, quote, quoted_list
from providers.contract import Fault, FaultParameters, Reach, Undo
from providers.kubernetes.kubeconfig import CONTEXT_PREFIX

_ALL = 100
NUMBERS = ("maximum_targets", "maximum_targets_at_once")
"""The guardrails that an action alone can break by its number of targets."""


@dataclass(frozen=True)
class Violation:
    """One guardrail that a template or a run breaks."""

    path: str
    """JSON path into the template."""
    message: str
    """Names the rule, its value and where it is set, and the mend."""
    code: FailureCode


@dataclass(frozen=True)
class Aimed:
    """A target of an action, and where the author wrote it."""

    name: str
    target: TemplateTarget
    path: str


@dataclass(frozen=True)
class Step:
    """An action as it would be run."""

    fault: Fault
    parameters: FaultParameters
    targets: Sequence[Aimed]
    path: str
    """Where its parameters stand."""
    own: bool = True
    """Whether the author wrote these parameters; else they were made of what stands there."""


def context_violations(
    allowed: Sequence[str], targets: Mapping[str, TemplateTarget]
) -> Iterator[Violation]:
    """Yield the contexts that nobody allowed: the bridge may act there as the context's user."""
    for name, target in targets.items():
        for index, one in enumerate(target.resource_arns):
            context = one.removeprefix(CONTEXT_PREFIX)
            if context != one and context not in allowed and "*" not in allowed:
                message = (
                    f"{quote(one)} is not among the contexts that templates may name; add it to "
                    f'the bridge\'s setting FAULTBRIDGE_CLUSTER_CONTEXTS="{context}"'
                )
                where = child(child(child("targets", name), "resourceArns"), index)
                yield Violation(where, message, FailureCode.TARGET)


def violations(
    rules: GuardrailSettings, actions: Mapping[str, TemplateAction], steps: Mapping[str, Step]
) -> Iterator[Violation]:
    """Yield every guardrail that is broken whatever the targets come to, each once."""
    yield from _run_length(rules, actions, steps)
    found: dict[Violation, None] = {}
    for name, step in steps.items():
        reach = step.fault.reach(step.parameters)
        found |= dict.fromkeys(_length(rules, name, step))
        found |= dict.fromkeys(_namespaces(rules, step, reach))
        found |= dict.fromkeys(_shares(rules, step, reach))
        found |= dict.fromkeys(_numbers(rules, name, step, reach))
    yield from found


def is_query(target: TemplateTarget) -> bool:
    """Whether a target finds its resources; those named one by one are no query."""
    return not target.resource_arns


def share_broken(rules: GuardrailSettings, taken: str, path: str) -> Violation:
    """Return that a selection takes too large a part of what is found."""
    message = f"{rules.named('maximum_share')}: {taken}; take fewer, or raise the limit"
    return Violation(path, message, FailureCode.QUOTA)


def number_broken(rules: GuardrailSettings, setting: str, taken: str, path: str) -> Violation:
    """Return that an action takes too many resources."""
    message = f"{rules.named(setting)}: {taken}; take fewer, or raise the limit"
    return Violation(path, message, FailureCode.QUOTA)


def _run_length(
    rules: GuardrailSettings, actions: Mapping[str, TemplateAction], steps: Mapping[str, Step]
) -> Iterator[Violation]:
    longest = rules.maximum_run_duration
    lengths = {name: one.fault.timing(one.parameters).length for name, one in steps.items()}
    plan = planned(actions, lengths) if longest is not None else None
    if longest is None or plan is None:
        return  # actions that wait in a circle are refused for that
    end = max((end for _, end in plan.values()), default=timedelta())
    if end > longest:
        message = (
            f"{rules.named('maximum_run_duration')}: the run is planned to last "
            f"{format_duration(end)}; shorten its actions, let more of them run side by side, or "
            "raise the limit"
        )
        yield Violation("actions", message, FailureCode.CONFIGURATION)


def _length(rules: GuardrailSettings, name: str, step: Step) -> Iterator[Violation]:
    longest = rules.maximum_action_duration
    if longest is None:
        return
    length = step.fault.timing(step.parameters).length
    named = rules.named("maximum_action_duration")
    if length > longest:
        given = (key for key, value, _ in durations(step.parameters) if value == length)
        key = next(given, None) if step.own else None
        message = (
            f"{named}: action {quote(name)} lasts {format_duration(length)}; shorten it, or raise "
            "the limit"
        )
        path = child(step.path, key) if key else step.path
        yield Violation(path, message, FailureCode.CONFIGURATION)
    if step.fault.undo(step.parameters) is Undo.LASTING:
        absent = absent_durations(step.parameters)
        mend = f"give {quoted_list(absent)}" if absent else "use another action"
        message = f"{named}: what action {quote(name)} does stays when it completes; {mend}"
        yield Violation(step.path, message, FailureCode.CONFIGURATION)


def _namespaces(rules: GuardrailSettings, step: Step, reach: Reach) -> Iterator[Violation]:
    named = rules.named("protected_namespaces")
    for namespace, where in reach.namespaces:
        if namespace == Reach.EVERY_NAMESPACE:
            if rules.protected_namespaces:
                message = f"{named}: it selects in every namespace; name those that it is meant for"
                yield Violation(_within(step, where), message, FailureCode.CONFIGURATION)
        elif rules.protects_namespace(namespace):
            message = (
                f"{named}: nothing is injected into namespace {quote(namespace)}; name another"
            )
            yield Violation(_within(step, where), message, FailureCode.CONFIGURATION)


def _shares(rules: GuardrailSettings, step: Step, reach: Reach) -> Iterator[Violation]:
    largest = rules.maximum_share
    if largest is None:
        return
    asked = [
        (aimed.target.selection_mode, aimed.path)
        for aimed in step.targets
        if is_query(aimed.target)
    ]
    asked += [(selection, _within(step, where)) for selection, where in reach.selections]
    for selection, path in asked:
        share = {SelectionMode.ALL: _ALL, SelectionMode.PERCENT: selection.number}.get(
            selection.mode, 0
        )
        if share > largest:
            yield share_broken(rules, f"{selection} is {share} % of what is found", path)


def _numbers(rules: GuardrailSettings, name: str, step: Step, reach: Reach) -> Iterator[Violation]:
    known = [(_size(aimed.target), aimed.path) for aimed in step.targets]
    if reach.selections:  # a fault that reaches further touches that, not the cluster it is in
        known = [
            (selection.number, _within(step, where))
            for selection, where in reach.selections
            if selection.mode is SelectionMode.COUNT
        ]
    total = sum(size for size, _ in known)
    for setting in NUMBERS:
        most = getattr(rules, setting)
        if most is not None and total > most:
            taken = f"action {quote(name)} asks for {total} targets"
            yield number_broken(rules, setting, taken, max(known)[1])


def _size(target: TemplateTarget) -> int:
    """Return how many resources a target asks for, as far as it says; a query for all says 0."""
    if not is_query(target):
        return target.selection_mode.size(len(target.resource_arns))
    counted = target.selection_mode.mode is SelectionMode.COUNT
    return target.selection_mode.number if counted else 0


def _within(step: Step, where: str) -> str:
    return f"{step.path}.{where}" if step.own and where else step.path
