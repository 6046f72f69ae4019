"""A real cluster seen from outside, and the part of Chaos Mesh in it, played by hand.

Nothing but the API server is real there: the steps of `Controllers` write into a resource what
Chaos Mesh's controllers would.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from bridge.sandbox.kubernetes.chaos_mesh_crds import definitions
from tests.kubernetes_faults.one_run import eventually

CHAOS: Final = "/apis/chaos-mesh.org/v1alpha1"
FINALIZER: Final = "chaos-mesh/records"
MERGE: Final = {"content-type": "application/merge-patch+json"}

_RBAC: Final = "/apis/rbac.authorization.k8s.io/v1"
_CLUSTER_WIDE: Final = {
    "CustomResourceDefinition": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "ClusterRole": f"{_RBAC}/clusterroles",
    "ClusterRoleBinding": f"{_RBAC}/clusterrolebindings",
    "Namespace": "/api/v1/namespaces",
}
_NAMESPACED: Final = {
    "NetworkChaos": (CHAOS, "networkchaos"),
    "ResourceQuota": ("/api/v1", "resourcequotas"),
    "Role": (_RBAC, "roles"),
    "RoleBinding": (_RBAC, "rolebindings"),
}
PLURALS: Final = {
    definition["spec"]["names"]["kind"]: definition["spec"]["names"]["plural"]
    for definition in definitions()
    if definition["spec"]["group"] == "chaos-mesh.org"
}
_REVIEWS: Final = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@contextlib.contextmanager
def client(kubeconfig: Path, token: str) -> Iterator[httpx.Client]:
    """Open an HTTP client of the kubeconfig's one cluster."""
    cluster = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    with httpx.Client(
        base_url=cluster["server"],
        verify=ssl.create_default_context(cadata=authority),
        headers={"authorization": f"Bearer {token}"},
        timeout=30,
        trust_env=False,
    ) as made:
        yield made


class RealCluster:
    """The cluster as its administrator sees it, with what the provider's tests ask of one."""

    def __init__(self, api: httpx.Client, operator: httpx.Client) -> None:
        self.api = api
        self.controllers = Controllers(self)
        self._operator = operator
        self._full_rules: list[dict[str, Any]] | None = None

    def install(self, *manifests: dict[str, Any]) -> None:
        """Create objects; what exists already stays."""
        for manifest in manifests:
            kind, about = manifest["kind"], manifest["metadata"]
            if kind in _CLUSTER_WIDE:
                path = _CLUSTER_WIDE[kind]
            else:
                root, plural = _NAMESPACED[kind]
                path = f"{root}/namespaces/{about['namespace']}/{plural}"
            made = self.api.post(path, json=manifest)
            assert made.status_code in (201, 409), made.text

    def all_chaos(self) -> list[dict[str, Any]]:
        """Every chaos resource there is."""
        found: list[dict[str, Any]] = []
        for kind, plural in PLURALS.items():
            listed = self.api.get(f"{CHAOS}/{plural}").json()["items"]
            found += [{**item, "kind": kind} for item in listed]
        return found

    def one(self) -> dict[str, Any]:
        """The one chaos resource."""
        (found,) = self.all_chaos()
        return found

    def edit(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the one chaos resource from outside."""
        found = self.one()
        change(found)
        changed = self.api.put(_path(found), json=found)
        assert changed.status_code == 200, changed.text

    def merge(self, chaos: dict[str, Any], change: dict[str, Any]) -> None:
        """Merge fields into a chaos resource; one that is gone needs none."""
        merged = self.api.patch(_path(chaos), json=change, headers=MERGE)
        assert merged.status_code in (200, 404), merged.text

    def revoke(self, *verbs: str) -> None:
        """Take verbs on chaos resources away from the walk-through's ClusterRole."""
        path = f"{_RBAC}/clusterroles/chaosmesh-manager"
        role = self.api.get(path).json()
        if self._full_rules is None:
            self._full_rules = role["rules"]
        left = [verb for verb in role["rules"][1]["verbs"] if verb not in verbs]
        rules = [role["rules"][0], {**role["rules"][1], "verbs": left}]
        self._set_rules(rules)

    def _set_rules(self, rules: list[dict[str, Any]]) -> None:
        """Write the rules of the ClusterRole, and wait until the authorizer has read them."""
        path = f"{_RBAC}/clusterroles/chaosmesh-manager"
        assert self.api.patch(path, json={"rules": rules}, headers=MERGE).status_code == 200
        for verb in ("create", "get", "list", "watch", "delete"):
            self.wait_until(partial(self._operator_may, verb, verb in rules[1]["verbs"]))

    def _operator_may(self, verb: str, wanted: bool) -> bool:
        return self.allowed(self._operator, verb) is wanted

    @staticmethod
    def wait_until(true: Callable[[], bool]) -> None:
        """Wait for what the server does a moment later than it answers; at most 30 seconds."""
        deadline = time.monotonic() + 30
        while not true():
            assert time.monotonic() < deadline, "it never came true"
            time.sleep(0.02)

    def served(self) -> set[str]:
        """The kinds of Chaos Mesh that discovery names."""
        return {entry["kind"] for entry in self.api.get(CHAOS).json().get("resources", ())}

    @staticmethod
    def allowed(who: httpx.Client, verb: str, namespace: str = "default") -> bool:
        """Tell whether somebody may do something to NetworkChaos."""
        asked = {
            "group": "chaos-mesh.org",
            "namespace": namespace,
            "resource": "networkchaos",
            "verb": verb,
        }
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": asked},
        }
        return bool(who.post(_REVIEWS, json=review).json()["status"]["allowed"])

    async def stop_controllers(self) -> None:
        """Let no controller run any more."""
        await self.controllers.stop()

    async def clean(self) -> None:
        """Remove every chaos resource, and give the rights back."""
        await self.controllers.stop()
        if self._full_rules is not None:
            self._set_rules(self._full_rules)
        for chaos in self.all_chaos():
            self.merge(chaos, {"metadata": {"finalizers": None}})
            self.api.delete(_path(chaos))

        async def left() -> list[dict[str, Any]]:
            return self.all_chaos()

        await eventually(left, lambda found: not found)


class Controllers:
    """What Chaos Mesh does to a chaos resource: step by step, or by itself."""

    def __init__(self, cluster: RealCluster) -> None:
        self._cluster = cluster
        self._running: asyncio.Task[None] | None = None

    def take_up(self, chaos: dict[str, Any]) -> None:
        """Put the finalizer on, and choose a target, which is not injected yet."""
        self._cluster.merge(chaos, {"metadata": {"finalizers": [FINALIZER]}, **_status("Run", 0)})

    def inject(self, chaos: dict[str, Any]) -> None:
        """Have the fault in effect on the target."""
        self._cluster.merge(chaos, _status("Run", 1, phase="Injected"))

    def recover(self, chaos: dict[str, Any]) -> None:
        """Have the fault recovered from."""
        self._cluster.merge(chaos, _status("Stop", 1))

    def fail_to_recover(self, chaos: dict[str, Any]) -> None:
        """Try to recover in vain."""
        failed = {"operation": "Recover", "type": "Failed", "message": "the node is gone"}
        self._cluster.merge(chaos, _status("Stop", 1, phase="Injected", events=[failed]))

    def let_go(self, chaos: dict[str, Any]) -> None:
        """Take the finalizer off, as the last step of a removal."""
        self._cluster.merge(chaos, {"metadata": {"finalizers": []}})

    def start(self) -> None:
        """Do all steps to every resource from now on."""
        self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Do nothing by itself any more."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
            self._running = None

    async def _run(self) -> None:
        while True:
            for chaos in self._cluster.all_chaos():
                if "deletionTimestamp" in chaos["metadata"]:
                    self.let_go(chaos)
                elif "status" not in chaos:
                    self.take_up(chaos)
                    self.inject(chaos)
            await asyncio.sleep(0.05)


def _status(desired: str, injected: int, *, phase: str = "Not Injected", **more: Any) -> Any:
    record = {
        "id": "sock-shop/carts/carts",
        "selectorKey": ".",
        "phase": phase,
        "injectedCount": injected,
        **more,
    }
    return {"status": {"experiment": {"desiredPhase": desired, "containerRecords": [record]}}}


def _path(chaos: dict[str, Any]) -> str:
    about = chaos["metadata"]
    return f"{CHAOS}/namespaces/{about['namespace']}/{PLURALS[chaos['kind']]}/{about['name']}"
