"""Pods that come to life and come back: just enough of the workload controllers and kubelets.

A Deployment gets one ReplicaSet per pod template, a ReplicaSet its pods, a pod a node, at once
and without rolling: killed pods are replaced under a new name, as chaos tests need it. What has
lost its owner is removed by the API server's garbage collector, not here.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes.control_loop import ChangedKeys
from bridge.sandbox.kubernetes.metadata import generated_name
from bridge.sandbox.kubernetes.objects import copy_json, timestamp

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from bridge.sandbox.kubernetes.objects import Object, ObjectStore

_HASH_LABEL = "pod-template-hash"
_WATCHED = {("", "pods"), ("", "nodes"), ("apps", "replicasets"), ("apps", "deployments")}


class Workloads:
    """The controllers of Deployments, ReplicaSets and pods, over one object store."""

    def __init__(self, store: ObjectStore, *, now: Callable[[], datetime], random: Random) -> None:
        self._store = store
        self._now = now
        self._random = random
        self._changed = ChangedKeys(store, lambda key: (key.group, key.resource) in _WATCHED)
        self._owned: dict[str, dict[str, list[Object]]] = {}

    def step(self) -> bool:
        """Bring the cluster one round nearer to what its workloads ask for."""
        if not self._changed.take():
            return False
        for group, resource in (("", "pods"), ("apps", "replicasets")):
            self._owned[resource] = _by_owner(self._store.list(group, resource))
        for deployment in self._store.list("apps", "deployments"):
            self._sync_deployment(deployment)
        for replica_set in self._store.list("apps", "replicasets"):
            self._sync_replica_set(replica_set)
        nodes = [node["metadata"]["name"] for node in self._store.list("", "nodes")]
        for pod in self._store.list("", "pods"):
            self._sync_pod(pod, nodes)
        return True

    def next_due(self) -> datetime | None:
        """Nothing here waits for a time."""
        return None

    def _sync_deployment(self, deployment: Object) -> None:
        metadata, spec = deployment["metadata"], deployment["spec"]
        if "deletionTimestamp" in metadata:
            return
        text = json.dumps(spec["template"], sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:10]
        wanted = f"{metadata['name']}-{digest}"
        found = False
        for owned in self._of("replicasets", deployment):
            if owned["metadata"]["name"] != wanted:
                self._store.delete(_key(owned, "apps", "replicasets"))
                continue
            found = True
            if owned["spec"].get("replicas") != spec.get("replicas", 1):
                owned["spec"]["replicas"] = spec.get("replicas", 1)
                self._store.update(_key(owned, "apps", "replicasets"), owned)
        if not found:
            self._create_replica_set(deployment, wanted, digest)
        self._report(deployment, "deployments", self._pods_of(deployment))

    def _create_replica_set(self, deployment: Object, name: str, digest: str) -> None:
        spec = copy_json(deployment["spec"])
        template = spec["template"]
        labels = template.setdefault("metadata", {}).setdefault("labels", {})
        labels[_HASH_LABEL] = digest
        selector = spec["selector"]
        selector.setdefault("matchLabels", {})[_HASH_LABEL] = digest
        self._store.create(
            ("apps", "replicasets", deployment["metadata"]["namespace"], name),
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "metadata": {"labels": dict(labels), "ownerReferences": [_owner(deployment)]},
                "spec": {
                    "replicas": spec.get("replicas", 1),
                    "selector": selector,
                    "template": template,
                },
            },
        )

    def _pods_of(self, deployment: Object) -> list[Object]:
        return [
            pod
            for replica_set in self._of("replicasets", deployment)
            for pod in self._of("pods", replica_set)
        ]

    def _sync_replica_set(self, replica_set: Object) -> None:
        metadata = replica_set["metadata"]
        if "deletionTimestamp" in metadata:
            return
        pods = [
            pod
            for pod in self._of("pods", replica_set)
            if "deletionTimestamp" not in pod["metadata"]
            and pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")
        ]
        wanted = replica_set["spec"].get("replicas", 1)
        for pod in pods[wanted:]:
            self._store.delete(_key(pod, "", "pods"))
        for _ in range(wanted - len(pods)):
            self._create_pod(replica_set)
        self._report(replica_set, "replicasets", self._of("pods", replica_set))

    def _create_pod(self, replica_set: Object) -> None:
        metadata, template = replica_set["metadata"], copy_json(replica_set["spec"]["template"])
        name = generated_name(f"{metadata['name']}-", self._random)
        given = template.get("metadata") or {}
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "generateName": f"{metadata['name']}-",
                "ownerReferences": [_owner(replica_set)],
                **{field: given[field] for field in ("labels", "annotations") if field in given},
            },
            "spec": template["spec"],
            "status": {"phase": "Pending"},
        }
        self._store.create(("", "pods", metadata["namespace"], name), pod, generation=None)

    def _sync_pod(self, pod: Object, nodes: list[str]) -> None:
        if "deletionTimestamp" in pod["metadata"]:
            return
        if pod.get("status", {}).get("phase", "Pending") != "Pending" or not nodes:
            return
        pod["spec"].setdefault("nodeName", self._random.choice(nodes))
        started = timestamp(self._now())
        pod["status"] = {
            "phase": "Running",
            "podIP": f"10.0.{self._random.randint(1, 254)}.{self._random.randint(1, 254)}",
            "startTime": started,
            "conditions": [
                {"type": kind, "status": "True", "lastTransitionTime": started}
                for kind in ("Initialized", "Ready", "ContainersReady", "PodScheduled")
            ],
            "containerStatuses": [
                {
                    "name": container["name"],
                    "image": container.get("image", ""),
                    "ready": True,
                    "started": True,
                    "restartCount": 0,
                    "state": {"running": {"startedAt": started}},
                }
                for container in pod["spec"].get("containers") or ()
            ],
        }
        self._store.update(_key(pod, "", "pods"), pod)

    def _report(self, owner: Object, resource: str, pods: list[Object]) -> None:
        ready = sum(is_ready(pod) for pod in pods)
        key = _key(owner, "apps", resource)
        stored = self._store.get(key)
        if stored is None:
            return
        stored["status"] = {
            "observedGeneration": stored["metadata"].get("generation", 1),
            "replicas": len(pods),
            "readyReplicas": ready,
            "availableReplicas": ready,
        }
        if resource == "deployments":
            stored["status"]["updatedReplicas"] = len(pods)
        self._store.update(key, stored)

    def _of(self, resource: str, owner: Object) -> list[Object]:
        """What an owner owned when this round began; what has been made since comes next round."""
        return self._owned[resource].get(owner["metadata"]["uid"], [])


def _by_owner(objects: list[Object]) -> dict[str, list[Object]]:
    owned: dict[str, list[Object]] = {}
    for obj in objects:
        for reference in obj["metadata"].get("ownerReferences") or ():
            owned.setdefault(reference["uid"], []).append(obj)
    return owned


def _key(obj: Object, group: str, resource: str) -> tuple[str, str, str, str]:
    return group, resource, obj["metadata"]["namespace"], obj["metadata"]["name"]


def _owner(obj: Object) -> dict[str, Any]:
    return {
        "apiVersion": obj["apiVersion"],
        "kind": obj["kind"],
        "name": obj["metadata"]["name"],
        "uid": obj["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def is_ready(pod: Object) -> bool:
    """Tell whether a pod serves."""
    return any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for condition in pod.get("status", {}).get("conditions") or ()
    )


def set_ready(pod: Object, *, ready: bool) -> None:
    """Make a pod, given as a copy, ready or not, all its containers included."""
    status = pod.setdefault("status", {})
    for condition in status.get("conditions") or ():
        if condition["type"] in ("Ready", "ContainersReady"):
            condition["status"] = "True" if ready else "False"
    for container in status.get("containerStatuses") or ():
        container["ready"] = ready


def restart_container(pod: Object, name: str) -> None:
    """Count a restart of one container of a pod, given as a copy."""
    for container in pod.get("status", {}).get("containerStatuses") or ():
        if container["name"] == name:
            container["restartCount"] = container.get("restartCount", 0) + 1
