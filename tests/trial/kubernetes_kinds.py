"""Kinds whose chaos is another's: a Workflow's nodes, a Schedule's runs, Litmus' experiments.

The fault has a rig of its own (`kubernetes_rigs`), which stands for it wherever every fault is put
to the trial; these are for what differs with the kind, the orderly stop before the removal.
"""

from __future__ import annotations

from typing import Any, ClassVar

from bridge.model.record import Record
from bridge.sandbox.kubernetes.objects import Object
from providers.kubernetes.resource import CustomResource
from tests.trial.kubernetes_rigs import InjectCustomResource

_DELAY: dict[str, Any] = {
    "action": "delay",
    "delay": {"latency": "90ms"},
    "mode": "one",
    "selector": {"labelSelectors": {"name": "carts"}, "namespaces": ["sock-shop"]},
}


class _OfParts(InjectCustomResource):
    """A kind that makes others: whoever suffers, suffers from one in the record's namespace."""

    kind: ClassVar[str]
    plural: ClassVar[str]
    group: ClassVar[str] = "chaos-mesh.org"

    def _key(self, record: Record) -> tuple[str, str, str, str]:
        named = CustomResource.model_validate(record.state)
        return self.group, self.plural, named.namespace, named.name

    def _suffering(self, record: Record) -> list[object]:
        namespace = self._key(record)[2]
        return [
            effect
            for pod in self.at.cluster.store.list("", "pods", "sock-shop")
            for effect in self.at.cluster.chaos.active("sock-shop", pod["metadata"]["name"])
            if effect.namespace == namespace
        ]

    def snapshot(self, record: Record) -> object:
        """Return the resource (none, before and after), what is left of its parts, and effects."""
        namespace = self._key(record)[2]
        parts = [
            key.name
            for key in self.at.cluster.store.keys()  # noqa: SIM118 - no dict
            if key.group == "chaos-mesh.org" and key.namespace == namespace
        ]
        return self.found(record), parts, self._suffering(record)

    def trace(self, record: Record) -> object:
        """Return which resource it is."""
        found = self.found(record)
        return found and (found["metadata"]["uid"], found["spec"])

    def is_faulted(self, record: Record) -> bool:
        """Whether a pod suffers from one of its parts."""
        return bool(self._suffering(record))


class Workflow(_OfParts):
    """A chaos for a minute, within a serial workflow."""

    kind = "Workflow"
    plural = "workflows"
    effects = ("create workflows",)
    undoings = ("delete workflows",)
    parameters: ClassVar = {
        **InjectCustomResource.parameters,
        "kubernetesKind": "Workflow",
        "kubernetesSpec": {
            "entry": "all",
            "templates": [
                {"name": "all", "templateType": "Serial", "deadline": "2m", "children": ["delay"]},
                {
                    "name": "delay",
                    "templateType": "NetworkChaos",
                    "deadline": "1m",
                    "networkChaos": _DELAY,
                },
            ],
        },
    }


class Schedule(_OfParts):
    """A chaos of twenty seconds, once: a second run would not fit into the action's time."""

    kind = "Schedule"
    plural = "schedules"
    effects = ("create schedules",)
    undoings = ("delete schedules",)
    parameters: ClassVar = {
        **InjectCustomResource.parameters,
        "kubernetesKind": "Schedule",
        "kubernetesSpec": {
            "schedule": "@every 50s",
            "type": "NetworkChaos",
            "networkChaos": {**_DELAY, "duration": "20s"},
        },
        "maxDuration": "PT110S",
    }


class ChaosEngine(_OfParts):
    """An experiment of a minute; Litmus' operator in the sandbox does nothing to any pod."""

    kind = "ChaosEngine"
    plural = "chaosengines"
    group = "litmuschaos.io"
    effects = ("create chaosengines",)
    undoings = ("delete chaosengines",)
    parameters: ClassVar = {
        **InjectCustomResource.parameters,
        "kubernetesApiVersion": "litmuschaos.io/v1alpha1",
        "kubernetesKind": "ChaosEngine",
        "kubernetesSpec": {
            "engineState": "active",
            "appinfo": {"appns": "sock-shop", "applabel": "name=carts", "appkind": "deployment"},
            "chaosServiceAccount": "litmus",
            "experiments": [
                {
                    "name": "pod-cpu-hog",
                    "spec": {
                        "components": {"env": [{"name": "TOTAL_CHAOS_DURATION", "value": "60"}]}
                    },
                }
            ],
        },
    }

    def _add_namespace(self, name: str) -> None:
        super()._add_namespace(name)
        key = (self.group, "chaosexperiments", name, "pod-cpu-hog")
        if self.at.cluster.store.get(key) is None:
            self.at.cluster.store.create(key, {"kind": "ChaosExperiment", "metadata": {}})

    def snapshot(self, record: Record) -> object:
        """Return the engine: none, before and after. Its results stay, as with Litmus."""
        return self.found(record)

    def is_faulted(self, record: Record) -> bool:
        """Whether its experiments run."""
        found: Object | None = self.found(record)
        return found is not None and (
            (found.get("status") or {}).get("engineStatus") == "initialized"
        )


KINDS: tuple[type[_OfParts], ...] = (Workflow, Schedule, ChaosEngine)
