"""As whom the bridge acts in clusters of a kubeconfig: what the mapping file says of its runs."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Final

from bridge.model.problem import InvalidDocumentError
from providers.contract import AccessDeniedError, ProviderError
from providers.kubernetes.impersonation import ClusterIdentity
from rbac.mapping import IdentityMapping, UnmappableError
from rbac.mapping_file import read_mapping_file
from rbac.principals import CloudPrincipal

SELF: Final = "self"
"""The principal of a run whose template names no identity."""


class MappedIdentities:
    """Answers the Kubernetes provider from the file, which is read with the first question."""

    def __init__(self, path: Path) -> None:
        """Read nothing yet."""
        self._path = path

    @cached_property
    def _mapping(self) -> IdentityMapping:
        try:
            return read_mapping_file(self._path)
        except InvalidDocumentError as error:
            raise ProviderError(f"{self._path}: {error}", code="ClusterIdentities") from None
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is not UTF-8"
            msg = f"{self._path} cannot be read ({why})"
            raise ProviderError(msg, code="ClusterIdentities") from None

    def __call__(
        self, cluster: str, identity: str | None, *, of_a_run: bool
    ) -> ClusterIdentity | None:
        """Return as whom an identity acts; None is the context's own user.

        That is so in a cluster of which the file says nothing, and for the bridge itself: its
        looking around, and what `rescue` undoes of runs without an identity. Raises
        AccessDeniedError where the file speaks of the cluster but not of the identity, and
        ProviderError where the file cannot be used.
        """
        if not self._mapping.governs(cluster):
            return None
        try:
            found = self._mapping.impersonated(CloudPrincipal(identity or SELF), cluster)
        except UnmappableError as error:
            raise AccessDeniedError(f"{self._path}: {error}", code="NoIdentity") from None
        if found is None and (identity is not None or of_a_run):
            who = identity or f"a run without an identity ({SELF})"
            msg = (
                f"{who} is mapped to no user of cluster {cluster}; add it to {self._path}, as "
                "`faultbridge rbac map` prints"
            )
            raise AccessDeniedError(msg, code="NoIdentity")
        return found
