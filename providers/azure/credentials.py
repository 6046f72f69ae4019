"""Whose token a call carries: the bridge's own, or that of a managed identity."""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken
    from azure.identity import (
        DefaultAzureCredential,
        ManagedIdentityCredential,
        WorkloadIdentityCredential,
    )

    Credential = DefaultAzureCredential | ManagedIdentityCredential | WorkloadIdentityCredential

SCOPE: Final = "https://management.azure.com/.default"
AKS: Final = "6dae42f8-4368-4678-94ff-3960e28e3630/.default"
"""AKS's own server application, the same in every tenant: its clusters take tokens for it only
(AKS documentation, "Use kubelogin")."""
RENEW_BEFORE: Final = 300
"""How many seconds before its end a token is replaced; azure-identity keeps its own till then."""
_LAST_MOMENT: Final = 120
"""Longer than one call takes: until then an old token serves when renewing fails."""
_IDENTITIES: Final = 512
"""How many identities are remembered; one more forgets the one used longest ago."""

_WITHIN_A_CALL: Final[dict[str, Any]] = {
    "connection_timeout": 5,
    "read_timeout": 10,
    "retry_total": 1,
    "retry_status": 1,
}
"""azure-identity would wait up to five minutes for an answer, and try for a minute and more."""


class Identity:
    """One identity's token, asked for again before it ends."""

    def __init__(self, credential: Credential, scope: str = SCOPE) -> None:
        """Ask for nothing yet."""
        self._credential = credential
        self._scope = scope
        self._lock = threading.Lock()
        self._current: AccessToken | None = None

    def token(self) -> str:
        """Return a token that outlives one call. Raises azure-identity's exceptions."""
        with self._lock:
            if self._current is None or self._left() < RENEW_BEFORE:
                try:
                    self._current = self._credential.get_token(self._scope)
                except Exception:
                    if self._current is None or self._left() < _LAST_MOMENT:
                        raise
            return self._current.token

    def close(self) -> None:
        """Disconnect from where the tokens come from."""
        with self._lock:
            self._credential.close()

    def _left(self) -> float:
        return self._current.expires_on - time.time() if self._current else 0


class Identities:
    """The identities of one process; its methods may be called from any thread."""

    def __init__(self) -> None:
        """Look for nothing yet."""
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str | None, str], Identity] = OrderedDict()

    def token(self, client_id: str | None, scope: str = SCOPE) -> str:
        """Return the token of a managed identity, None being the bridge's own.

        Raises azure-identity's exceptions.
        """
        key = (client_id, scope)
        with self._lock:
            identity = self._known.pop(key, None) or Identity(_credential(client_id), scope)
            self._known[key] = identity
            oldest = None
            if len(self._known) > _IDENTITIES:
                _, oldest = self._known.popitem(last=False)
        if oldest is not None:
            oldest.close()
        return identity.token()

    def forget(self, client_id: str | None, scope: str = SCOPE) -> None:
        """Ask for another token the next time: Azure takes this one no longer."""
        with self._lock:
            identity = self._known.pop((client_id, scope), None)
        if identity is not None:
            identity.close()

    def close(self) -> None:
        """Disconnect from where tokens come from."""
        with self._lock:
            known, self._known = list(self._known.values()), OrderedDict()
        for identity in known:
            identity.close()


def _credential(client_id: str | None) -> Credential:
    """Return the source of an identity's tokens.

    The bridge's own is looked for as by all of Azure's tools, without those that belong to a
    person's desktop; `az login` stays, for trying things out.
    """
    from azure.identity import (
        DefaultAzureCredential,
        ManagedIdentityCredential,
        WorkloadIdentityCredential,
    )

    if client_id is None:
        return DefaultAzureCredential(
            exclude_shared_token_cache_credential=True,
            exclude_visual_studio_code_credential=True,
            exclude_powershell_credential=True,
            exclude_developer_cli_credential=True,
            exclude_interactive_browser_credential=True,
            exclude_broker_credential=True,
            **_WITHIN_A_CALL,
        )
    if os.environ.get("AZURE_FEDERATED_TOKEN_FILE"):
        return WorkloadIdentityCredential(client_id=client_id, **_WITHIN_A_CALL)
    return ManagedIdentityCredential(client_id=client_id, **_WITHIN_A_CALL)
