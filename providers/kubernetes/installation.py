"""What keeps chaos going in a cluster: controllers, daemons and webhooks, as far as can be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from providers.contract import ProviderError, TransientError
from providers.kubernetes.api import ApiError, DeniedError
from providers.kubernetes.cluster import Cluster
from providers.kubernetes.resource import CHAOS_MESH, LITMUS, CustomResource, metadata
from providers.kubernetes.verdicts.status import condition, line, object_of, objects_of

NAMESPACE: Final = "chaos-mesh"
"""Where Chaos Mesh's chart and its documentation install it."""
CONTROLLER: Final = "controller-manager"
DAEMON: Final = "chaos-daemon"
_COMPONENT: Final = "app.kubernetes.io/component"
_WEBHOOKS: Final = "/apis/admissionregistration.k8s.io/v1"
WEBHOOK_KINDS: Final = ("validatingwebhookconfigurations", "mutatingwebhookconfigurations")
_FAILED_CALL: Final = "failed calling webhook"
_NOT_FOUND: Final = 404


@dataclass(frozen=True)
class Workers:
    """The pods of one component."""

    pods: Sequence[Mapping[str, Any]] = ()

    @property
    def ready(self) -> int:
        """How many of them serve."""
        return sum(map(is_ready, self.pods))

    def on(self, node: str) -> Workers:
        """Return those on a node."""
        return Workers(
            [pod for pod in self.pods if object_of(pod.get("spec")).get("nodeName") == node]
        )


@dataclass
class Installation:
    """What was found of Chaos Mesh, or of Litmus; None where it could not be read."""

    controllers: Workers | None = None
    daemons: Workers | None = None
    namespace: str = NAMESPACE
    unread: list[str] = field(default_factory=list)
    """What could not be read, and why."""


async def installation(cluster: Cluster, group: str) -> Installation:
    """Look for the pods of Chaos Mesh, or of Litmus' operator, in all namespaces, or in its own."""
    found = Installation()
    selector = (
        "name=chaos-operator" if group == LITMUS else f"{_COMPONENT} in ({CONTROLLER},{DAEMON})"
    )
    try:
        try:
            # All of them: a daemon that is left out would count as missing from its node.
            answer = await cluster.select("/api/v1/pods", pages=None, labelSelector=selector)
        except DeniedError:
            answer = await cluster.select(
                f"/api/v1/namespaces/{NAMESPACE}/pods", pages=None, labelSelector=selector
            )
    except ProviderError as error:
        found.unread.append(f"the pods of its controllers ({line(error)})")
        return found
    pods = answer.body["items"]
    if group == LITMUS:
        found.controllers = Workers(pods)
    else:
        ours = [pod for pod in pods if _of_chaos_mesh(pod)]
        found.controllers = Workers([pod for pod in ours if _component(pod) == CONTROLLER])
        found.daemons = Workers([pod for pod in ours if _component(pod) == DAEMON])
        pods = ours
    if pods:
        found.namespace = line(metadata(pods[0]).get("namespace")) or NAMESPACE
    return found


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Say whether a pod serves."""
    return condition(object_of(pod.get("status")), "Ready")


async def dead_webhook(cluster: Cluster, resource: CustomResource) -> str:
    """Return why changes of the resource are refused by a webhook that nobody serves.

    Empty where they are not. Asks for a change in a dry run, else looks for the webhook's
    service. Raises ProviderError where neither may be asked.
    """
    try:
        await cluster.merge(resource.path, {"metadata": {"annotations": {}}}, dryRun="All")
    except TransientError as error:
        return failed_call(error) if failed_webhook(error) else ""
    except DeniedError:
        return await _unserved(cluster)
    except ApiError:
        return ""  # judged, so it is served
    return ""


def failed_webhook(error: Exception) -> bool:
    """Say whether a change was refused because its webhook could not be called."""
    return _FAILED_CALL in str(error)


def failed_call(error: Exception) -> str:
    """Return why a webhook could not be called: the end of what the API server says."""
    return line(str(error).rpartition(": ")[2])


async def webhook_configurations(cluster: Cluster) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the webhook configurations for Chaos Mesh's group, each with its path.

    Raises ProviderError when they may not be read.
    """
    found: list[tuple[str, Mapping[str, Any]]] = []
    for kind in WEBHOOK_KINDS:
        try:
            answer = await cluster.select(f"{_WEBHOOKS}/{kind}")
        except ApiError as error:
            if error.status == _NOT_FOUND:
                continue
            raise
        found += [
            (f"{_WEBHOOKS}/{kind}/{metadata(one).get('name')}", one)
            for one in answer.body["items"]
            if CHAOS_MESH in _judged(one)
        ]
    return found


async def _unserved(cluster: Cluster) -> str:
    for path, configuration in await webhook_configurations(cluster):
        for webhook in objects_of(configuration.get("webhooks")):
            service = object_of(object_of(webhook.get("clientConfig")).get("service"))
            namespace, name = line(service.get("namespace")), line(service.get("name"))
            if not name or await _served(cluster, namespace, name):
                continue
            return f"the service {namespace}/{name} of {path.rpartition('/')[2]} has no endpoints"
    return ""


async def _served(cluster: Cluster, namespace: str, name: str) -> bool:
    try:
        answer = await cluster.get(f"/api/v1/namespaces/{namespace}/endpoints/{name}")
    except ApiError as error:
        if error.status == _NOT_FOUND:
            return False
        raise
    return any(subset.get("addresses") for subset in objects_of(answer.body.get("subsets")))


def judges_others(configuration: Mapping[str, Any]) -> bool:
    """Say whether webhooks judge resources of other groups than Chaos Mesh's, or of all."""
    return bool(_judged(configuration) - {CHAOS_MESH})


def _judged(configuration: Mapping[str, Any]) -> set[str]:
    """Return the groups of the resources that webhooks judge."""
    return {
        str(group)
        for webhook in objects_of(configuration.get("webhooks"))
        for rule in objects_of(webhook.get("rules"))
        for group in rule.get("apiGroups") or ()
    }


def _component(pod: Mapping[str, Any]) -> str:
    return line(object_of(metadata(pod).get("labels")).get(_COMPONENT))


def _of_chaos_mesh(pod: Mapping[str, Any]) -> bool:
    labels = object_of(metadata(pod).get("labels"))
    return line(metadata(pod).get("name")).startswith("chaos-") or "chaos-mesh" in {
        labels.get("app.kubernetes.io/name"),
        labels.get("app.kubernetes.io/part-of"),
    }
