"""The AWS provider: opens sessions and finds the marks that are left on resources."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from bridge.settings import Settings
from providers.aws.marks import found_marks
from providers.aws.scaling_groups import found_group_marks
from providers.aws.session import AwsSession, Connections
from providers.aws.simulation import simulate
from providers.contract import (
    Caller,
    FoundMark,
    Guard,
    MarkSearch,
    Peer,
    Provider,
    ProviderError,
    RightAsked,
)


class AwsProvider(Provider):
    """Faults in AWS, made as the experiment's role; endpoints by the standard environment."""

    regional = True

    def __init__(self, settings: Settings, peer: Peer | None = None) -> None:  # noqa: ARG002 - AWS needs no other cloud
        """Open nothing yet."""
        self._settings = settings
        self._connections = Connections(settings)

    async def session(
        self,
        caller: Caller,
        guard: Guard | None,
        wake: Callable[[], None] | None = None,  # noqa: ARG002 - AWS tells us nothing by itself
    ) -> AwsSession:
        """Open a session; the role is assumed with its first call."""
        self._connections.warm_up(caller.scope.account, caller.scope.region)
        return AwsSession(caller, guard, self._connections)

    def warm(self) -> None:
        """Build the clients that a run in the bridge's own Region needs first."""
        self._connections.warm_up(self._settings.account, self._settings.region)

    async def foretell(self, session: Any, rights: Sequence[RightAsked]) -> None:
        """Ask IAM to simulate the policies of the session's role."""
        await simulate(session, rights)

    async def find_marks(self, caller: Caller) -> MarkSearch:
        """Find every mark on EC2's resources and Auto Scaling groups of the account and Region.

        Raises ProviderError when neither could be searched.
        """
        session = await self.session(caller, None)
        found: list[FoundMark] = []
        unsearched: list[ProviderError] = []
        searches = (found_marks, found_group_marks)
        answers = await asyncio.gather(
            *(search(session) for search in searches), return_exceptions=True
        )
        for answer in answers:
            if isinstance(answer, ProviderError):
                unsearched.append(answer)
            elif isinstance(answer, BaseException):
                raise answer
            else:
                found += answer
        if len(unsearched) == len(searches):
            raise unsearched[0]
        where = f"aws, account {caller.scope.account}, {caller.scope.region}"
        return MarkSearch(found, [f"{where}: {error}" for error in unsearched])

    async def close(self) -> None:
        """Wait for the calls under way (under a minute), then let go of threads and connections."""
        await self._connections.close()
