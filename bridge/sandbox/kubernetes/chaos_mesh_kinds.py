"""The chaos kinds of Chaos Mesh as its controllers treat them, in one table.

From Chaos Mesh 2.8's API types; names and one-shot actions are those of `providers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from providers.kubernetes.specs import KINDS

GROUP = "chaos-mesh.org"


@dataclass(frozen=True)
class ChaosKind:
    """One of the 14 kinds that inject a fault.

    `targets`: what a record stands for. `asks_daemon`: injection and recovery take one more
    round, with a phase of their own, since another resource is written first. `instances`: the
    kind keeps `status.instances`.
    """

    name: str
    targets: Literal["pods", "containers", "cloud", "machines"]
    asks_daemon: bool = False
    instances: bool = False

    @property
    def resource(self) -> str:
        """The plural in URLs and keys."""
        return KINDS[self.name].plural

    def is_one_shot(self, spec: Mapping[str, Any]) -> bool:
        """Tell whether this spec's action is done once: no pause, no duration, no undoing."""
        return spec.get("action") in KINDS[self.name].one_shot

    def of_containers(self, spec: Mapping[str, Any]) -> bool:
        """Tell whether this spec's records stand for containers rather than pods."""
        if self.name == "PodChaos":
            return spec.get("action") == "container-kill"
        return self.targets == "containers"


_KINDS = (
    ChaosKind("AWSChaos", "cloud"),
    ChaosKind("AzureChaos", "cloud"),
    ChaosKind("BlockChaos", "containers"),
    ChaosKind("DNSChaos", "containers"),
    ChaosKind("GCPChaos", "cloud"),
    ChaosKind("HTTPChaos", "pods", asks_daemon=True, instances=True),
    ChaosKind("IOChaos", "containers", asks_daemon=True, instances=True),
    ChaosKind("JVMChaos", "containers"),
    ChaosKind("KernelChaos", "pods"),
    ChaosKind("NetworkChaos", "pods", asks_daemon=True, instances=True),
    ChaosKind("PhysicalMachineChaos", "machines"),
    ChaosKind("PodChaos", "pods"),
    ChaosKind("StressChaos", "containers", instances=True),
    ChaosKind("TimeChaos", "containers"),
)

CHAOS_KINDS: Mapping[str, ChaosKind] = {kind.name: kind for kind in _KINDS}
"""By kind, as in `kind: NetworkChaos`."""

CHAOS_RESOURCES: Mapping[str, ChaosKind] = {kind.resource: kind for kind in _KINDS}
"""By plural, as in the key of an object."""
