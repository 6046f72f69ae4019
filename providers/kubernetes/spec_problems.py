"""What is wrong with the resource that an action would create, as far as no cluster is needed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from bridge.model.moment import format_duration
from bridge.model.problem import Problem, Severity
from providers.kubernetes import specs
from providers.kubernetes.lifecycle import end_is_known
from providers.kubernetes.resource import CHAOS_MESH
from providers.kubernetes.spec_text import SpecTextError, placed, read_noted
from providers.kubernetes.timers import GRACE, written_timer

_FIELDS: Final = {
    "apiVersion": "kubernetesApiVersion",
    "kind": "kubernetesKind",
    "namespace": "kubernetesNamespace",
    "spec": "kubernetesSpec",
}


_EXECUTOR: Final = "carriedOutBy"


def executor_problem(kind: str, path: str) -> Problem:
    """Return the refusal of a kind that the bridge cannot carry out itself."""
    return Problem(
        path=f"{path}.{_EXECUTOR}",
        message=f"the bridge itself carries out {', '.join(specs.NATIVE)} of {CHAOS_MESH} only, "
        f'not {kind}; write "cluster", or leave it out',
    )


def native_problems(
    api_version: str,
    kind: str,
    namespace: str,
    written: str | dict[str, Any],
    *,
    limit: timedelta,
    path: str,
) -> list[Problem]:
    """Return the problems of a spec that the bridge itself carries out.

    ``path`` is the JSON path of the action's parameters.
    """
    try:
        spec, noted = read_noted(written)
    except SpecTextError as error:
        return error.at(f"{path}.kubernetesSpec")
    problems = [placed(found, f"{path}.kubernetesSpec") for found in noted]
    problems += [
        replace(found, path=f"{path}.{_in_parameters(found.path)}")
        for found in specs.check(api_version, kind, namespace, spec, native=True)
    ]
    if any(problem.severity is Severity.ERROR for problem in problems):
        return problems
    if specs.native_spec(kind, spec).lasts > limit:
        message = (
            f"is longer than maxDuration ({format_duration(limit)}); shorten it, or raise "
            "maxDuration"
        )
        problems.append(Problem(path=f"{path}.kubernetesSpec.duration", message=message))
    return problems


def spec_problems(
    api_version: str,
    kind: str,
    namespace: str,
    written: str | dict[str, Any],
    *,
    limit: timedelta,
    path: str,
) -> list[Problem]:
    """Return the problems of the spec, and of its own timer against the maximum duration.

    ``path`` is the JSON path of the action's parameters.
    """
    try:
        spec, noted = read_noted(written)
    except SpecTextError as error:
        return error.at(f"{path}.kubernetesSpec")
    group = api_version.rpartition("/")[0]
    problems = [placed(found, f"{path}.kubernetesSpec") for found in noted]
    problems += [
        replace(found, path=f"{path}.{_in_parameters(found.path)}")
        for found in specs.check(api_version, kind, namespace, spec)
    ]
    if group == CHAOS_MESH and kind in specs.NATIVE:
        problems = [_of_cluster(found, kind, f"{path}.kubernetesSpec") for found in problems]
    ending = _ending_problem(group, kind, spec, limit)
    refused = any(problem.severity is Severity.ERROR for problem in problems)
    if ending is None or (refused and ending.severity is Severity.WARNING):
        return problems
    return [*problems, replace(ending, path=f"{path}.{ending.path}")]


def _of_cluster(problem: Problem, kind: str, path: str) -> Problem:
    """Say of a field of ours why a cluster does not take it."""
    field = problem.path.removeprefix(f"{path}.")
    if field not in specs.EXTENSION:
        return problem
    message = (
        f"the {kind} of {CHAOS_MESH} has no such field: it is Faultbridge's own, for what the "
        f'bridge carries out itself; name one machine, or write {_EXECUTOR} "faultbridge"'
    )
    return replace(problem, message=message)


def _in_parameters(path: str) -> str:
    """Translate a path in the resource into one in the action's parameters."""
    for field, parameter in _FIELDS.items():
        if path == field or path.startswith((f"{field}.", f"{field}[")):
            return parameter + path.removeprefix(field)
    return path


def _ending_problem(
    group: str, kind: str, spec: dict[str, Any], limit: timedelta
) -> Problem | None:
    longest = format_duration(limit)
    timer = written_timer(group, kind, spec)
    if timer is not None and timer[1] >= limit:
        return Problem(
            path=f"kubernetesSpec.{timer[0]}",
            message=f"is not shorter than maxDuration ({longest}), so the action would fail "
            "before the chaos has ended; shorten it or raise maxDuration",
        )
    if group == CHAOS_MESH and specs.is_one_shot(kind, spec):
        return _warning(
            "kubernetesSpec.action",
            f"{spec.get('action')} happens once and cannot be undone; only the {kind} itself is "
            "removed at the end",
        )
    if group == CHAOS_MESH and timer is None and specs.honours_duration(kind, spec):
        return _warning(
            "kubernetesSpec",
            # A TimeChaos may have one that is none, which a cluster accepts.
            f"has no duration{' that can be read' if spec.get('duration') else ''}, "
            "so the chaos does not end by itself and the action fails after "
            f"maxDuration ({longest}), as in FIS; write a shorter duration. Until then one of "
            f"maxDuration and {int(GRACE.total_seconds())} s is set, in case no bridge is left",
        )
    if not end_is_known(group, kind):
        return _warning(
            "kubernetesKind",
            f"it is not known when a {kind} has ended: the action fails after maxDuration "
            f"({longest}), as in FIS, and the {kind} is removed then",
        )
    return None


def _warning(path: str, message: str) -> Problem:
    return Problem(path=path, message=message, severity=Severity.WARNING)
