"""The fault that is a custom resource, in a cluster with Chaos Mesh and a clock set by hand."""

from __future__ import annotations

import json
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any, ClassVar, Final

from bridge.model.record import Record
from bridge.model.scope import Scope
from bridge.sandbox.calls import Call
from bridge.sandbox.clock import VirtualClock
from bridge.sandbox.kubernetes.chaos_mesh_misbehaviour import MISBEHAVE_ANNOTATION
from bridge.sandbox.kubernetes.cluster import SandboxCluster
from bridge.sandbox.kubernetes.objects import Object
from bridge.settings import Settings
from providers.contract import Caller, Effect, OutcomeKind, Resource
from providers.kubernetes.kubeconfig import CONTEXT_PREFIX
from providers.kubernetes.provider import KubernetesProvider
from providers.kubernetes.resource import CustomResource
from tests.trial.rig import ACTION, EXPERIMENT, INSTALLATION, Rig, World

_READS: Final = ("get", "list", "watch")
_MINUTES: Final = 300
"""Seconds, longer than the chaos lasts."""


class ClusterWorld(World):
    """The sandbox's cluster, its controllers driven by hand, as its administrator."""

    refusal = ("Forbidden", 403)
    repeats = "the provider repeats no request: the engine looks first, and then asks again"

    cluster: SandboxCluster

    @asynccontextmanager
    async def fresh(self) -> AsyncIterator[None]:
        """Build a cluster, which belongs to the loop of the test."""
        self.clock = VirtualClock()
        random = Random(1)  # noqa: S311 - repeatable, no secret
        self.cluster = SandboxCluster(now=self.clock, random=random)
        self.emulator = self.cluster.emulator
        async with self.cluster.emulator:
            with tempfile.NamedTemporaryFile("w", suffix=".json") as kubeconfig:
                json.dump(self.cluster.admin_kubeconfig(), kubeconfig)
                kubeconfig.flush()
                self._kubeconfig = Path(kubeconfig.name)
                self.provider = self.open_provider()
                yield
                await self.provider.close()

    def open_provider(self) -> KubernetesProvider:
        """Open one with the administrator's kubeconfig."""
        return KubernetesProvider(Settings(installation=INSTALLATION, kubeconfig=self._kubeconfig))

    @property
    def caller(self) -> Caller:
        """The context's own user; a scope without EKS."""
        scope = Scope(cloud="gcp", account="nowhere", region="global")
        return Caller(scope, None, EXPERIMENT, INSTALLATION)

    def is_read(self, call: Call) -> bool:
        """By the verb; a review of oneself creates nothing."""
        return call.operation.split()[0] in _READS or not call.rights

    def state(self) -> object:
        """Return the version of the last change of anything."""
        return self.cluster.store.version

    def settle(self) -> None:
        """Let the controllers do what is due; five virtual seconds pass."""
        self.cluster.settle()
        self.clock.advance(5)
        self.cluster.settle()

    def elapse(self, seconds: float) -> None:
        """Let the controllers do what is due, before and after."""
        self.cluster.settle()
        self.clock.advance(seconds)
        self.cluster.settle()

    def expire(self) -> None:
        """Let the duration of the chaos pass."""
        self.cluster.settle()
        self.clock.advance(_MINUTES)
        self.cluster.settle()


class InjectCustomResource(Rig):
    """A NetworkChaos on one pod of the shop, each in a namespace of its own."""

    fault = "aws:eks:inject-kubernetes-custom-resource"
    world = ClusterWorld
    at: ClusterWorld
    parameters: ClassVar = {
        "kubernetesApiVersion": "chaos-mesh.org/v1alpha1",
        "kubernetesKind": "NetworkChaos",
        "kubernetesNamespace": "trial-0",
        "kubernetesSpec": {
            "action": "delay",
            "delay": {"latency": "90ms"},
            "duration": "180s",
            "mode": "one",
            "selector": {"labelSelectors": {"name": "carts"}, "namespaces": ["sock-shop"]},
        },
        "maxDuration": "PT5M",
    }
    effects = ("create networkchaos",)
    undoings = ("delete networkchaos",)
    # It is the namespace that goes before the fault, and the resource that goes during it.
    gone_before = OutcomeKind.REJECTED
    gone_during = (Effect.ABSENT, OutcomeKind.DONE)
    no_faulted_state = "the resource is the fault's own, under a name that no other has"
    no_foreign_marks = "the resource of another run has another name"
    no_resource = "a creation names nothing that exists"

    def build(self, count: int) -> list[Resource]:
        """Name the one cluster that an action takes, and make its namespace."""
        self._add_namespace("trial-0")
        return [Resource("aws:eks:cluster", f"{CONTEXT_PREFIX}emulator")]

    def actions(self, count: int) -> dict[str, tuple[list[Resource], dict[str, Any]]]:
        """Return as many actions, each in a namespace of its own."""
        cluster = self.build(1)
        names = [f"trial-{number}" for number in range(count)]
        for name in names:
            self._add_namespace(name)
        return {f"{ACTION}-{name}": (cluster, {"kubernetesNamespace": name}) for name in names}

    def records(self, count: int) -> list[Record]:
        """Make the records of as many actions, since each makes one resource."""
        cluster = self.build(1)
        return [self._record(cluster, number) for number in range(count)]

    def _record(self, cluster: Sequence[Resource], number: int) -> Record:
        namespace = f"trial-{number}"
        self._add_namespace(namespace)
        wanted = self.given.model_copy(update={"kubernetes_namespace": namespace})
        given, self.given = self.given, wanted
        (record,) = self.records_of(cluster, f"{ACTION}-{number}")
        self.given = given
        return record

    def _add_namespace(self, name: str) -> None:
        if self.at.cluster.store.get(("", "namespaces", "", name)) is None:
            self.at.cluster.emulator.install(
                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            )

    def found(self, record: Record) -> Object | None:
        """Return the resource as it is in the cluster."""
        return self.at.cluster.store.get(self._key(record))

    def _key(self, record: Record) -> tuple[str, str, str, str]:
        named = CustomResource.model_validate(record.state)
        return named.group, named.kind.lower(), named.namespace, named.name

    def snapshot(self, record: Record) -> object:
        """Return the resource (none, before and after) and what it does to the pods."""
        _, _, namespace, name = self._key(record)
        return self.found(record), [
            effect
            for pod in self.at.cluster.store.list("", "pods", "sock-shop")
            for effect in self.at.cluster.chaos.active("sock-shop", pod["metadata"]["name"])
            if (effect.namespace, effect.name) == (namespace, name)
        ]

    def trace(self, record: Record) -> object:
        """Return which resource it is, and how often it acted on which pods."""
        found = self.found(record)
        return found and (found["metadata"]["uid"], found["spec"], self._targets(found))

    def is_faulted(self, record: Record) -> bool:
        """Whether a pod suffers from it."""
        found = self.found(record)
        return found is not None and any(
            target["phase"] == "Injected" for target in self._targets(found)
        )

    @staticmethod
    def _targets(found: Object) -> list[Any]:
        experiment = found.get("status", {}).get("experiment", {})
        targets: list[Any] = experiment.get("containerRecords") or []
        return targets

    def remove(self, record: Record) -> None:
        """Let the resource vanish, or its namespace before there is one."""
        if self.at.cluster.store.vanish(self._key(record)) is None:
            self.at.cluster.store.vanish(("", "namespaces", "", self._key(record)[2]))

    def mend(self, record: Record) -> None:
        """Let the controller recover it after all."""
        found = self.found(record)
        if found is not None:
            del found["metadata"]["annotations"][MISBEHAVE_ANNOTATION]
            self.at.cluster.store.update(self._key(record), found)


RIGS: Final[tuple[type[Rig], ...]] = (InjectCustomResource,)
