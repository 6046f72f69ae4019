"""The kinds of Chaos Mesh and Litmus: how the API names them, and how their chaos ends.

Read off the CRDs of Chaos Mesh 2.8.3 and Litmus 3.31.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

CHAOS_MESH: Final = "chaos-mesh.org"
LITMUS: Final = "litmuschaos.io"
VERSION: Final = "v1alpha1"


@dataclass(frozen=True)
class Kind:
    """One kind of custom resource.

    `chaos` is true for the kinds a user creates to break something for a time, which all take
    `spec.duration`; `one_shot` are those of their actions that happen once and ignore it.
    """

    name: str
    group: str
    plural: str
    chaos: bool = False
    namespaced: bool = True
    status_subresource: bool = False
    one_shot: frozenset[str] = frozenset()

    @property
    def api_version(self) -> str:
        """Group and version, as a resource states them."""
        return f"{self.group}/{VERSION}"


def _chaos(name: str, *one_shot: str) -> Kind:
    # Upstream's plurals of the chaos kinds are the kinds themselves.
    return Kind(name, CHAOS_MESH, name.lower(), chaos=True, one_shot=frozenset(one_shot))


def _table(kinds: Iterable[Kind]) -> Mapping[str, Kind]:
    return MappingProxyType({kind.name: kind for kind in kinds})


KINDS: Final[Mapping[str, Kind]] = _table(
    (
        _chaos("AWSChaos", "ec2-restart"),
        _chaos("AzureChaos", "vm-restart"),
        _chaos("BlockChaos"),
        _chaos("DNSChaos"),
        _chaos("GCPChaos", "node-reset"),
        _chaos("HTTPChaos"),
        _chaos("IOChaos"),
        _chaos("JVMChaos"),
        _chaos("KernelChaos"),
        _chaos("NetworkChaos"),
        _chaos("PhysicalMachineChaos"),
        _chaos("PodChaos", "pod-kill", "container-kill"),
        _chaos("StressChaos"),
        _chaos("TimeChaos"),
        Kind("PhysicalMachine", CHAOS_MESH, "physicalmachines"),
        Kind("PodHttpChaos", CHAOS_MESH, "podhttpchaos", status_subresource=True),
        Kind("PodIOChaos", CHAOS_MESH, "podiochaos", status_subresource=True),
        Kind("PodNetworkChaos", CHAOS_MESH, "podnetworkchaos", status_subresource=True),
        Kind("RemoteCluster", CHAOS_MESH, "remoteclusters", namespaced=False,
             status_subresource=True),
        Kind("Schedule", CHAOS_MESH, "schedules"),
        Kind("StatusCheck", CHAOS_MESH, "statuschecks", status_subresource=True),
        Kind("Workflow", CHAOS_MESH, "workflows", status_subresource=True),
        Kind("WorkflowNode", CHAOS_MESH, "workflownodes", status_subresource=True),
        Kind("ChaosEngine", LITMUS, "chaosengines"),
        Kind("ChaosExperiment", LITMUS, "chaosexperiments"),
        Kind("ChaosResult", LITMUS, "chaosresults"),
    )
)  # fmt: skip


def plural(kind: str) -> str:
    """The plural under which the API serves a kind. Raises KeyError for an unknown kind."""
    return KINDS[kind].plural
