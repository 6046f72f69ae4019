"""As whom the bridge acts for an identity in each cloud, and through whom it becomes that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.model.scope import Scope
from bridge.settings import Settings
from iam.identities import as_known_in, unmapped
from providers.chains import first_match, through
from providers.contract import Caller


@dataclass(frozen=True)
class Acting:
    """What the settings say about one template's identity."""

    others: Mapping[str, str] = field(default_factory=dict)
    """The identity in other clouds: ``gcp`` and ``azure``."""
    through: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """``aws`` and ``gcp``: the identities to become before, the first one by the bridge itself."""
    external_ids: Mapping[str, str] = field(default_factory=dict)
    """What is said when a role is assumed, by role, where something was agreed."""
    source_identity: bool = False
    """Whether AWS is told who started a run."""
    clusters: tuple[tuple[str, str], ...] = ()
    """Patterns of clusters in which the identity shows a token of ``gcp`` or ``azure``."""

    def cloud_of(self, cluster: str) -> str:
        """Return whose token is shown in a cluster; empty where it is none."""
        return first_match(self.clusters, cluster) or ""


def acting(settings: Settings, scope: Scope, identity: str) -> Acting:
    """Read the settings for the identity of a template in a scope."""
    caller = Caller(scope, identity, "reader", settings.installation)
    others = {
        cloud: as_known_in(settings, cloud, caller).identity or ""
        for cloud in ("gcp", "azure")
        if unmapped(settings, cloud, scope.cloud, identity) is None
    }
    roles = (*through(settings.aws_chains, identity), identity)
    chains = {"aws": roles[:-1], "gcp": through(settings.gcp_delegates, others.get("gcp", ""))}
    agreed = {role: first_match(settings.aws_external_ids, role) for role in roles}
    return Acting(
        others,
        {cloud: chain for cloud, chain in chains.items() if chain},
        {role: external for role, external in agreed.items() if external},
        settings.aws_source_identity,
        settings.cluster_tokens,
    )
