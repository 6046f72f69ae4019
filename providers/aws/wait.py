"""The action that only lets time pass."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from bridge.model.record import Record
from providers.aws import by_hand
from providers.aws.session import AwsSession
from providers.contract import (
    Duration,
    FaultParameters,
    Observations,
    Outcomes,
    Plan,
    Resource,
    Subject,
)
from providers.lengths import LastingFault


class Wait(LastingFault):
    """Wait for a duration. Nothing is touched."""

    id = "aws:fis:wait"
    by_hand = by_hand.NOTHING
    provider = "aws"

    class Parameters(FaultParameters):
        """Parameters of ``aws:fis:wait``, as in FIS."""

        duration: Duration = Field(description="How long to wait.")

    def subjects(
        self,
        parameters: Parameters,  # noqa: ARG002 - nothing is touched
        resources: Sequence[Resource],  # noqa: ARG002 - nothing is touched
        plan: Plan,  # noqa: ARG002 - nothing is touched
    ) -> list[Subject]:
        """Name nothing: there are no records."""
        return []

    async def prepare(
        self,
        session: AwsSession,  # noqa: ARG002 - nothing is asked
        parameters: Parameters,  # noqa: ARG002 - nothing is asked
        records: Sequence[Record],  # noqa: ARG002 - there are none
    ) -> Outcomes:
        """Do nothing."""
        return {}

    async def inject(
        self,
        session: AwsSession,  # noqa: ARG002 - nothing is asked
        parameters: Parameters,  # noqa: ARG002 - nothing is asked
        records: Sequence[Record],  # noqa: ARG002 - there are none
    ) -> Outcomes:
        """Do nothing."""
        return {}

    async def observe(self, session: AwsSession, records: Sequence[Record]) -> Observations:  # noqa: ARG002 - there are none
        """Do nothing."""
        return {}

    async def revert(self, session: AwsSession, records: Sequence[Record]) -> Outcomes:  # noqa: ARG002 - there are none
        """Do nothing."""
        return {}
