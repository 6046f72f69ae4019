"""What the faults on instances that cannot be undone have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from bridge.model.record import Record
from providers.aws.marks import note_marks
from providers.aws.power import POWER, look, review
from providers.aws.session import AwsSession
from providers.contract import (
    DONE,
    Denial,
    Fault,
    Outcome,
    Outcomes,
    Resource,
    TargetSpec,
)
from providers.lengths import PassingFault
from providers.marks import foreign_mark


class IrreversibleFault(PassingFault):
    """A fault on EC2 instances with nothing to undo, and so nothing to mark."""

    provider = "aws"
    target = TargetSpec("Instances", "aws:ec2:instance")
    effect = POWER
    operation: ClassVar[str]
    """EC2's call that brings it about."""

    async def review(
        self,
        session: AwsSession,
        parameters: Fault.Parameters,  # noqa: ARG002 - the same for all
        resources: Sequence[Resource],
    ) -> list[Denial]:
        """Ask for the right to make the call."""
        return await review(session, resources, self.operation)

    async def prepare(
        self,
        session: AwsSession,
        parameters: Fault.Parameters,  # noqa: ARG002 - the same for all
        records: Sequence[Record],
    ) -> Outcomes:
        """Look whether each instance is in a state for it."""
        outcomes: dict[str, Outcome] = {}
        for record, instance in await look(session, records):
            outcomes[record.id] = self.fitness(instance)
            if instance:
                note_marks(session, record, instance.get("Tags", ()))
        return outcomes

    @abstractmethod
    def fitness(self, instance: dict[str, Any] | None) -> Outcome:
        """Judge one instance's state before the fault."""

    async def revert(self, session: AwsSession, records: Sequence[Record]) -> Outcomes:  # noqa: ARG002 - there is nothing to ask
        """Do nothing: there is nothing that could be put back."""
        return {record.id: DONE for record in records}

    def foreign_mark(self, record: Record) -> str | None:
        """Return the first foreign mark that ``prepare`` noted."""
        return foreign_mark(record)
