"""The Google Cloud provider: opens sessions and finds the marks that are left on resources."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bridge.settings import Settings
from providers.contract import Caller, Guard, MarkSearch, Peer, Provider, RightAsked
from providers.gcp.review import foretell
from providers.gcp.search import found_marks
from providers.gcp.session import Connections, GcpSession

_NO_PROJECT = "Google Cloud: no project is set in FAULTBRIDGE_GCP_PROJECTS"


class GcpProvider(Provider):
    """Faults in Google Cloud, made as the service account that the template's role maps to."""

    def __init__(self, settings: Settings, peer: Peer | None = None) -> None:  # noqa: ARG002 - Google Cloud needs no other
        """Open nothing yet."""
        self._settings = settings
        self._connections = Connections(settings)

    async def session(
        self,
        caller: Caller,
        guard: Guard | None,
        wake: Callable[[], None] | None = None,  # noqa: ARG002 - Google tells us nothing by itself
    ) -> GcpSession:
        """Open a session; tokens are fetched with its first call."""
        self.warm()
        return GcpSession(caller, guard, self._connections)

    def warm(self) -> None:
        """Load the SDK in the background."""
        self._connections.warm_up()

    async def cluster_token(self, caller: Caller, *, renew: bool) -> str:
        """Return an access token, by which GKE knows a service account. Raises ProviderError."""
        return await self._connections.token(caller, renew=renew)

    async def foretell(self, session: Any, rights: Sequence[RightAsked]) -> None:
        """Ask the projects what the identity may do in all of them."""
        await foretell(session, rights)

    async def find_marks(self, caller: Caller) -> MarkSearch:
        """Find every mark in the projects of the settings.

        Without projects nothing is asked, and the SDK is not loaded: most bridges have no
        dealings with Google.
        """
        settings = self._settings
        if not settings.gcp_projects:
            used = settings.gcp_identities or settings.gcp_endpoint
            return MarkSearch([], (_NO_PROJECT,) if used else ())
        return await found_marks(await self.session(caller, None), settings.gcp_projects)

    async def close(self) -> None:
        """Wait for the calls under way (under a minute), then let go of threads and connections."""
        await self._connections.close()
