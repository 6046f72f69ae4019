"""What Chaos Mesh's parents (Schedule, Workflow) create, and how it is known as theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from bridge.sandbox.kubernetes.chaos_mesh_kinds import GROUP
from bridge.sandbox.kubernetes.control_loop import Reconciler
from bridge.sandbox.kubernetes.metadata import generated_name
from bridge.sandbox.kubernetes.objects import copy_json
from providers.kubernetes.specs import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from random import Random

    from bridge.sandbox.kubernetes.objects import Key, Object, ObjectStore

CONTROLLED_BY = "chaos-mesh.org/controlled-by"


class Parents(Reconciler):
    """The controller of a kind that makes others: their changes are changes of their parent."""

    plural: ClassVar[str]
    label: ClassVar[str]
    """By which a child names its parent."""

    def __init__(self, store: ObjectStore, now: Callable[[], datetime]) -> None:
        super().__init__(store, now, lambda key: key.group == GROUP)
        self._known: set[Key] = set()

    def _of(self, key: Key) -> Key | None:
        if key.resource == self.plural:
            self._known.add(key)
            return key
        if not self._known:
            return None
        labels = ((self._store.get(key) or {}).get("metadata") or {}).get("labels") or {}
        name = labels.get(self.label)
        return key._replace(resource=self.plural, name=name) if name else None


def key_of(kind: str, namespace: str, name: str) -> tuple[str, str, str, str]:
    """Return where an object of one of Chaos Mesh's kinds is."""
    return GROUP, KINDS[kind].plural, namespace, name


def create_child(
    store: ObjectStore,
    parent: Object,
    kind: str,
    spec: Mapping[str, Any],
    *,
    prefix: str,
    labels: Mapping[str, str],
    random: Random,
) -> str:
    """Create a resource that a parent owns, as its controller would; return its name."""
    about = parent["metadata"]
    namespace = about["namespace"]
    name = generated_name(f"{prefix}-", random)
    made = copy_json(dict(spec))
    for holder in (made, made.get("target")):
        # The webhooks' default; they are not asked here, since they judge what users write.
        selector = holder.get("selector") if isinstance(holder, dict) else None
        if isinstance(selector, dict) and not selector.get("namespaces"):
            selector["namespaces"] = [namespace]
    store.create(
        key_of(kind, namespace, name),
        {
            "apiVersion": f"{GROUP}/v1alpha1",
            "kind": kind,
            "metadata": {
                "labels": dict(labels),
                "ownerReferences": [
                    {
                        "apiVersion": parent["apiVersion"],
                        "kind": parent["kind"],
                        "name": about["name"],
                        "uid": about["uid"],
                        "controller": True,
                        "blockOwnerDeletion": True,
                    }
                ],
            },
            "spec": made,
        },
    )
    return name


def spec_under(spec: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return what stands under a kind's name in a parent's spec: `networkChaos`."""
    found = next((value for key, value in spec.items() if key.lower() == kind.lower()), None)
    return found if isinstance(found, dict) else {}


def has(obj: Object, condition: str) -> bool:
    """Tell whether a condition of an object is True."""
    return any(
        one["type"] == condition and one["status"] == "True"
        for one in (obj.get("status") or {}).get("conditions") or ()
    )


def is_finished(child: Object) -> bool:
    """Tell whether a run is over, by upstream's own rule (`IsChaosFinished`).

    One-shot: every record injected. Others: stopped, and nothing injected any more.
    """
    if child["kind"] in ("Workflow", "StatusCheck"):
        wanted = "Accomplished" if child["kind"] == "Workflow" else "Completed"
        return has(child, wanted)
    experiment = child.get("status", {}).get("experiment", {})
    phases = {record["phase"] for record in experiment.get("containerRecords") or ()}
    if child["spec"].get("action") in KINDS[child["kind"]].one_shot:
        return phases == {"Injected"}
    return experiment.get("desiredPhase") == "Stop" and phases <= {"Not Injected"}
