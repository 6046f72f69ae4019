"""Where the real AWS FIS would refuse a template that we accept: said as warnings.

Quotas are those of the Service Quotas console (facts of the service, not settings of ours).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from bridge.catalog.cloud_chaos import natives
from bridge.catalog.fis_actions import FIS_ACTIONS
from bridge.catalog.order import most_at_once, planned
from bridge.catalog.parameters import durations
from bridge.dialects.fis.requests import LONGEST_PARAMETER
from bridge.model.action_template import ID_PREFIX
from bridge.model.moment import format_duration
from bridge.model.problem import Problem, Severity
from bridge.model.template import ExperimentTemplate
from bridge.model.wording import child, quote
from providers.contract import Fault, FaultParameters
from providers.kubernetes.spec_text import read_text

SHORTEST: Final = timedelta(minutes=1)
"""FIS's shortest duration, unless the parameter documents another."""
LONGEST_RUN: Final = timedelta(hours=12)
MOST_ACTIONS: Final = 20
MOST_PARALLEL: Final = 10
MOST_STOP_CONDITIONS: Final = 5
REFUSED_BY_FIS: Final = "the real AWS FIS would refuse"
"""How each of these warnings begins."""
_SPEC: Final = "kubernetesSpec"
_EXECUTOR: Final = "carriedOutBy"


def portability_warnings(
    template: ExperimentTemplate, parsed: Mapping[str, tuple[Fault, FaultParameters]]
) -> Iterator[Problem]:
    """Yield warnings on a template of AWS; ``parsed`` holds the actions that could be read."""
    if template.scope.cloud != "aws":
        return
    for path, message in _refusals(template, parsed):
        yield Problem(path=path, message=f"{REFUSED_BY_FIS} {message}", severity=Severity.WARNING)


def _refusals(
    template: ExperimentTemplate, parsed: Mapping[str, tuple[Fault, FaultParameters]]
) -> Iterator[tuple[str, str]]:
    ours = natives(template)
    for name, (fault, parameters) in parsed.items():
        action, path = template.actions[name], child("actions", name)
        if action.action_template is not None:
            known = quote(f"{ID_PREFIX}{action.action_template}")
            yield child(path, "actionId"), f"{known}: it is an action template of ours"
            continue
        yield from _action_refusals(path, fault, parameters, action.parameters)
        if name in ours and not action.targets:
            yield child(path, "targets"), "an action without a target Cluster"
    if len(template.actions) > MOST_ACTIONS:
        yield "actions", f"{len(template.actions)} actions: its quota is {MOST_ACTIONS}"
    if len(template.stop_conditions) > MOST_STOP_CONDITIONS:
        count = len(template.stop_conditions)
        yield "stopConditions", f"{count} stop conditions: its quota is {MOST_STOP_CONDITIONS}"
    lengths = {name: fault.timing(values).length for name, (fault, values) in parsed.items()}
    plan = planned(template.actions, lengths)
    if plan is None:
        return
    if (parallel := most_at_once(plan)) > MOST_PARALLEL:
        yield "actions", f"{parallel} actions side by side: its quota is {MOST_PARALLEL}"
    if (whole := max((end for _, end in plan.values()), default=timedelta())) > LONGEST_RUN:
        message = f"a run of {format_duration(whole)}: its quota is {format_duration(LONGEST_RUN)}"
        yield "actions", message


def _action_refusals(
    path: str, fault: Fault, parameters: FaultParameters, written: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    if fault.id not in FIS_ACTIONS:
        yield child(path, "actionId"), f"{quote(fault.id)}: it is an action of ours"
    where = child(path, "parameters")
    for name, value, declared in durations(parameters):
        least = declared or SHORTEST
        if value < least:
            message = f"{format_duration(value)}: its shortest is {format_duration(least)}"
            yield child(where, name), message
    for name, text in written.items():
        if isinstance(text, str) and len(text) > LONGEST_PARAMETER:
            message = f"{len(text)} characters: it takes {LONGEST_PARAMETER}"
            yield child(where, name), message
    if _EXECUTOR in written:
        yield child(where, _EXECUTOR), f"{quote(_EXECUTOR)}: it is a parameter of ours"
    spec = written.get(_SPEC)
    if isinstance(spec, str) and not _is_json_text(spec) and not read_text(spec).broken:
        yield child(where, _SPEC), "YAML: it takes JSON in a string"


def _is_json_text(value: Any) -> bool:
    try:
        json.loads(value)
    except (TypeError, ValueError, RecursionError):
        return False
    return True
