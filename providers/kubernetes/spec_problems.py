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
from providers.kubernetes.spec_text import SpecTextError, read_spec
from providers.kubernetes.timers import GRACE, written_timer

_FIELDS: Final = {
    "apiVersion": "kubernetesApiVersion",
    "kind": "kubernetesKind",
    "namespace": "kubernetesNamespace",
    "spec": "kubernetesSpec",
}


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
        spec = read_spec(written)
    except SpecTextError as error:
        return [Problem(path=f"{path}.kubernetesSpec", message=str(error))]
    problems = [
        replace(found, path=f"{path}.{_in_parameters(found.path)}")
        for found in specs.check(api_version, kind, namespace, spec)
    ]
    ending = _ending_problem(api_version.rpartition("/")[0], kind, spec, limit)
    refused = any(problem.severity is Severity.ERROR for problem in problems)
    if ending is None or (refused and ending.severity is Severity.WARNING):
        return problems
    return [*problems, replace(ending, path=f"{path}.{ending.path}")]


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
            "has no duration, so the chaos does not end by itself and the action fails after "
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
