"""A cluster in virtual time: the estate, its controllers, and a clock that tests move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from bridge.sandbox.kubernetes.cluster import SandboxCluster
from bridge.sandbox.kubernetes.objects import Key, Object

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

DELAY: dict[str, Any] = {
    "action": "delay",
    "delay": {"latency": "90ms"},
    "duration": "180s",
    "mode": "one",
    "selector": {"labelSelectors": {"name": "carts"}, "namespaces": ["sock-shop"]},
}


class World:
    """Everything that a test of the simulation touches."""

    def __init__(self, seed: int = 1) -> None:
        self.now = START
        self.cluster = SandboxCluster(
            now=lambda: self.now,
            random=Random(seed),  # noqa: S311 - makes a test repeatable
            history=100_000,
        )
        self.store = self.cluster.store
        self.chaos = self.cluster.chaos
        self.settle = self.cluster.settle

    def advance(self, **time: float) -> None:
        """Let time pass, stopping at every deadline on the way."""
        end = self.now + timedelta(**time)
        due = self.settle()
        while due is not None and due <= end:
            self.now = max(due, self.now)
            due = self.settle()
        self.now = end
        self.settle()

    def create(
        self,
        kind: str = "NetworkChaos",
        spec: dict[str, Any] | None = None,
        *,
        name: str = "fault",
        **metadata: Any,
    ) -> Key:
        key = Key("chaos-mesh.org", kind.lower(), "default", name)
        body = {
            "apiVersion": "chaos-mesh.org/v1alpha1",
            "kind": kind,
            "metadata": {"name": name, **metadata},
            "spec": DELAY if spec is None else spec,
        }
        self.cluster.emulator.install(body)
        return key

    def read(self, key: Key) -> Object:
        found = self.store.get(key)
        assert found is not None, f"{key} is gone"
        return found

    def annotate(self, key: tuple[str, str, str, str], name: str, value: str) -> None:
        obj = self.store.get(key)
        assert obj is not None
        obj["metadata"].setdefault("annotations", {})[name] = value
        self.store.update(key, obj)

    def records(self, key: Key) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.read(key)["status"]["experiment"]["containerRecords"]
        return found

    def phases(self, key: Key) -> set[str]:
        return {record["phase"] for record in self.records(key)}

    def conditions(self, key: Key) -> dict[str, str]:
        return conditions(self.read(key))

    def versions(self, key: Key) -> list[Object]:
        """Every state that a watch of this object would have shown, in order."""
        states = []
        version = self.store.oldest
        while (change := self.store.change_after(version)) is not None:
            version = change.version
            if change.key == key:
                states.append(change.object)
        return states

    def events(self, key: Key) -> list[tuple[str, str, str]]:
        """(type, reason, message) of the events about an object, in order of writing."""
        found = [
            event
            for event in self.store.list("", "events", key.namespace)
            if event["involvedObject"]["name"] == key.name
        ]
        found.sort(key=lambda event: int(event["metadata"]["resourceVersion"]))
        return [(event["type"], event["reason"], event["message"]) for event in found]

    def pods(self, name: str = "") -> list[str]:
        return [
            pod["metadata"]["name"]
            for pod in self.store.list("", "pods", "sock-shop")
            if not name or pod["metadata"]["labels"]["name"] == name
        ]

    def pod(self, name: str) -> Object:
        [pod] = [
            pod
            for pod in self.store.list("", "pods", "sock-shop")
            if pod["metadata"]["labels"]["name"] == name
        ]
        return pod

    def suffering(self) -> dict[str, list[str]]:
        """Which pods suffer from what: label `name` → actions, or kinds where there is none."""
        found = {}
        for pod in self.store.list("", "pods", "sock-shop"):
            metadata = pod["metadata"]
            effects = self.chaos.active("sock-shop", metadata["name"])
            if effects:
                found[metadata["labels"]["name"]] = [each.action or each.kind for each in effects]
        return found


def conditions(chaos: Object) -> dict[str, str]:
    return {each["type"]: each["status"] for each in chaos["status"].get("conditions", ())}


@pytest.fixture
def world() -> World:
    return World()
