"""Why a resource's finalizer does not go: what the cluster shows, each cause with its way out.

Every right for it is optional; what cannot be read is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from providers.contract import ProviderError
from providers.kubernetes import around
from providers.kubernetes.api import ApiError
from providers.kubernetes.cluster import Cluster
from providers.kubernetes.installation import DAEMON, Installation, dead_webhook, installation
from providers.kubernetes.lifecycle import RECORDS_FINALIZER, is_stuck, keeps_records, way_out
from providers.kubernetes.resource import CHAOS_MESH, CustomResource, metadata
from providers.kubernetes.specs import KINDS
from providers.kubernetes.verdicts import records
from providers.kubernetes.verdicts.status import line, object_of

HOLDS_FOR: Final = timedelta(seconds=60)
"""How long a diagnosis is not made anew; a stuck removal is asked for every few seconds."""
MOST_TARGETS: Final = 5
"""Targets that are looked at."""
_REMEMBERED: Final = 1_000
_CAUSE: Final = re.compile(r"Cause: ([a-z ]+):")
_NOT_FOUND: Final = 404
_DAEMON_WORDS: Final = (
    "connection refused", "deadline exceeded", "unavailable", "daemon", "no route to host",
)  # fmt: skip
"""In what a failed recovery says, where it was the daemon that could not be reached."""
_GROUP_PODS: Final = frozenset({"AWSChaos", "AzureChaos", "GCPChaos", "PhysicalMachineChaos"})
"""Kinds whose targets are not pods."""


@dataclass(frozen=True)
class Cause:
    """One reason for a removal that does not end."""

    name: str
    """``controller gone``, ``webhook gone``, ``target gone``, ``daemon unreachable`` …"""
    words: str
    way_out: str


class Diagnoses:
    """The diagnoses of a provider's stuck resources, each held for a while."""

    def __init__(self) -> None:
        """Know of nothing yet."""
        self._made: dict[tuple[str, str], tuple[datetime, str]] = {}
        self._seen: dict[tuple[str, str, str], tuple[datetime, Installation]] = {}

    async def of(
        self,
        cluster: Cluster,
        resource: CustomResource,
        manifest: Mapping[str, Any],
        now: datetime,
    ) -> str:
        """Say why a resource is stuck. Empty where it is not. ``now`` is the server's time."""
        if not is_stuck(manifest, now):
            return ""
        key = (resource.id, line(metadata(manifest).get("uid")))
        made = self._made.pop(key, None)
        if made is None or now - made[0] >= HOLDS_FOR:
            there = await self._installation(cluster, resource.group, now)
            made = (now, await diagnose(cluster, resource, manifest, now, there))
        self._made[key] = made
        if len(self._made) > _REMEMBERED:
            del self._made[next(iter(self._made))]
        return made[1]

    async def _installation(self, cluster: Cluster, group: str, now: datetime) -> Installation:
        """Look for the controllers, once for all that is stuck."""
        key = (cluster.id, cluster.principal, group)
        seen = self._seen.get(key)
        if seen is None or now - seen[0] >= HOLDS_FOR:
            seen = (now, await installation(cluster, group))
            held = {one: it for one, it in self._seen.items() if now - it[0] < HOLDS_FOR}
            self._seen = {**held, key: seen}  # it is the bodies of many pods
        return seen[1]


def named(reason: str) -> str:
    """Return the causes that a reason of a stuck removal names; empty for any other reason."""
    if not reason.startswith("stuck: "):
        return ""
    return ", ".join(_CAUSE.findall(reason)) or "unknown"


async def diagnose(
    cluster: Cluster,
    resource: CustomResource,
    manifest: Mapping[str, Any],
    now: datetime,
    there: Installation,
) -> str:
    """Say what the cluster shows of the causes, and each way out, in one text."""
    found, unread = await causes(cluster, resource, manifest, now, there)
    words = [f"Cause: {cause.name}: {cause.words}. {cause.way_out}" for cause in found]
    words.append(way_out(resource) if not found else f"Or give up: {_release(resource)}.")
    if unread:
        words.append(f"Not read: {'; '.join(unread)}.")
    return " ".join(words)


async def causes(
    cluster: Cluster,
    resource: CustomResource,
    manifest: Mapping[str, Any],
    now: datetime,
    there: Installation,
) -> tuple[list[Cause], list[str]]:
    """Return the causes that the cluster shows, and what could not be read."""
    unread = list(there.unread)
    found = list(_controller(resource, there))
    if resource.group == CHAOS_MESH:
        try:
            refusal = await dead_webhook(cluster, resource)
        except ProviderError as error:
            unread.append(f"Chaos Mesh's webhooks ({line(error)})")
        else:
            found += _webhook(there, refusal)
        for held, itself in await _held(cluster, resource, manifest, now, unread):
            found += await _targets(cluster, held, itself, there, unread)
    found += _foreign(resource, manifest)
    return found, unread


def _release(resource: CustomResource) -> str:
    return (
        f"faultbridge release {resource.experiment} --action {resource.action} --reason WHY --yes "
        "(removes the resource, and does not undo the fault)"
    )


def _controller(resource: CustomResource, there: Installation) -> Iterator[Cause]:
    pods = there.controllers
    if pods is None or pods.ready:
        return
    who = "chaos-controller-manager" if resource.group == CHAOS_MESH else "Litmus' chaos-operator"
    state = (
        f"none of the {len(pods.pods)} pods of {who} is ready"
        if pods.pods
        else (f"there is no pod of {who}")
    )
    deployment = f"deployment/{who.rpartition(' ')[2]}"
    yield Cause(
        "controller gone",
        state,
        f"Bring it back and the removal goes on by itself: kubectl -n {there.namespace} describe "
        f"{deployment}; kubectl -n {there.namespace} rollout restart {deployment}.",
    )


def _webhook(there: Installation, refusal: str) -> Iterator[Cause]:
    if refusal:
        yield Cause(
            "webhook gone",
            f"Chaos Mesh's admission webhook cannot be called, so the API server refuses every "
            f"change of its resources: {refusal}",
            "Bring its service back (it is served by chaos-controller-manager): kubectl -n "
            f"{there.namespace} get service,endpoints; or, if Chaos Mesh is not to come back: "
            f"{DELETE_WEBHOOKS}.",
        )


DELETE_WEBHOOKS: Final = (
    "kubectl delete validatingwebhookconfiguration,mutatingwebhookconfiguration -l "
    "app.kubernetes.io/part-of=chaos-mesh (see their names with kubectl get "
    "validatingwebhookconfiguration,mutatingwebhookconfiguration)"
)


async def _held(
    cluster: Cluster,
    resource: CustomResource,
    manifest: Mapping[str, Any],
    now: datetime,
    unread: list[str],
) -> list[tuple[CustomResource, Mapping[str, Any]]]:
    """Return the chaos that waits: the resource itself, or what a parent has made."""
    if keeps_records(resource.group, resource.kind):
        return [(resource, manifest)]
    seen = await around.around(cluster, resource, manifest)
    if seen.unread:
        unread.append(f"what belongs to it ({line(seen.unread)})")
    made = [*(seen.chaos or {}).values()] if resource.kind == "Workflow" else [*(seen.parts or ())]
    return [
        (addressed, one)
        for addressed, one in around.beside(resource, made)
        if metadata(one).get("deletionTimestamp") and is_stuck(one, now)
    ]


async def _targets(
    cluster: Cluster,
    resource: CustomResource,
    manifest: Mapping[str, Any],
    there: Installation,
    unread: list[str],
) -> list[Cause]:
    waiting = [
        record for record in records.records_of(manifest) if record.get("phase") != "Not Injected"
    ]
    found: list[Cause] = []
    for record in waiting[:MOST_TARGETS]:
        message = records.failed_message(record, "Recover") or ""
        try:
            cause = await _target(cluster, resource, record, message, there)
        except ProviderError as error:
            unread.append(f"the pod {line(record.get('id'))} ({line(error)})")
            cause = _by_message(record, message, there)
        if cause is not None and cause not in found:
            found.append(cause)
    return found


async def _target(
    cluster: Cluster,
    resource: CustomResource,
    record: Mapping[str, Any],
    message: str,
    there: Installation,
) -> Cause | None:
    name = line(record.get("id"))
    if resource.kind in _GROUP_PODS:
        if not message:
            return None
        return Cause(
            "target unreachable",
            f"{name} cannot be recovered: {message}",
            "Make it answer again (of a physical machine: chaosd), and the removal goes on.",
        )
    namespace, pod_name = (*name.split("/"), "", "")[:2]
    pod = await _pod(cluster, namespace, pod_name)
    if pod is None:
        return Cause(
            "target gone",
            f"the pod {namespace}/{pod_name} no longer exists",
            "The fault went with the pod, unless it lay on the node or on a volume, so that "
            "nothing but the resource is left to remove.",
        )
    node = line(object_of(pod.get("spec")).get("nodeName"))
    if there.daemons is not None and node and not there.daemons.on(node).ready:
        return _daemon(f"no ready pod of {DAEMON} is on node {node} of {name}", node, there)
    return _by_message(record, message, there)


def _by_message(record: Mapping[str, Any], message: str, there: Installation) -> Cause | None:
    if any(word in message.lower() for word in _DAEMON_WORDS):
        return _daemon(f"{line(record.get('id'))}: {message}", "", there)
    return None


def _daemon(words: str, node: str, there: Installation) -> Cause:
    on = f" --field-selector spec.nodeName={node}" if node else " -o wide"
    return Cause(
        "daemon unreachable",
        words,
        "Bring it back and the removal goes on by itself: "
        f"kubectl -n {there.namespace} get pods -l app.kubernetes.io/component={DAEMON}{on}.",
    )


async def _pod(cluster: Cluster, namespace: str, name: str) -> Mapping[str, Any] | None:
    try:
        return (await cluster.get(f"/api/v1/namespaces/{namespace}/pods/{name}")).body
    except ApiError as error:
        if error.status == _NOT_FOUND:
            return None
        raise


def _foreign(resource: CustomResource, manifest: Mapping[str, Any]) -> Iterator[Cause]:
    known: Sequence[str] = (RECORDS_FINALIZER, "chaosengine.litmuschaos.io/finalizer")
    held = [line(one) for one in metadata(manifest).get("finalizers") or ()]
    others = [
        one
        for one in held
        if one not in known and one != "foregroundDeletion" and not one.startswith("chaos-mesh/")
    ]
    if others and KINDS.get(resource.kind):
        yield Cause(
            "foreign finalizer",
            f"{', '.join(others)} is not set by Chaos Mesh or Litmus",
            "Whoever set it has to take it off.",
        )
