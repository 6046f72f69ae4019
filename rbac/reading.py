"""Reading what decides in a cluster, with the caller's own rights; what is refused is told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from providers.contract import ProviderError
from providers.kubernetes.api import DeniedError
from providers.kubernetes.cluster import Cluster
from rbac.rights import RbacObjects

RBAC: Final = "/apis/rbac.authorization.k8s.io/v1"
_PAGES: Final = 200
"""Of 500 objects each: more than any cluster has."""
_FORBIDDEN: Final = 403


async def read_rbac(  # noqa: C901 - one way of reading, for all or for some namespaces
    cluster: Cluster, namespaces: Sequence[str] = ()
) -> RbacObjects:
    """Read roles and bindings. Never raises for one kind: what cannot be read is listed.

    ``namespaces`` are looked into one by one where the caller may not list the whole cluster.
    Raises ProviderError where the cluster knows the caller not at all, or cannot be reached.
    """
    unread: list[str] = []

    async def listed(plural: str, where: str = "") -> list[dict[str, Any]]:
        place = f"/namespaces/{where}" if where else ""
        answer = await cluster.select(f"{RBAC}{place}/{plural}", pages=_PAGES)
        return list(answer.body["items"])

    async def wide(plural: str) -> list[dict[str, Any]]:
        try:
            return await listed(plural)
        except DeniedError as error:
            if error.status != _FORBIDDEN:
                raise
            unread.append(f"{plural}: {error}")
            return []

    async def local(plural: str) -> list[dict[str, Any]]:
        try:
            return await listed(plural)
        except DeniedError as error:
            if error.status != _FORBIDDEN:
                raise
            if not namespaces:
                unread.append(f"{plural} of all namespaces: {error}; name some by --namespace")
                return []
        found = []
        for namespace in namespaces:
            try:
                found += await listed(plural, namespace)
            except ProviderError as error:
                unread.append(f"{plural} of namespace {namespace}: {error}")
        unread.append(f"{plural} of namespaces other than {', '.join(namespaces)}: not looked into")
        return found

    roles, cluster_roles, bindings, cluster_bindings = await asyncio.gather(
        local("roles"), wide("clusterroles"), local("rolebindings"), wide("clusterrolebindings")
    )
    return RbacObjects(roles, cluster_roles, bindings, cluster_bindings, tuple(sorted(unread)))
