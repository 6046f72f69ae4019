"""The AWS provider: opens sessions and finds the marks that are left on resources."""

from __future__ import annotations

from collections.abc import Callable

from bridge.settings import Settings
from providers.aws.marks import found_marks
from providers.aws.session import AwsSession, Connections
from providers.contract import Caller, Guard, MarkSearch, Peer, Provider


class AwsProvider(Provider):
    """Faults in AWS, made as the experiment's role; endpoints by the standard environment."""

    def __init__(self, settings: Settings, peer: Peer | None = None) -> None:  # noqa: ARG002 - AWS needs no other cloud
        """Open nothing yet."""
        self._connections = Connections(settings.cloud_threads)

    async def session(
        self,
        caller: Caller,
        guard: Guard | None,
        wake: Callable[[], None] | None = None,  # noqa: ARG002 - AWS tells us nothing by itself
    ) -> AwsSession:
        """Open a session; the role is assumed with its first call."""
        self._connections.warm_up(caller)
        return AwsSession(caller, guard, self._connections)

    async def find_marks(self, caller: Caller) -> MarkSearch:
        """Find every mark on instances and volumes of the caller's account and Region."""
        return MarkSearch(await found_marks(await self.session(caller, None)))

    async def close(self) -> None:
        """Wait for the calls under way (under a minute), then let go of threads and connections."""
        await self._connections.close()
