"""A custom resource, removed by hand with kubectl."""

from __future__ import annotations

import shlex

from providers.by_hand import ByHand
from providers.kubernetes.resource import CHAOS_MESH, INSTALLATION_LABEL


def by_hand(group: str, kind: str, namespace: str) -> ByHand:
    """Return how a resource of a kind is found and deleted, and let go of if it is stuck."""
    what = shlex.quote(f"{kind.lower()}.{group}" if group else kind.lower())
    where = f"--namespace {shlex.quote(namespace)}"
    experiment = r"EXPERIMENT:.metadata.annotations.faultbridge/experiment"
    find = (
        f"kubectl get {what} {where} --selector {INSTALLATION_LABEL} "
        f"--output custom-columns=NAME:.metadata.name,{experiment}"
    )
    says = "NAME is the one beside the run's id; its controller undoes what it did."
    if group == CHAOS_MESH:
        says += (
            " If it stays for minutes, somebody must look at its targets: the annotation "
            "chaos-mesh.chaos-mesh.org/cleanFinalizer=forced lets it go, and undoes nothing."
        )
    return ByHand(
        says=says,
        undo=(find, f"kubectl delete {what} NAME {where}"),
        note=("aws eks update-kubeconfig --region {region} --name {name}",),
    )
