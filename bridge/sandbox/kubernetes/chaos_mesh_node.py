"""The nodes of a Workflow: how each comes to be, what it does, and how it ends."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes.chaos_mesh_children import (
    CONTROLLED_BY,
    create_child,
    has,
    is_finished,
    key_of,
    spec_under,
)
from bridge.sandbox.kubernetes.chaos_mesh_events import FAILED
from bridge.sandbox.kubernetes.chaos_mesh_kinds import GROUP
from bridge.sandbox.kubernetes.go_duration import parse_go_duration
from bridge.sandbox.kubernetes.objects import Key, timestamp
from providers.kubernetes.specs import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from bridge.sandbox.kubernetes.chaos_mesh_events import EventRecorder
    from bridge.sandbox.kubernetes.objects import Object, ObjectStore

ABORT = "workflow.chaos-mesh.org/abort"
OF_WORKFLOW = "chaos-mesh.org/workflow"
_ENDS = ("Accomplished", "DeadlineExceed", "Aborted")
_COMPONENT = "workflow"


class Nodes:
    """The nodes in one object store."""

    def __init__(
        self,
        store: ObjectStore,
        now: Callable[[], datetime],
        random: Random,
        recorder: EventRecorder,
    ) -> None:
        self._store = store
        self._now = now
        self._random = random
        self._recorder = recorder

    def of(self, workflow: Key) -> dict[str, Object]:
        """Return the nodes of a Workflow by name."""
        return {
            node["metadata"]["name"]: node
            for node in self._store.list(GROUP, "workflownodes", workflow.namespace)
            if (node["metadata"].get("labels") or {}).get(OF_WORKFLOW) == workflow.name
        }

    @staticmethod
    def key(beside: Key, name: str) -> Key:
        """Return where a node of that name is."""
        return beside._replace(resource="workflownodes", name=name)

    def read(self, node: Object) -> Object | None:
        """Return a node as it is now."""
        about = node["metadata"]
        return self._store.get((GROUP, "workflownodes", about["namespace"], about["name"]))

    @staticmethod
    def children(node: Object, nodes: dict[str, Object]) -> list[str]:
        """Name the nodes that a node has made, in the order of its templates."""
        owned = [
            one
            for one in nodes.values()
            if (one["metadata"].get("labels") or {}).get(CONTROLLED_BY) == node["metadata"]["name"]
        ]
        # As upstream's: of one moment those are first whose template is.
        templates = node["spec"].get("children") or []
        owned.sort(key=lambda one: templates.index(one["spec"]["templateName"]))
        return [one["metadata"]["name"] for one in owned]

    def create(self, workflow: Object, parent: Object, template_name: str) -> str | None:
        """Make the node of a template; None where there is no such template."""
        templates = workflow["spec"].get("templates") or ()
        template = next((one for one in templates if one.get("name") == template_name), None)
        if template is None:
            message = f"there is no template {template_name}"
            self._recorder.record(workflow, _COMPONENT, FAILED, message)
            return None
        key = Key(
            GROUP, "workflows", workflow["metadata"]["namespace"], workflow["metadata"]["name"]
        )
        spec: dict[str, Any] = {
            "templateName": template_name,
            "workflowName": key.name,
            "type": template["templateType"],
            "startTime": timestamp(self._now()),
        }
        spec |= {
            name: value
            for name, value in template.items()
            if name not in ("name", "templateType", "deadline")
        }
        if template.get("deadline"):
            try:
                end = self._now() + parse_go_duration(template["deadline"])
                spec["deadline"] = timestamp(end)
            except ValueError as error:
                self._recorder.record(workflow, _COMPONENT, FAILED, f"deadline: {error}")
        labels = {OF_WORKFLOW: key.name, CONTROLLED_BY: parent["metadata"]["name"]}
        name = create_child(
            self._store,
            parent,
            "WorkflowNode",
            spec,
            prefix=template_name,
            labels=labels,
            random=self._random,
        )
        self._recorder.record(workflow, _COMPONENT, "NodesCreated", f"child nodes created, {name}")
        return name

    def act(self, workflow: Object, node: Object) -> None:
        """Do what a node without children does."""
        kind = node["spec"]["type"]
        if kind == "Suspend":
            return  # its deadline is its end
        if kind == "Task":
            if not has(node, "NotSupported"):
                message = "the sandbox runs no containers: Task is not supported"
                self._recorder.record(workflow, _COMPONENT, FAILED, message)
                set_condition(node.setdefault("status", {}), "NotSupported", state=True)
                self._write(node)
            return
        made = (node.get("status") or {}).get("chaosResource")
        if made is None:
            self._make(workflow, node, kind)
        elif kind == "StatusCheck":
            self._follow_check(workflow, node, made["name"])

    def end(self, node: Object, condition: str) -> None:
        """End a node: what it has made is deleted, with which its chaos recovers."""
        stored = self.read(node)
        if stored is None or is_over(stored):
            return
        status = stored.setdefault("status", {})
        made = status.get("chaosResource")
        if made is not None:
            key = key_of(made["kind"], stored["metadata"]["namespace"], made["name"])
            child = self._store.get(key)
            if child is not None and "deletionTimestamp" not in child["metadata"]:
                self._store.delete(key)
            set_condition(status, "ChaosInjected", state=False)
        set_condition(status, condition, state=True)
        if condition == "DeadlineExceed":
            set_condition(status, "Accomplished", state=True)
        self._write(stored)

    def _make(self, workflow: Object, node: Object, kind: str) -> None:
        spec = spec_under(node["spec"], kind)
        if kind not in KINDS or not spec:
            message = f"template {node['spec']['templateName']} has no spec of a {kind}"
            self._recorder.record(workflow, _COMPONENT, FAILED, message)
            return
        labels = {
            OF_WORKFLOW: node["spec"]["workflowName"],
            CONTROLLED_BY: node["metadata"]["name"],
        }
        name = create_child(
            self._store,
            node,
            kind,
            spec,
            prefix=node["metadata"]["name"],
            labels=labels,
            random=self._random,
        )
        stored = self.read(node)
        if stored is None:
            return
        status = stored.setdefault("status", {})
        status["chaosResource"] = {"apiGroup": GROUP, "kind": kind, "name": name}
        # It exists; whether anything is injected, this does not say.
        set_condition(status, "ChaosInjected", state=True)
        self._write(stored)
        self._recorder.record(workflow, _COMPONENT, "ChaosCRCreated", f"Chaos CR {name} created")

    def _follow_check(self, workflow: Object, node: Object, name: str) -> None:
        check = self._store.get(key_of("StatusCheck", node["metadata"]["namespace"], name))
        if check is None or not is_finished(check):
            return
        if has(check, "FailureThresholdExceed") and node["spec"].get("abortWithStatusCheck"):
            about = workflow["metadata"]
            key = (GROUP, "workflows", about["namespace"], about["name"])
            stored = self._store.get(key)
            if stored is not None:
                stored["metadata"].setdefault("annotations", {})[ABORT] = "true"
                self._store.update(key, stored)
        self.end(node, "Accomplished")

    def _write(self, node: Object) -> None:
        about = node["metadata"]
        self._store.update((GROUP, "workflownodes", about["namespace"], about["name"]), node)


def is_over(node: Object) -> bool:
    """Tell whether a node has ended."""
    return any(has(node, name) for name in _ENDS)


def set_condition(status: dict[str, Any], name: str, *, state: bool) -> None:
    """Write a condition into a status."""
    conditions = [one for one in status.get("conditions") or () if one["type"] != name]
    conditions.append({"type": name, "status": "True" if state else "False", "reason": ""})
    status["conditions"] = conditions


def deadline_of(node: Object) -> datetime | None:
    """Return when a node is to end at the latest."""
    text = node["spec"].get("deadline")
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
