"""In which clusters of a kubeconfig an experiment's identity shows a token of its own cloud."""

from __future__ import annotations

from bridge.settings import Settings
from iam.identities import as_known_in
from providers.chains import first_match
from providers.contract import AccessDeniedError, Caller, Peer, ProviderError
from providers.kubernetes.cloud_tokens import Bearer, IssuesTokens


class ClusterTokens:
    """Answers the Kubernetes provider from the settings."""

    def __init__(self, settings: Settings, peer: Peer) -> None:
        """Open no cloud yet; ``peer`` returns its provider."""
        self._settings = settings
        self._peer = peer

    def __call__(self, cluster: str, caller: Caller, *, of_a_run: bool) -> Bearer | None:
        """Return as whom the caller acts, None being the context's own user.

        That is so in clusters that no setting names, and for the bridge itself. Raises
        AccessDeniedError where the settings give the caller no identity in the cluster's cloud.
        """
        cloud = first_match(self._settings.cluster_tokens, cluster)
        if cloud is None:
            return None
        if caller.identity is None:
            if not of_a_run:
                return None
            raise AccessDeniedError(
                f"a run without an identity cannot act in cluster {cluster}, where "
                "FAULTBRIDGE_CLUSTER_TOKENS asks for a token of its own",
                code="NoIdentity",
            )
        issuer = self._peer(cloud)
        if not isinstance(issuer, IssuesTokens):
            raise ProviderError(f"{cloud} has no tokens for clusters", code="NoIdentity")
        return Bearer(as_known_in(self._settings, cloud, caller), issuer)
