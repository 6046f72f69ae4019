"""Faults on virtual machines that cannot be undone: restart, redeploy."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar

from bridge.model.record import Record
from providers.azure import by_hand
from providers.azure.describe import Described, machines, power_of, provisioning_of, resource_of
from providers.azure.marks import note_marks
from providers.azure.operations import STATUS_RIGHTS, Standing
from providers.azure.power import GONE, INJECTING, POWER, act_on_machine, rejected
from providers.azure.review import REVIEW_RIGHTS, review
from providers.azure.session import AzureSession
from providers.batches import each_alone
from providers.contract import (
    DONE,
    Denial,
    Effect,
    Fault,
    Observation,
    Observations,
    Outcome,
    Outcomes,
    Resource,
    TargetSpec,
    required,
)
from providers.lengths import PassingFault
from providers.marks import foreign_mark

_NO_TRACE = Observation(Effect.UNKNOWN, "it leaves no trace in the machine's state")
_NOT_TOLD = "Azure accepted it; how it ended may not be asked"


class IrreversibleFault(PassingFault):
    """A fault on machines with nothing to undo, and so nothing to mark.

    It leaves no trace in a machine's state, but Azure can be asked about the operation: only
    after a call whose answer was lost nobody can tell whether the machine was affected.
    """

    provider = "azure"
    target = TargetSpec("Instances", "azure:compute:vm")
    effect = POWER
    batch = 100
    settle_limit = timedelta(minutes=20)
    operation: ClassVar[str]
    """The SDK's call that brings it about."""
    call: ClassVar[str]
    """The same in Azure's words."""

    async def review(
        self,
        session: AzureSession,
        parameters: Fault.Parameters,  # noqa: ARG002 - the same for all
        resources: Sequence[Resource],
    ) -> list[Denial]:
        """Ask for the right to make the call."""
        return await review(session, resources, self.permissions)

    async def prepare(
        self,
        session: AzureSession,
        parameters: Fault.Parameters,  # noqa: ARG002 - the same for all
        records: Sequence[Record],
    ) -> Outcomes:
        """Look whether each machine runs."""
        seen = await machines(session, map(resource_of, records))
        outcomes: dict[str, Outcome] = {}
        for record in records:
            machine = seen.get(resource_of(record))
            outcomes[record.id] = _fitness(machine)
            if machine:
                note_marks(session, record, machine)
        return outcomes

    async def inject(
        self,
        session: AzureSession,
        parameters: Fault.Parameters,  # noqa: ARG002 - it has none
        records: Sequence[Record],
    ) -> Outcomes:
        """Make the call, one for each machine (Azure takes one a call), side by side."""
        act = act_on_machine(session, self.operation, INJECTING)

        async def one(record: Record) -> Outcome:
            outcome = await act(record)
            # Accepted, and nothing to ask: that is all that Azure will ever say.
            return outcome if INJECTING in record.state else DONE

        return await each_alone(records, one)

    async def observe(self, session: AzureSession, records: Sequence[Record]) -> Observations:
        """Tell from the operation; it is not asked while the machine is being updated."""
        seen = await machines(session, map(resource_of, records), model=False)

        async def one(record: Record) -> Observation:
            machine = seen.get(resource_of(record))
            if machine is None:
                return Observation(Effect.GONE, GONE.reason)
            if INJECTING not in record.state:
                return _NO_TRACE
            if provisioning_of(machine) == "updating":
                return Observation(Effect.APPLYING)
            asked = await session.ask(resource_of(record).subscription, record.state[INJECTING])
            if asked.standing is Standing.FAILED:
                return Observation(Effect.FAILED, str(session.meaning(asked, self.call)))
            if asked.standing is Standing.RUNNING:
                return Observation(Effect.APPLYING)
            told = asked.standing is Standing.SUCCEEDED
            return Observation(Effect.PRESENT, "" if told else _NOT_TOLD)

        answers = await asyncio.gather(*map(one, records))
        return {record.id: answer for record, answer in zip(records, answers, strict=True)}

    async def revert(self, session: AzureSession, records: Sequence[Record]) -> Outcomes:  # noqa: ARG002 - there is nothing to ask
        """Do nothing: there is nothing that could be put back."""
        return {record.id: DONE for record in records}

    def foreign_mark(self, record: Record) -> str | None:
        """Return the first foreign mark that ``prepare`` noted."""
        return foreign_mark(record)


class RestartVms(IrreversibleFault):
    """Restart Azure virtual machines."""

    id = "azure:compute:restart-vms"
    by_hand = by_hand.PASSED
    operation = "restart"
    call = "VirtualMachines_Restart"
    permissions = (
        *required(
            "Microsoft.Compute/virtualMachines/read",
            "Microsoft.Compute/virtualMachines/restart/action",
        ),
        *STATUS_RIGHTS,
        *REVIEW_RIGHTS,
    )


class RedeployVms(IrreversibleFault):
    """Move Azure virtual machines to other hardware, as after a failure of their host.

    They shut down, lose their temporary disk and a dynamic public address, and start elsewhere.
    """

    id = "azure:compute:redeploy-vms"
    by_hand = by_hand.PASSED
    operation = "redeploy"
    call = "VirtualMachines_Redeploy"
    permissions = (
        *required(
            "Microsoft.Compute/virtualMachines/read",
            "Microsoft.Compute/virtualMachines/redeploy/action",
        ),
        *STATUS_RIGHTS,
        *REVIEW_RIGHTS,
    )


def _fitness(machine: Described | None) -> Outcome:
    if machine is None:
        return GONE
    power = power_of(machine)
    if power != "running":
        return rejected(
            f"the machine is {power or 'in no known power state'}, and only running ones can be "
            "restarted or redeployed; start it, or leave it out"
        )
    return DONE
