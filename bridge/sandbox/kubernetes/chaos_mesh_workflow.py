"""Chaos Mesh's Workflow, simulated: a tree of WorkflowNodes, each an object of its own.

What upstream's users stumble over is here too: a chaos node never ends but by its deadline, its
parent's, or an abort; its chaos resource is deleted with it; Accomplished says nothing of success.
Not simulated: Task (the sandbox runs no containers), which says so in an event and ends by its
deadline.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from bridge.sandbox.kubernetes.chaos_mesh_children import Parents, has
from bridge.sandbox.kubernetes.chaos_mesh_events import EventRecorder
from bridge.sandbox.kubernetes.chaos_mesh_kinds import GROUP
from bridge.sandbox.kubernetes.chaos_mesh_node import (
    ABORT,
    OF_WORKFLOW,
    Nodes,
    deadline_of,
    is_over,
    set_condition,
)
from bridge.sandbox.kubernetes.objects import Key, timestamp

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from bridge.sandbox.kubernetes.objects import Object, ObjectStore


class Workflows(Parents):
    """The controllers of Workflows and their nodes over one object store."""

    plural = "workflows"
    label = OF_WORKFLOW

    def __init__(self, store: ObjectStore, *, now: Callable[[], datetime], random: Random) -> None:
        super().__init__(store, now)
        self._nodes = Nodes(store, now, random, EventRecorder(store, now))

    def _reconcile(self, key: Key) -> None:
        workflow = self._store.get(key)
        if workflow is None:
            self._known.discard(key)
        if workflow is None or "deletionTimestamp" in workflow["metadata"]:
            return
        nodes = self._nodes.of(key)
        entry = workflow.get("status", {}).get("entryNode")
        if not entry:
            entry = self._nodes.create(workflow, workflow, workflow["spec"]["entry"])
            if entry is None:
                return
            stored = self._store.get(key)
            if stored is not None:
                started = timestamp(self._now())
                stored["status"] = {"entryNode": entry, "startTime": started, "conditions": []}
                set_condition(stored["status"], "Scheduled", state=True)
                set_condition(stored["status"], "Accomplished", state=False)
                self._store.update(key, stored)
            nodes = self._nodes.of(key)
        aborted = (workflow["metadata"].get("annotations") or {}).get(ABORT) == "true"
        self._walk(workflow, nodes, entry, aborted=aborted, over="")
        self._finish(key, entry)

    def _walk(
        self,
        workflow: Object,
        nodes: dict[str, Object],
        name: str,
        *,
        aborted: bool,
        over: str,
    ) -> None:
        """Take a node, and what hangs on it, one step on.

        ``over`` is the condition with which its parent has ended before it, or empty.
        """
        node = nodes.get(name)
        if node is None or "deletionTimestamp" in node["metadata"]:
            return
        if not is_over(node):
            deadline = deadline_of(node)
            if aborted:
                self._nodes.end(node, "Aborted")
            elif over:
                self._nodes.end(node, over)
            elif deadline is not None and self._now() >= deadline:
                self._nodes.end(node, "DeadlineExceed")
            else:
                self._go_on(workflow, nodes, node)
                if deadline is not None:
                    key = Key(GROUP, "workflows", *self._place(workflow))
                    self._due[key] = min(deadline, self._due.get(key, deadline))
        ended = self._nodes.read(node) or node
        passed = ""
        if is_over(ended):
            passed = next(
                (one for one in ("Aborted", "DeadlineExceed") if has(ended, one)), "Accomplished"
            )
        for child in self._nodes.children(node, nodes):
            self._walk(workflow, nodes, child, aborted=aborted, over=passed)

    def _go_on(self, workflow: Object, nodes: dict[str, Object], node: Object) -> None:
        """Begin what is next for a node that is not over, and end it where all is done."""
        wanted = node["spec"].get("children") or []
        made = [nodes[child] for child in self._nodes.children(node, nodes)]
        done = [child for child in made if is_over(child)]
        match node["spec"]["type"]:
            case "Serial":
                if len(made) == len(done) < len(wanted):
                    self._nodes.create(workflow, node, wanted[len(made)])
            case "Parallel":
                for template in wanted[len(made) :]:
                    self._nodes.create(workflow, node, template)
            case _:
                self._nodes.act(workflow, node)
                return
        if len(done) == len(wanted):
            self._nodes.end(node, "Accomplished")

    def _finish(self, key: Key, entry: str) -> None:
        workflow, node = self._store.get(key), self._store.get(self._nodes.key(key, entry))
        if workflow is None or node is None or not is_over(node):
            return
        if not has(workflow, "Accomplished"):
            set_condition(workflow["status"], "Accomplished", state=True)
            workflow["status"]["endTime"] = timestamp(self._now())
            self._store.update(key, workflow)

    @staticmethod
    def _place(workflow: Object) -> tuple[str, str]:
        return workflow["metadata"]["namespace"], workflow["metadata"]["name"]
