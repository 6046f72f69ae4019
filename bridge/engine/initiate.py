"""Before the first fault: stop conditions, targets, and what the identity may do."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bridge.catalog.guardrails import Aimed, Step, Violation, context_violations, violations
from bridge.engine.beginning import note_checks, note_target
from bridge.engine.context import words
from bridge.engine.guardrails import target_violations
from bridge.engine.targets import TargetFailure, TargetResult, as_resolved, resolve_all
from bridge.model.event import EventType
from bridge.model.experiment import (
    ActionsMode,
    ActionStatus,
    ExperimentStatus,
    FailureCode,
)
from bridge.model.moment import Micros, iso_timestamp
from providers.checks import Check, collected
from providers.contract import (
    AccessDeniedError,
    Denial,
    FenceLostError,
    ProviderError,
    StopState,
    TransientError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bridge.engine.context import Context
    from bridge.engine.run import Run
    from providers.contract import Group, Resource


@dataclass
class _Findings:
    """What was found out, to be applied in one go."""

    transient: str = ""
    failure: tuple[str, str, FailureCode, str] | None = None
    """Location, reason, code, mend."""
    triggered: str = ""
    targets: list[TargetResult] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    reviews: list[tuple[str, Denial]] = field(default_factory=list)
    """Action and what its identity may not do."""
    checks: dict[str, list[Check]] = field(default_factory=dict)
    """By action: what was asked before the run, and the answers."""


async def initiate(context: Context) -> Callable[[Run, Micros], None]:
    """Find out whether the run may begin; nothing is changed anywhere."""
    findings = _Findings()
    experiment = context.run.experiment
    # Both only read, and the first look at the targets is on the way to every injection.
    _, findings.targets = await asyncio.gather(
        _stop_conditions(context, findings),
        resolve_all(context.providers, context.session, experiment.id, experiment.template),
    )
    begins = not (findings.transient or findings.failure or findings.triggered)
    if begins:
        await _guardrails(context, findings)
    begins = not (findings.transient or findings.failure or findings.violations)
    if begins and not findings.triggered and experiment.actions_mode is ActionsMode.RUN_ALL:
        await _reviews(context, findings)
    return lambda run, now: _apply(findings, run, now)


async def _stop_conditions(context: Context, findings: _Findings) -> None:
    """Nothing is injected before every stop condition has been read once, and is clear."""
    experiment = context.run.experiment
    for source in sorted({c.source for c in experiment.template.watched}):
        values = [c.value or "" for c in experiment.template.watched if c.source == source]
        try:
            states = await context.stop_watch.read(experiment.scope, source, values)
        except AccessDeniedError as error:
            # A right that is missing does not come by waiting.
            reason = f"stop conditions cannot be read: {error}"
            findings.failure = ("stopConditions", reason, FailureCode.AUTHORIZATION, "")
            return
        except ProviderError as error:
            findings.transient = f"stop conditions cannot be read: {error}"
            return
        except Exception as error:  # noqa: BLE001 - a provider's bug fails the run, not the bridge
            findings.failure = ("stopConditions", words(error), FailureCode.INTERNAL, "")
            return
        for value in values:
            if states.get(value) is StopState.TRIGGERED:
                findings.triggered = value
            elif states.get(value) is not StopState.CLEAR:
                findings.failure = (
                    "stopConditions",
                    f"Stop condition {value} does not exist or cannot be read.",
                    FailureCode.CONFIGURATION,
                    "",
                )


async def _guardrails(context: Context, findings: _Findings) -> None:
    """Hold what the targets came to against the guardrails, and the template once more."""
    run, rules = context.run, context.rules
    template = run.experiment.template
    results = {result.name: result for result in findings.targets}
    places = {name: _place(run, name) for name in template.targets}
    steps, groups = {}, {}
    for name, action in template.actions.items():
        fault, parameters = context.fault(name)
        aimed = [Aimed(one, template.targets[one], places[one]) for one in action.targets.values()]
        steps[name] = Step(fault, parameters, aimed, f"actions.{name}", own=False)
        taken = [resource for one in aimed for resource in results[one.name].taken]
        if taken and rules.looks_at_targets:
            groups[name] = await _reached(context, findings, name, taken)
    findings.violations = [
        *context_violations(rules.cluster_contexts, template.targets),
        *violations(rules, template.actions, steps),
        *target_violations(rules, template, results, groups, places),
    ]


async def _reached(
    context: Context, findings: _Findings, name: str, taken: Sequence[Resource]
) -> Sequence[Group]:
    fault, parameters = context.fault(name)
    try:
        session = await context.session(fault.provider)
        return await fault.reached(session, parameters, taken)
    except (TransientError, FenceLostError) as error:
        findings.transient = str(error)
    except ProviderError as error:
        denied = isinstance(error, AccessDeniedError)
        code = FailureCode.AUTHORIZATION if denied else FailureCode.DEPENDENCY
        findings.failure = (f"actions.{name}", str(error), code, "")
    except Exception as error:  # noqa: BLE001 - a provider's bug fails the run, not the bridge
        findings.failure = (f"actions.{name}", words(error), FailureCode.INTERNAL, "")
    return ()


async def _reviews(context: Context, findings: _Findings) -> None:
    resources = {result.name: result.taken for result in findings.targets}

    async def review(name: str) -> list[tuple[str, Denial]]:
        fault, parameters = context.fault(name)
        targets = context.run.experiment.template.actions[name].targets.values()
        taken = [resource for target in targets for resource in resources.get(target, ())]
        if targets and not taken:
            return []
        try:
            session = await context.session(fault.provider)
            with collected() as findings.checks[name]:
                denials = await fault.review(session, parameters, taken)
            return [(name, denial) for denial in _by_mend(denials)]
        except AccessDeniedError as error:
            return [(name, Denial(str(error)))]
        except (TransientError, FenceLostError) as error:
            findings.transient = str(error)
        except ProviderError as error:
            findings.failure = (f"actions.{name}", str(error), FailureCode.DEPENDENCY, "")
        except Exception as error:  # noqa: BLE001 - as above
            findings.failure = (f"actions.{name}", words(error), FailureCode.INTERNAL, "")
        return []

    answers = await asyncio.gather(*(review(name) for name in context.run.actions))
    findings.reviews = [one for answer in answers for one in answer]


def _by_mend(denials: Sequence[Denial]) -> list[Denial]:
    """Say once what one and the same grant would mend."""
    reasons: dict[str, list[str]] = {}
    for denial in denials:
        reasons.setdefault(denial.mend, []).append(denial.reason)
    return [Denial("; ".join(dict.fromkeys(said)), mend) for mend, said in reasons.items()]


def _apply(findings: _Findings, run: Run, now: Micros) -> None:
    experiment = run.experiment
    if experiment.status is not ExperimentStatus.INITIATING:
        return  # stopped meanwhile
    failed = next((r.failure for r in findings.targets if r.failure is not None), None)
    transient = findings.transient or (failed.reason if failed and failed.transient else "")
    patience = now < experiment.created_at + run.limits.stop_unreadable
    if transient and patience and not findings.triggered:
        first = next(iter(run.actions.values()))
        first.looks += 1
        first.look_at = Micros(now + run.pause(first.looks))
        run.changed = True
        return
    for action in run.actions.values():
        action.look_at, action.looks = None, 0
    run.note(
        EventType.EXPERIMENT_START,
        now,
        experiment_template_id=experiment.template.id,
        experiment_start_time=iso_timestamp(experiment.created_at),
        **experiment.started_by,
    )
    for result in findings.targets:
        note_target(result, run, now)
    for name in experiment.template.actions:
        note_checks(name, findings.checks.get(name, ()), run, now)
    if not _refused(findings, transient, failed, run, now):
        _begin(findings, run, now)


def _refused(
    findings: _Findings, transient: str, failed: TargetFailure | None, run: Run, now: Micros
) -> bool:
    """End the run if anything speaks against its beginning."""
    if findings.triggered:
        run.stop(
            ExperimentStatus.STOPPED,
            "Experiment halted by stop condition.",
            now,
            cause=findings.triggered,
        )
    elif transient:
        run.fail("", transient, now, code=FailureCode.DEPENDENCY)
    elif findings.failure:
        location, reason, code, mend = findings.failure
        run.fail(location, reason, now, code=code, mend=mend)
    elif failed:
        run.fail(_place(run, failed.target), failed.reason, now, code=failed.code)
    for broken in findings.violations:
        run.fail(broken.path, broken.message, now, code=broken.code)
    for name, denial in findings.reviews:
        location = f"actions.{name}"
        run.fail(location, denial.reason, now, code=FailureCode.AUTHORIZATION, mend=denial.mend)
    return run.experiment.stop_verdict is not None


def _place(run: Run, target: str) -> str:
    """Return where a target stands in the author's document.

    One that was made out of what an action says stands at that action.
    """
    template = run.experiment.template
    if target in template.document.get("targets", {target: None}):
        return f"targets.{target}"
    users = (name for name, one in template.actions.items() if target in one.targets.values())
    return f"actions.{next(users, target)}"


def _begin(findings: _Findings, run: Run, now: Micros) -> None:
    experiment = run.experiment
    experiment.resolved = True
    run.resolved = as_resolved(experiment.template, findings.targets)
    run.set_status(ExperimentStatus.RUNNING, "Experiment is running.", now)
    empty = {result.name for result in findings.targets if not result.taken}
    for name, template in experiment.template.actions.items():
        if experiment.actions_mode is ActionsMode.SKIP_ALL:
            run.set_action(name, ActionStatus.SKIPPED, "Actions are skipped in this run.", now)
        elif empty.intersection(template.targets.values()):
            run.set_action(name, ActionStatus.SKIPPED, "The target is empty.", now)
