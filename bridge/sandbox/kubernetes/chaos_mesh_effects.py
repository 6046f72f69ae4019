"""What chaos does to pods, kept where everyone can see it.

Nothing really delays a packet here. A fault in effect is an entry in an annotation of the pod,
so that `kubectl get pod -o yaml` shows it, a test in another process can compare the world
before and after, and it goes when the pod goes. It stays when the chaos resource disappears
without recovery (a finalizer removed by force), as a real netem rule would.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from bridge.sandbox.kubernetes.chaos_mesh_installation import daemon_runs
from bridge.sandbox.kubernetes.chaos_mesh_kinds import CHAOS_KINDS
from bridge.sandbox.kubernetes.pods import restart_container, set_ready

if TYPE_CHECKING:
    from bridge.sandbox.kubernetes.objects import Object, ObjectStore

_WITHOUT_DAEMON = ("pod-kill", "pod-failure")
"""Actions that the API server alone carries out."""
EFFECTS_ANNOTATION = "sandbox.faultbridge/effects"


class EffectError(Exception):
    """The fault cannot be injected or undone; the message goes into the record's events."""


@dataclass(frozen=True)
class Effect:
    """One fault that a pod suffers from: which chaos resource, which action, which container."""

    kind: str
    namespace: str
    name: str
    uid: str
    action: str
    container: str = ""


def active_effects(pod: Object) -> list[Effect]:
    """List the faults in effect on a pod, oldest first."""
    text = (pod["metadata"].get("annotations") or {}).get(EFFECTS_ANNOTATION)
    return [Effect(**entry) for entry in json.loads(text)] if text else []


def reach(store: ObjectStore, chaos: Object, record_id: str, *, gone_fails: bool) -> None:
    """Find the daemon that works on one target. Raises EffectError where there is none.

    `gone_fails` makes a target that no longer exists a failure; else there is nothing to do.
    """
    action = chaos["spec"].get("action", "")
    if not _is_on_pods(chaos) or action in _WITHOUT_DAEMON:
        return
    key, _ = _place(record_id)
    pod = store.get(key)
    if pod is None:
        if gone_fails:
            raise EffectError(f'Pod "{key[3]}" not found')
        return
    node = pod["spec"].get("nodeName", "")
    if not daemon_runs(store, node):
        raise EffectError(f"cannot find daemonIP on node {node} in related Endpoints")


def inject(store: ObjectStore, chaos: Object, record_id: str) -> None:
    """Put a chaos resource's fault into effect on one target. Raises EffectError.

    Actions that are done once (pod-kill, container-kill) leave no effect behind but a pod that
    is gone or has restarted. Targets outside the cluster are not touched.
    """
    if not _is_on_pods(chaos):
        return
    key, container = _place(record_id)
    pod = store.get(key)
    if pod is None:
        raise EffectError(f'Pod "{key[3]}" not found')
    action = chaos["spec"].get("action", "")
    if action == "pod-kill":
        store.delete(key)
        return
    if action == "container-kill":
        restart_container(pod, container)
    else:
        effect = _effect(chaos, container)
        _write(pod, [*(each for each in active_effects(pod) if each != effect), effect])
        if action == "pod-failure":
            set_ready(pod, ready=False)
    store.update(key, pod)


def recover(store: ObjectStore, chaos: Object, record_id: str) -> None:
    """Take a chaos resource's fault off one target; a pod that is gone has nothing to undo."""
    if not _is_on_pods(chaos):
        return
    key, container = _place(record_id)
    pod = store.get(key)
    effect = _effect(chaos, container)
    if pod is None or effect not in active_effects(pod):
        return
    left = [each for each in active_effects(pod) if each != effect]
    _write(pod, left)
    if effect.action == "pod-failure":
        set_ready(pod, ready=all(each.action != "pod-failure" for each in left))
    store.update(key, pod)


def _is_on_pods(chaos: Object) -> bool:
    return CHAOS_KINDS[chaos["kind"]].targets in ("pods", "containers")


def _place(record_id: str) -> tuple[tuple[str, str, str, str], str]:
    namespace, name, *container = record_id.split("/")
    return ("", "pods", namespace, name), "".join(container)


def _effect(chaos: Object, container: str) -> Effect:
    metadata = chaos["metadata"]
    return Effect(
        kind=chaos["kind"],
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        action=chaos["spec"].get("action", ""),
        container=container,
    )


def _write(pod: Object, effects: list[Effect]) -> None:
    annotations = pod["metadata"].setdefault("annotations", {})
    if effects:
        annotations[EFFECTS_ANNOTATION] = json.dumps([asdict(effect) for effect in effects])
    else:
        annotations.pop(EFFECTS_ANNOTATION, None)
    if not annotations:
        del pod["metadata"]["annotations"]
