"""Judging a resource without a cluster: whether it is admitted and can do what is meant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bridge.model.problem import Problem, Severity
from bridge.model.wording import nearest
from providers.kubernetes.specs.base import ChaosModel
from providers.kubernetes.specs.chaos_kinds import CHAOS
from providers.kubernetes.specs.crd import structural_schema
from providers.kubernetes.specs.document import document_problems
from providers.kubernetes.specs.embedded import later
from providers.kubernetes.specs.kinds import CHAOS_MESH, KINDS, LITMUS, VERSION
from providers.kubernetes.specs.litmus import ChaosEngineSpec
from providers.kubernetes.specs.native_kinds import NATIVE
from providers.kubernetes.specs.physical_machine import PhysicalMachineSpec
from providers.kubernetes.specs.problems import MOST_PROBLEMS, json_type, meant, shown
from providers.kubernetes.specs.refusals import problem_of, schema_of
from providers.kubernetes.specs.remote_cluster import RemoteClusterSpec
from providers.kubernetes.specs.schedule import ScheduleSpec
from providers.kubernetes.specs.status_check import StatusCheckSpec
from providers.kubernetes.specs.unjudged import CONSEQUENCE, passes, unjudged, with_values
from providers.kubernetes.specs.workflow import WorkflowSpec

SPECS: Final[Mapping[str, type[ChaosModel]]] = MappingProxyType(
    {
        **CHAOS,
        "ChaosEngine": ChaosEngineSpec,
        "PhysicalMachine": PhysicalMachineSpec,
        "RemoteCluster": RemoteClusterSpec,
        "Schedule": ScheduleSpec,
        "StatusCheck": StatusCheckSpec,
        "Workflow": WorkflowSpec,
    }
)
"""The kinds that are known in full, and the model of their `spec`."""

_GROUPS: Final = (CHAOS_MESH, LITMUS)
_NAMESPACE: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def check(
    api_version: str, kind: str, namespace: str, spec: Any, *, native: bool = False
) -> list[Problem]:
    """Find what is wrong with a resource, before any cluster is asked.

    For the kinds in `SPECS` an error stands exactly where Chaos Mesh 2.8.3 would refuse: its CRD
    under strict field validation, then its webhook. Other kinds of Chaos Mesh and Litmus are only
    asked to exist and to have an object as spec, those of other groups to have an object.
    With `native`, a kind in `NATIVE` is judged by what the bridge does with it, not by the CRD.
    Never raises for a JSON or YAML document; at most 50 problems are told.
    """
    group, _, version = api_version.partition("/")
    problems = _identity(group, version, kind, namespace)
    if not isinstance(spec, dict):
        message = f"must be an object, is {json_type(spec)}, write the fields of the kind"
        return [*problems, Problem("spec", message)]
    malformed = document_problems(spec, "spec")
    models: Mapping[str, type[ChaosModel]] = NATIVE if native else SPECS
    known = KINDS.get(kind)
    model = models.get(kind) if known is not None and known.group == group else None
    if malformed or model is None:
        return problems + malformed
    return _limited(problems + _spec_problems(kind, model, spec))


def crd_schema(kind: str) -> dict[str, Any]:
    """The structural OpenAPI v3 schema of the `spec` of a kind in `SPECS`.

    Raises KeyError for any other kind. The result is the caller's own.
    """
    return structural_schema(SPECS[kind])


def _identity(group: str, version: str, kind: str, namespace: str) -> list[Problem]:
    problems = []
    if group in _GROUPS:
        known = [entry.name for entry in KINDS.values() if entry.group == group]
        if version != VERSION:
            message = f"{shown(version)} is not a version of {group}"
            problems.append(Problem("apiVersion", f'{message}, write "{group}/{VERSION}"'))
        if kind not in known:
            hint = meant(kind, known) or f"it has {', '.join(known)}"
            problems.append(Problem("kind", f"{shown(kind)} is not a kind of {group}; {hint}"))
    elif (near := nearest(group, _GROUPS)) and kind in KINDS:
        message = f"{shown(group)} is not the group of {kind}, write {near}/{VERSION}"
        problems.append(Problem("apiVersion", message, Severity.WARNING))
    if not _NAMESPACE.fullmatch(namespace):
        message = (
            f"{shown(namespace)} is not the name of a namespace, write up to 63 lower-case letters,"
            ' digits and inner hyphens, such as "default"'
        )
        problems.append(Problem("namespace", message))
    return problems


def _spec_problems(kind: str, model: type[ChaosModel], spec: dict[str, Any]) -> list[Problem]:
    try:
        parsed = model.model_validate(spec)
    except ValidationError as refusal:
        errors = refusal.errors(include_url=False)
    else:
        return list(parsed.all_findings("spec"))
    places = set(unjudged(kind, spec))
    taken: list[ErrorDetails] = []
    left: list[ErrorDetails] = []
    for error in errors:
        (taken if passes(error, schema_of(error, model), places) else left).append(error)
    passed = later((problem_of(e, model, spec) for e in taken[: MOST_PROBLEMS + 1]), CONSEQUENCE)
    if left:
        return [*(problem_of(e, model, spec) for e in left[: MOST_PROBLEMS + 1]), *passed]
    # Nothing stands against the rest but what a cluster does not look at.
    values = {error["loc"]: schema_of(error, model).get("example", "0") for error in taken}
    return [*_spec_problems(kind, model, with_values(spec, values)), *passed]


def _limited(problems: list[Problem]) -> list[Problem]:
    if len(problems) <= MOST_PROBLEMS:
        return problems
    # Errors first, so that cutting the list cannot turn a refusal into an acceptance.
    ordered = sorted(problems, key=lambda problem: problem.severity)[: MOST_PROBLEMS - 1]
    return [*ordered, Problem("spec", "has more problems than are told here", ordered[0].severity)]
