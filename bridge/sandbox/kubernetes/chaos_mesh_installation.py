"""Chaos Mesh's own pods and service in the cluster: what runs while they do.

Scale ``deployment/chaos-controller-manager`` to none and the controllers stand still and their
webhooks refuse every change, as in a real cluster; delete a pod of ``chaos-daemon`` and the pods of
its node can be neither injected into nor recovered. In a cluster without the namespace
``chaos-mesh`` all of it runs out of sight.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes import status
from bridge.sandbox.kubernetes.chaos_mesh_kinds import GROUP
from bridge.sandbox.kubernetes.pods import is_ready
from bridge.sandbox.kubernetes.resources import ADMISSION

if TYPE_CHECKING:
    from bridge.sandbox.kubernetes.identity import Admit, Identity
    from bridge.sandbox.kubernetes.objects import Object, ObjectStore

NAMESPACE = "chaos-mesh"
SERVICE = "chaos-mesh-controller-manager"
DEPLOYMENT = ("apps", "deployments", NAMESPACE, "chaos-controller-manager")
_COMPONENT = "app.kubernetes.io/component"
_CONFIGURATIONS = ("validatingwebhookconfigurations", "mutatingwebhookconfigurations")


def is_visible(store: ObjectStore) -> bool:
    """Tell whether Chaos Mesh's own objects are in the cluster."""
    return store.get(("", "namespaces", "", NAMESPACE)) is not None


def controllers_run(store: ObjectStore) -> bool:
    """Tell whether a pod of the controllers serves."""
    return not is_visible(store) or bool(_ready(store, "controller-manager"))


def daemon_runs(store: ObjectStore, node: str) -> bool:
    """Tell whether the daemon of a node serves."""
    return not is_visible(store) or any(
        pod["spec"].get("nodeName") == node for pod in _ready(store, "chaos-daemon")
    )


def keep_endpoints(store: ObjectStore) -> None:
    """Do what the endpoints controller does for the service of the webhooks."""
    key = ("", "endpoints", NAMESPACE, SERVICE)
    present = store.get(key)
    if store.get(("", "services", NAMESPACE, SERVICE)) is None:
        if present is not None:
            store.delete(key)
        return
    addresses = [{"ip": pod["status"]["podIP"]} for pod in _ready(store, "controller-manager")]
    subsets = [{"addresses": addresses, "ports": [{"port": 10250}]}] if addresses else []
    wanted = {"apiVersion": "v1", "kind": "Endpoints", "metadata": {}, "subsets": subsets}
    if present is None:
        store.create(key, wanted, generation=None)
    elif present.get("subsets") != subsets:
        store.update(key, {**present, "subsets": subsets})


class ReachableWebhooks:
    """Asks the webhooks, if they can be called: as the API server does it."""

    def __init__(self, store: ObjectStore, webhooks: Admit) -> None:
        self._store = store
        self._webhooks = webhooks

    def __call__(
        self,
        identity: Identity,
        verb: str,
        old: dict[str, Any] | None,
        new: dict[str, Any] | None,
    ) -> list[str] | None:
        """Default and judge an object. Raises ApiError (500) where nobody answers."""
        about = new or {}
        if verb in ("create", "update") and str(about.get("apiVersion", "")).startswith(
            f"{GROUP}/"
        ):
            if not self._configured():
                return None  # nobody asks them any more
            if not self._served():
                kind = str(about.get("kind", "")).lower()
                raise status.internal(
                    f'failed calling webhook "v{kind}.kb.io": failed to call webhook: Post '
                    f'"https://{SERVICE}.{NAMESPACE}.svc:443/validate-chaos-mesh-org-v1alpha1-'
                    f'{kind}?timeout=5s": no endpoints available for service "{SERVICE}"'
                )
        return self._webhooks(identity, verb, old, new)

    def _configured(self) -> bool:
        return not is_visible(self._store) or any(
            self._store.list(ADMISSION, plural) for plural in _CONFIGURATIONS
        )

    def _served(self) -> bool:
        if not is_visible(self._store):
            return True
        found = self._store.get(("", "endpoints", NAMESPACE, SERVICE)) or {}
        return bool(found.get("subsets"))


def _ready(store: ObjectStore, component: str) -> list[Object]:
    return [
        pod
        for pod in store.list("", "pods", NAMESPACE)
        if (pod["metadata"].get("labels") or {}).get(_COMPONENT) == component and is_ready(pod)
    ]
