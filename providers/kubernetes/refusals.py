"""What the API server refuses, in FIS's words where it has some, with the cause and the mend."""

from __future__ import annotations

from typing import Final

from providers.contract import Outcome, OutcomeKind
from providers.kubernetes.access import LONGEST_REASON, NOT_AUTHORIZED, unmapped
from providers.kubernetes.api import ApiError
from providers.kubernetes.cluster import Cluster
from providers.kubernetes.resource import CHAOS_MESH, LITMUS, CustomResource

_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_ADMISSION: Final = (
    "admission webhook ",
    "because it is being terminated",
    "exceeded quota: ",
    "failed quota: ",
)
_CHAOS_RIGHTS: Final = 'admission webhook "vauth.kb.io"'
"""Of Chaos Mesh's webhooks the one that asks for rights, in the namespaces of the selectors."""
_PRODUCTS: Final = {CHAOS_MESH: "Chaos Mesh", LITMUS: "Litmus"}


def rejected(reason: str) -> Outcome:
    """Return the outcome of what was certainly not carried out."""
    short = reason if len(reason) <= LONGEST_REASON else reason[: LONGEST_REASON - 1] + "…"
    return Outcome(OutcomeKind.REJECTED, short)


def refusal(cluster: Cluster, doing: str, error: ApiError) -> str:
    """Return the reason why the API server did not carry a request out.

    ``doing`` is FIS's verb: ``inject``, ``get`` or ``delete``.
    """
    start = f"Unable to {doing} custom resource:"
    if error.status == _UNAUTHORIZED:
        return f"{start} {unmapped(cluster).reason}"
    if error.status == _FORBIDDEN and not by_admission(str(error)):
        who = cluster.principal or "the context's user"
        return f"{start} {NOT_AUTHORIZED} Cluster {cluster.name} answered {who}: {error}"
    return f"{start} Kubernetes API returned status code {error.status}. {error}"


def by_admission(message: str) -> bool:
    """Whether a 403 is no lack of rights: a quota, a namespace that goes, a webhook's judgement.

    The API server says all of them with the same status and reason.
    """
    if _CHAOS_RIGHTS in message:
        return False
    return any(words in message for words in _ADMISSION)


def not_served(cluster: Cluster, resource: CustomResource) -> str:
    """Return the reason when the cluster does not serve the resource's group and version."""
    product = _PRODUCTS.get(resource.group)
    what = f"{product} ({resource.api_version})" if product else f"The API {resource.api_version}"
    return (
        f"Unable to get custom resource: Unexpected status. {what} is not installed in cluster "
        f"{cluster.name}; install it, or choose another cluster."
    )


def no_kind(cluster: Cluster, resource: CustomResource, served: list[str]) -> str:
    """Return the reason when the group is served but not this kind."""
    return (
        f"Unable to get custom resource: Unexpected status. Cluster {cluster.name} serves no "
        f"namespaced kind {resource.kind} in {resource.api_version}, but "
        f"{', '.join(sorted(served)) or 'none at all'}."
    )
