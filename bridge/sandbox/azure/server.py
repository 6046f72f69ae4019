"""An Azure subscription on loopback: Compute, Network, tags and permissions of the real API."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from bridge.sandbox.azure.application import AzureApi
from bridge.sandbox.azure.identities import (
    AKS,
    HEADER_SECRET,
    OWNER_CLIENT_ID,
    OWNER_TOKEN,
    TOKEN_PATH,
)
from bridge.sandbox.azure.stock import Stock
from bridge.sandbox.azure.subscription import Subscription
from bridge.sandbox.clock import Clock, system_clock
from bridge.sandbox.emulator import CloudEmulator


class AzureEmulator(Stock, CloudEmulator):
    """A running emulator of Azure Resource Manager, as a context manager or by ``start``.

    Azure's SDKs work against it with ``base_url`` and either a credential that reads the
    variables of ``environment`` or ``owner_token``. It listens on loopback only. Each start
    begins with an empty subscription; names are those of resources in it.
    """

    owner_token = OWNER_TOKEN
    owner_client_id = OWNER_CLIENT_ID

    def __init__(
        self,
        *,
        port: int = 0,
        clock: Clock = system_clock,
        transition_seconds: float = 1.0,
        permissions: bool = True,
        subscription: str = "00000000-0000-4000-8000-000000000001",
        lro: Literal["both", "location"] = "both",
        retry_after: int = 1,
        page_size: int = 200,
    ) -> None:
        """Describe the subscription; nothing runs before ``start``.

        ``port`` 0 takes a free one. ``transition_seconds`` is how long a change takes, and
        ``clock`` what measures it. With ``permissions`` each request is checked for its ARM
        action. ``lro`` chooses the headers of long-running operations, ``retry_after``
        (seconds) what they ask pollers to wait, ``page_size`` how long a page of a list is.
        """
        super().__init__(port=port)
        self.subscription = subscription
        self._cloud = Subscription(
            subscription, clock, transition_seconds, lro, retry_after, page_size
        )
        self._permissions = permissions

    def environment(self) -> dict[str, str]:
        """Answer the variables that point a bridge and ``ManagedIdentityCredential`` here."""
        return {
            "FAULTBRIDGE_AZURE_ENDPOINT": self.url,
            "IDENTITY_ENDPOINT": f"{self.url}{TOKEN_PATH}",
            "IDENTITY_HEADER": HEADER_SECRET,
            "AZURE_SUBSCRIPTION_ID": self.subscription,
        }

    def complete_transitions(self) -> None:
        """Finish every change of state now instead of when it is due."""
        self._cloud.complete_transitions()

    def create_identity(self, client_id: str, *, actions: Iterable[str]) -> None:
        """Make a managed identity with these ARM actions (``*`` matches any part of one).

        They are a custom role of its own, assigned at the subscription; an identity that exists
        loses all other role assignments.
        """
        with self._cloud.lock:
            identity = self._cloud.identities.create(client_id)
            self._cloud.roles.grant(identity.object_id, actions)

    def known_to_aks(self, token: str) -> str:
        """Answer the object id whose token for AKS this is, empty where it is none."""
        identity = self._cloud.identities.bearer(f"Bearer {token}", AKS)
        return identity.object_id if identity else ""

    def object_id(self, client_id: str) -> str:
        """Answer the object id of an identity, which role assignments name."""
        return self._cloud.identities.create(client_id).object_id

    def _api(self) -> AzureApi:
        return AzureApi(self._cloud, permissions=self._permissions)

    def _empty(self) -> None:
        with self._cloud.lock:
            self._cloud.clear()
