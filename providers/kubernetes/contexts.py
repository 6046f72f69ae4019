"""Clusters that are no EKS clusters, as targets: by the contexts of the bridge's kubeconfig."""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from bridge.model.problem import Problem
from bridge.model.scope import Scope
from bridge.model.template import TemplateTarget
from bridge.model.wording import child, quote
from providers.contract import Resolution, Resolver, Resource, TargetParameter, Where
from providers.kubernetes.kubeconfig import CONTEXT_PREFIX
from providers.kubernetes.session import KubernetesSession

_CONTEXT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:/-]{0,252}")


class ContextResolver(Resolver):
    """A cluster of GKE, AKS or any other kind, by the name of a context."""

    resource_type = "k8s:cluster"
    provider = "kubernetes"
    description = "A Kubernetes cluster, by a context of the bridge's kubeconfig"
    by_ids = False
    by_tags = False
    by_filters = False
    parameters = MappingProxyType(
        {"context": TargetParameter("Name of the context.", required=True)}
    )

    def check(self, target: TemplateTarget, path: str) -> list[Problem]:
        """Say what is wrong with the form of the context's name."""
        name = target.parameters.get("context", "")
        if not name or _CONTEXT.fullmatch(name):
            return []
        where = child(child(path, "parameters"), "context")
        message = f"{quote(name)} is no context's name; `kubectl config get-contexts` lists them"
        return [Problem(where, message)]

    def where(self, target: TemplateTarget, scope: Scope) -> Sequence[Where]:  # noqa: ARG002 - a context is of no scope
        """Name the cluster."""
        name = _cluster_id(target)
        return [Where(name, resources=(name,))]

    async def resolve(self, session: KubernetesSession, target: TemplateTarget) -> Resolution:
        """Look the context up, and become its user or the experiment's. Raises ProviderError."""
        cluster = await session.cluster(_cluster_id(target))
        context = target.parameters["context"]
        return Resolution([Resource(self.resource_type, cluster.id, {"context": context})])


def _cluster_id(target: TemplateTarget) -> str:
    return CONTEXT_PREFIX + target.parameters["context"]
