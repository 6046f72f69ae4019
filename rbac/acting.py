"""As whom the bridge acts in clusters of a kubeconfig: what the mapping file says of its runs."""

from __future__ import annotations

import logging
import os
from collections import OrderedDict
from pathlib import Path
from typing import Final

from bridge.model.identifiers import is_experiment_id
from bridge.model.problem import InvalidDocumentError
from providers.contract import AccessDeniedError, ProviderError
from providers.kubernetes.impersonation import ClusterIdentity
from rbac.mapping import IdentityMapping, UnmappableError
from rbac.mapping_file import read_mapping_file
from rbac.principals import CloudPrincipal

SELF: Final = "self"
"""The principal of a run whose template names no identity."""
_RUNS: Final = 4096
"""Runs whose identities are remembered; one more forgets the one that asked longest ago."""

_Version = tuple[int, int, int]

_log = logging.getLogger(__name__)


class MappedIdentities:
    """Answers the Kubernetes provider from the file, which is read again when it has changed.

    A run stays who it was, as long as this process lives: an entry that is taken away, or a file
    that cannot be read any more, must not keep it from undoing.
    """

    def __init__(self, path: Path) -> None:
        """Read nothing yet."""
        self._path = path
        self._version: _Version | None = None
        self._mapping: IdentityMapping | None = None
        self._acted: OrderedDict[tuple[str, str, str | None], ClusterIdentity] = OrderedDict()

    def __call__(self, cluster: str, identity: str | None, *, run: str) -> ClusterIdentity | None:
        """Return as whom an identity acts; None is the context's own user.

        That is so in a cluster of which the file says nothing, and for the bridge itself: its
        looking around, and what `rescue` undoes of runs without an identity. Raises
        AccessDeniedError where the file speaks of the cluster but not of the identity, and
        ProviderError where the file cannot be used.
        """
        key = (run, cluster, identity)
        if (acted := self._acted.get(key)) is not None:
            self._acted.move_to_end(key)
            return acted
        found = self._found(cluster, identity, of_a_run=bool(run))
        if found is not None and is_experiment_id(run):
            self._acted[key] = found
            if len(self._acted) > _RUNS:
                self._acted.popitem(last=False)
        return found

    def _found(
        self, cluster: str, identity: str | None, *, of_a_run: bool
    ) -> ClusterIdentity | None:
        mapping = self._read()
        if not mapping.governs(cluster):
            return None
        try:
            found = mapping.impersonated(CloudPrincipal(identity or SELF), cluster)
        except UnmappableError as error:
            raise AccessDeniedError(f"{self._path}: {error}", code="NoIdentity") from None
        if found is None and (identity is not None or of_a_run):
            who = identity or f"a run without an identity ({SELF})"
            msg = (
                f"{who} is mapped to no user of cluster {cluster}; add it to {self._path}, as "
                "`faultbridge rbac map` does"
            )
            raise AccessDeniedError(msg, code="NoIdentity")
        return found

    def _read(self) -> IdentityMapping:
        """Return what the file says now; what it said last where it cannot be read any more."""
        version = self._looked_at()
        if self._mapping is not None and version == self._version:
            return self._mapping
        try:
            self._mapping = read_mapping_file(self._path)
        except InvalidDocumentError as error:
            self._keep(f"{self._path}: {error}", version)
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is not UTF-8"
            self._keep(f"{self._path} cannot be read ({why})", version)
        self._version = version
        if self._mapping is None:
            raise AssertionError
        return self._mapping

    def _keep(self, problem: str, version: _Version | None) -> None:
        """Go on by what the file said before, loudly and once. Raises ProviderError without it."""
        if self._mapping is None:
            raise ProviderError(problem, code="ClusterIdentities") from None
        if version != self._version:
            _log.error("%s; what it said before still holds", problem)

    def _looked_at(self) -> _Version | None:
        try:
            found = os.stat(self._path)  # noqa: PTH116 - follows the link that a ConfigMap is
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
