"""One caller's way into clusters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from providers.contract import Caller, Guard
from providers.kubernetes.cluster import Cluster
from providers.kubernetes.resource import CustomResource
from providers.kubernetes.watches import Watches

Connect = Callable[[Caller, Guard | None, str], Awaitable[Cluster]]


@dataclass(frozen=True)
class KubernetesSession:
    """What a fault is given to act with."""

    caller: Caller
    guard: Guard | None
    wake: Callable[[], None] | None
    connect: Connect
    watches: Watches

    async def cluster(self, cluster_id: str) -> Cluster:
        """Connect to a cluster: an EKS cluster's ARN, or ``k8s:context/NAME``.

        Raises ProviderError when there is no such cluster or it cannot be found out.
        """
        return await self.connect(self.caller, self.guard, cluster_id)

    def follow(self, cluster: Cluster, resource: CustomResource) -> None:
        """Be woken when the resource changes, as far as the identity may watch."""
        if self.wake is not None:
            self.watches.follow(self.caller, cluster, resource, self.wake)

    def forget(self, resource: CustomResource) -> None:
        """Be woken no more by a resource that is gone."""
        self.watches.forget(self.caller, resource)
