"""The cluster as the sandbox hands it over: definitions, rights, nodes and the Sock Shop.

The manifests are plain YAML beside this module. The rights of the experiment's role are those
of the published walk-through of FIS with Chaos Mesh, as they are.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml

from bridge.sandbox.kubernetes.chaos_mesh_crds import definitions

if TYPE_CHECKING:
    from bridge.sandbox.kubernetes.server import KubernetesEmulator

EXPERIMENT_ROLE_ARN = "arn:aws:iam::123456789012:role/my-fis-role"
"""The role that `manifests/experiment-role.yaml` maps."""

SHOP_NAMESPACE = "sock-shop"

_FILES = ("rbac", "cluster", "experiment-role", "sock-shop", "chaos-mesh")


@cache
def manifests(name: str) -> tuple[dict[str, Any], ...]:
    """Read the objects of a manifest file: "rbac", "cluster", "sock-shop" and so on.

    All callers share them: copy before changing.
    """
    text = (files(__package__) / "manifests" / f"{name}.yaml").read_text("utf-8")
    return tuple(yaml.safe_load_all(text))


def install(emulator: KubernetesEmulator) -> None:
    """Put the whole estate into an empty cluster, which need not run yet.

    Deployments become pods once `Workloads` runs over the emulator's store. Raises ApiError
    where one of the objects exists already.
    """
    emulator.install(*definitions())
    for name in _FILES:
        emulator.install(*manifests(name))
