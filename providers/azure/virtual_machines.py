"""Faults on virtual machines that are undone by starting them: power off, deallocate."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Final

from pydantic import Field

from bridge.model.record import Record
from bridge.model.scope import Scope
from providers.azure import by_hand
from providers.azure.describe import Described, machines, properties, resource_of
from providers.azure.marks import MARK_RIGHTS, MarkedAzureFault, note_marks
from providers.azure.operations import STATUS_RIGHTS
from providers.azure.power import (
    INJECTING,
    POWER,
    PRIOR,
    REVERTING,
    act_on_machine,
    fit,
    observed,
    rejected,
    to_start,
)
from providers.azure.review import REVIEW_RIGHTS, review
from providers.azure.session import AzureSession
from providers.batches import each_alone
from providers.contract import (
    DONE,
    Denial,
    Duration,
    Effect,
    FaultParameters,
    Observations,
    Outcome,
    Outcomes,
    Resource,
    Subject,
    TargetSpec,
    required,
)
from providers.lengths import StayingFault
from providers.parameters import Flag

_RUNNING_AGAIN: Final = "How long the machines stay off; without it they are not started."


class SwitchOff(StayingFault, MarkedAzureFault):
    """A fault after which machines do not run, until they are started."""

    provider = "azure"
    target = TargetSpec("Instances", "azure:compute:vm")
    effect = POWER
    batch = 100
    settle_limit = timedelta(minutes=15)
    operation: ClassVar[str]
    """The SDK's call that brings it about."""
    call: ClassVar[str]
    """The same in Azure's words."""
    effects: ClassVar[Mapping[str, Effect]]
    """What each power state means for it."""

    class Parameters(FaultParameters):
        """What these faults share."""

        start_instances_after_duration: Duration | None = Field(
            default=None, description=_RUNNING_AGAIN
        )

    async def review(
        self,
        session: AzureSession,
        parameters: Parameters,  # noqa: ARG002 - a stopped run starts them without a duration too
        resources: Sequence[Resource],
    ) -> list[Denial]:
        """Ask for the right to switch off and, before that is used, for the right to start."""
        return await review(session, resources, self.permissions)

    async def prepare(
        self,
        session: AzureSession,
        parameters: Parameters,  # noqa: ARG002 - the same for all
        records: Sequence[Record],
    ) -> Outcomes:
        """Note that each machine runs; leave those that are off."""
        seen = await machines(session, map(resource_of, records))
        outcomes: dict[str, Outcome] = {}
        for record in records:
            machine = seen.get(resource_of(record))
            outcomes[record.id] = self.fitness(machine)
            if machine and outcomes[record.id] == DONE:
                record.state[PRIOR] = "running"
                note_marks(session, record, machine)
        return outcomes

    @abstractmethod
    def fitness(self, machine: Described | None) -> Outcome:
        """Judge one machine's state before the fault."""

    def options(self, parameters: Any) -> dict[str, Any]:  # noqa: ARG002 - power-off has one
        """Return the call's own parameters."""
        return {}

    async def inject(
        self, session: AzureSession, parameters: Parameters, records: Sequence[Record]
    ) -> Outcomes:
        """Switch them off, one call each (Azure takes one machine a call), side by side."""
        act = act_on_machine(session, self.operation, INJECTING, **self.options(parameters))
        return await each_alone(records, act)

    async def observe(self, session: AzureSession, records: Sequence[Record]) -> Observations:
        """Tell from the power state, and from the operation where that shows nothing."""
        seen = await machines(session, map(resource_of, records), model=False)
        return await observed(session, records, seen, self.effects, self.call)

    async def revert(self, session: AzureSession, records: Sequence[Record]) -> Outcomes:
        """Start those that ran and are off; the rest runs, is on its way, or is gone."""
        seen = await machines(session, map(resource_of, records), model=False)
        outcomes, off = await to_start(session, records, seen, "VirtualMachines_Start")
        return {**outcomes, **await each_alone(off, act_on_machine(session, "start", REVERTING))}

    def notes(self, record: Record) -> dict[str, str]:
        """Say that the machine ran."""
        return {PRIOR: record.state[PRIOR]}

    def recall(self, scope: Scope, resource: str, notes: Mapping[str, str]) -> Subject:  # noqa: ARG002 - a machine depends on nothing else
        """Read back that the machine ran."""
        if notes[PRIOR] != "running":
            raise ValueError(notes[PRIOR])
        return Subject(resource, {PRIOR: "running"})


class PowerOffVms(SwitchOff):
    """Power off Azure virtual machines, and start them again after a duration, if one is given.

    They keep their hardware and go on being billed. Without ``startInstancesAfterDuration`` they
    stay off when the action completes; a stop or failure of the run before that starts them.
    Only machines that were running are started again.
    """

    id = "azure:compute:power-off-vms"
    by_hand = by_hand.STOPPED
    undoing = "start it again"
    operation = "power_off"
    call = "VirtualMachines_PowerOff"
    permissions = (
        *required(
            "Microsoft.Compute/virtualMachines/read",
            "Microsoft.Compute/virtualMachines/powerOff/action",
            "Microsoft.Compute/virtualMachines/start/action",
        ),
        *STATUS_RIGHTS,
        *REVIEW_RIGHTS,
        *MARK_RIGHTS,
    )
    effects = {  # noqa: RUF012 - never written
        "running": Effect.ABSENT,
        "stopping": Effect.APPLYING,
        "stopped": Effect.PRESENT,
        "deallocating": Effect.PRESENT,
        "deallocated": Effect.PRESENT,
        "starting": Effect.LIFTING,
    }

    class Parameters(SwitchOff.Parameters):
        """Parameters of ``azure:compute:power-off-vms``."""

        skip_shutdown: Flag = Field(
            default=False,
            description="Whether to cut the power without shutting the operating system down.",
        )

    def fitness(self, machine: Described | None) -> Outcome:
        """Only a machine that runs can be powered off."""
        return fit(machine)

    def options(self, parameters: Parameters) -> dict[str, Any]:
        """Say ``skipShutdown``, where it is wanted."""
        return {"skip_shutdown": True} if parameters.skip_shutdown else {}


class DeallocateVms(SwitchOff):
    """Deallocate Azure virtual machines, and start them again after a duration, if one is given.

    They lose their hardware, a dynamic public address and the temporary disk; starting them
    needs capacity, and is tried until there is some. A machine that is stopped already is left
    so, although it keeps its hardware: to put that back it would have to boot.
    """

    id = "azure:compute:deallocate-vms"
    by_hand = by_hand.STOPPED
    undoing = "start it again"
    operation = "deallocate"
    call = "VirtualMachines_Deallocate"
    permissions = (
        *required(
            "Microsoft.Compute/virtualMachines/read",
            "Microsoft.Compute/virtualMachines/deallocate/action",
            "Microsoft.Compute/virtualMachines/start/action",
        ),
        *STATUS_RIGHTS,
        *REVIEW_RIGHTS,
        *MARK_RIGHTS,
    )
    # On its way a machine may show as stopped: it is not deallocated yet, nor running.
    effects = {  # noqa: RUF012 - never written
        "running": Effect.ABSENT,
        "stopping": Effect.APPLYING,
        "stopped": Effect.APPLYING,
        "deallocating": Effect.APPLYING,
        "deallocated": Effect.PRESENT,
        "starting": Effect.LIFTING,
    }

    def fitness(self, machine: Described | None) -> Outcome:
        """Refuse what cannot come back, leave what is off."""
        outcome = fit(machine)
        if machine is None or outcome != DONE:
            return outcome
        if _ephemeral(machine):
            return rejected(
                "its OS disk is ephemeral, and Azure does not deallocate such a machine; use "
                f"{PowerOffVms.id}"
            )
        return outcome


def _ephemeral(machine: Described) -> bool:
    disk = (properties(machine).get("storageProfile") or {}).get("osDisk") or {}
    return bool((disk.get("diffDiskSettings") or {}).get("option"))
