"""What Chaos Mesh's parents (Schedule, Workflow) create, and how it is known as theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes.chaos_mesh_kinds import GROUP
from bridge.sandbox.kubernetes.objects import copy_json
from providers.kubernetes.specs import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from bridge.sandbox.kubernetes.objects import Object, ObjectStore

_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX = 5
CONTROLLED_BY = "chaos-mesh.org/controlled-by"


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
    name = f"{prefix}-{''.join(random.choices(_LETTERS, k=_SUFFIX))}"
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


def is_finished(child: Object) -> bool:
    """Tell whether a run is over, by upstream's own rule (`IsChaosFinished`).

    One-shot: every record injected. Others: stopped, and nothing injected any more.
    """
    if child["kind"] in ("Workflow", "StatusCheck"):
        wanted = "Accomplished" if child["kind"] == "Workflow" else "Completed"
        return any(
            one["type"] == wanted and one["status"] == "True"
            for one in child.get("status", {}).get("conditions") or ()
        )
    experiment = child.get("status", {}).get("experiment", {})
    phases = {record["phase"] for record in experiment.get("containerRecords") or ()}
    if child["spec"].get("action") in KINDS[child["kind"]].one_shot:
        return phases == {"Injected"}
    return experiment.get("desiredPhase") == "Stop" and phases <= {"Not Injected"}
