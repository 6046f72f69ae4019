"""The verdict of a Workflow, and its tree of nodes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from providers.contract import Effect, Observation
from providers.kubernetes.resource import CustomResource, metadata
from providers.kubernetes.verdicts import records
from providers.kubernetes.verdicts.status import (
    Around,
    annotation_is_true,
    condition,
    line,
    object_of,
)

ABORT: Final = "workflow.chaos-mesh.org/abort"
NODES: Final = "workflownodes"
OF_WORKFLOW: Final = "chaos-mesh.org/workflow"
"""Label of a node with the name of its Workflow."""

_PHASES: Final = (
    ("Aborted", "aborted"),
    ("DeadlineExceed", "ended by its deadline"),
    ("Accomplished", "accomplished"),
    ("ChaosInjected", "chaos created"),
)
"""Conditions of a node, the one that says most first. ChaosInjected only says that it exists."""


def judge(
    resource: CustomResource,
    manifest: Mapping[str, Any],
    now: datetime,  # noqa: ARG001 - Chaos Mesh keeps the time
    around: Around,  # noqa: ARG001 - chaos that is over leaves nothing to read: see the notes
) -> Observation:
    """Judge a Workflow. Accomplished is also what was aborted, or ended by a deadline."""
    status = object_of(manifest.get("status"))
    done = condition(status, "Accomplished")
    if done and annotation_is_true(manifest, ABORT):
        return Observation(Effect.FAILED, "the workflow was aborted, by a status check or by hand")
    if done:
        return _ended(resource)
    if status.get("entryNode") or status.get("startTime"):
        return Observation(Effect.PRESENT)
    return Observation(
        Effect.APPLYING,
        "Chaos Mesh has not started the workflow yet; if it stays so, its controllers do not run",
    )


def started(manifest: Mapping[str, Any]) -> bool:
    """Say whether there may be nodes that an abort must end."""
    status = object_of(manifest.get("status"))
    begun = bool(status.get("entryNode") or status.get("startTime"))
    return begun and not condition(status, "Accomplished")


def _ended(resource: CustomResource) -> Observation:
    """Judge by how each chaos was seen last: it is deleted with the end of its node."""
    seen = resource.notes.runs
    never = {name: words for name, words in seen.items() if words}
    if not never:
        return Observation(Effect.ENDED)
    name, words = next(iter(never.items()))
    if len(never) == len(seen):
        return Observation(Effect.FAILED, f"never injected: chaos of node {name}: {words}")
    return Observation(
        Effect.ENDED,
        f"{len(never)} of {len(seen)} chaos nodes were never injected: {name}: {words}",
    )


def node_details(node: Mapping[str, Any], chaos: Mapping[str, Any] | None) -> dict[str, str]:
    """Return what a node is and how far it has come, in words."""
    spec, status = object_of(node.get("spec")), object_of(node.get("status"))
    told = {
        "template": line(spec.get("templateName")),
        "type": line(spec.get("type")),
        "phase": next((words for name, words in _PHASES if condition(status, name)), "running"),
        "chaos": chaos_name(node),
        "targets": records.counted(chaos) if chaos else "",
        "reason": records.failure(records.records_of(chaos), "Apply") if chaos else "",
    }
    return {key: value for key, value in told.items() if value}


def chaos_name(node: Mapping[str, Any]) -> str:
    """Return kind and name of the chaos resource that a node has made; empty where it has none."""
    found = object_of(object_of(node.get("status")).get("chaosResource"))
    kind, name = line(found.get("kind")), line(found.get("name"))
    return f"{kind.lower()} {name}" if kind and name else ""


def never_injected(chaos: Mapping[str, Any]) -> str | None:
    """Say why a node's chaos has not been injected; empty when it has, None when it may be yet.

    Only what failed counts: chaos that was looked at too early has simply not begun.
    """
    found = records.records_of(chaos)
    if records.ever_injected(found):
        return ""
    return records.failure(found, "Apply") or None


def name_of(manifest: Mapping[str, Any]) -> str:
    """Return the name of a node, or of anything else."""
    return line(metadata(manifest).get("name"))
