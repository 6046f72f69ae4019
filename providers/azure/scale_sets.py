"""The fault on instances of virtual machine scale sets: power off, by one call for each set."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from pydantic import Field

from bridge.model.record import Record
from bridge.model.scope import Scope
from providers.azure import by_hand
from providers.azure.batches import Send, by, each_possible
from providers.azure.describe import (
    Described,
    instances,
    properties,
    resource_of,
    tags_of,
)
from providers.azure.ids import SCALE_SET, SCALE_SET_INSTANCE, ResourceId
from providers.azure.instance_marks import MarkedInstanceFault, note_instance_marks
from providers.azure.marks import MARK_RIGHTS
from providers.azure.operations import STATUS_RIGHTS
from providers.azure.power import (
    GONE,
    INJECTING,
    POWER,
    PRIOR,
    REVERTING,
    fit,
    observed,
    rejected,
    to_start,
)
from providers.azure.review import REVIEW_RIGHTS, review
from providers.azure.session import AzureSession
from providers.azure.virtual_machines import PowerOffVms
from providers.contract import (
    DONE,
    PENDING,
    Denial,
    Duration,
    FaultParameters,
    Observations,
    Outcome,
    Outcomes,
    Resource,
    Subject,
    TargetSpec,
    optional,
    required,
)
from providers.lengths import StayingFault
from providers.parameters import Flag
from providers.refusals import RefusedError


class PowerOffScaleSetInstances(StayingFault, MarkedInstanceFault):
    """Power off instances of Azure scale sets, and start them again after a duration, if given.

    As with virtual machines: without ``startInstancesAfterDuration`` they stay off, and only
    those that were running are started again. Scale sets in uniform orchestration only; the
    instances of a flexible one are virtual machines. Automatic repairs, where a scale set has
    them, may replace an instance meanwhile.
    """

    id = "azure:compute:power-off-scale-set-instances"
    by_hand = by_hand.STOPPED_IN_SET
    undoing = "start it again"
    provider = "azure"
    target = TargetSpec("Instances", "azure:compute:scale-set-instance")
    effect = POWER
    settle_limit = timedelta(minutes=15)
    permissions = (
        *required(
            f"{SCALE_SET}/read",
            f"{SCALE_SET_INSTANCE}/read",
            f"{SCALE_SET}/poweroff/action",
            f"{SCALE_SET}/start/action",
        ),
        *STATUS_RIGHTS,
        *REVIEW_RIGHTS,
        *MARK_RIGHTS,
        *optional(
            "Microsoft.Resources/tags/read",
            loses="rescue cannot find the instances if the database is lost",
        ),
    )

    class Parameters(FaultParameters):
        """Parameters of ``azure:compute:power-off-scale-set-instances``."""

        start_instances_after_duration: Duration | None = Field(
            default=None,
            description="How long the instances stay off; without it they are not started.",
        )
        skip_shutdown: Flag = Field(
            default=False,
            description="Whether to cut the power without shutting the operating system down.",
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
        """Note that each instance runs; leave those that are off."""
        sets = by(records, _scale_set)
        read = await asyncio.gather(*(_existing(session, one) for one in sets))
        seen = await instances(session, map(resource_of, records))
        outcomes: dict[str, Outcome] = {}
        for (scale_set, part), described in zip(sets.items(), read, strict=True):
            for record in part:
                instance = seen.get(resource_of(record))
                outcomes[record.id] = _fitness(scale_set, described, instance)
                if described and outcomes[record.id] == DONE:
                    record.state[PRIOR] = "running"
                    note_instance_marks(session, record, tags_of(described))
        return outcomes

    async def inject(
        self, session: AzureSession, parameters: Parameters, records: Sequence[Record]
    ) -> Outcomes:
        """Switch them off, one call for each scale set."""
        options = {"skip_shutdown": True} if parameters.skip_shutdown else {}
        return await _change(session, "power_off", records, INJECTING, options)

    async def observe(self, session: AzureSession, records: Sequence[Record]) -> Observations:
        """Tell from the power state, and from the operation where that shows nothing."""
        seen = await instances(session, map(resource_of, records))
        call = "VirtualMachineScaleSets_PowerOff"
        return await observed(session, records, seen, PowerOffVms.effects, call)

    async def revert(self, session: AzureSession, records: Sequence[Record]) -> Outcomes:
        """Start those that ran and are off; the rest runs, is on its way, or is gone."""
        seen = await instances(session, map(resource_of, records))
        outcomes, off = await to_start(session, records, seen, "VirtualMachineScaleSets_Start")
        return {**outcomes, **await _change(session, "start", off, REVERTING, {})}

    def notes(self, record: Record) -> dict[str, str]:
        """Say that the instance ran."""
        return {PRIOR: record.state[PRIOR]}

    def recall(self, scope: Scope, resource: str, notes: Mapping[str, str]) -> Subject:  # noqa: ARG002 - an instance depends on nothing else
        """Read back that the instance ran."""
        if notes[PRIOR] != "running" or ResourceId.of(resource).kind != SCALE_SET_INSTANCE:
            raise ValueError(notes[PRIOR])
        return Subject(resource, {PRIOR: "running"})


def _scale_set(record: Record) -> ResourceId:
    return resource_of(record).parent


async def _existing(session: AzureSession, scale_set: ResourceId) -> dict[str, Any] | None:
    try:
        return await session.get(
            scale_set.subscription,
            "compute",
            "virtual_machine_scale_sets.get",
            scale_set.group,
            scale_set.name,
        )
    except RefusedError as refusal:
        if not refusal.gone:
            raise
        return None


def _fitness(which: ResourceId, scale_set: Described | None, instance: Described | None) -> Outcome:
    if scale_set is None:
        return GONE
    if properties(scale_set).get("orchestrationMode") == "Flexible":
        return rejected(
            f"the scale set {which.name} is in flexible orchestration, where instances are virtual "
            f"machines: choose them as azure:compute:vm, with {PowerOffVms.id}"
        )
    return fit(instance)


async def _change(
    session: AzureSession,
    operation: str,
    records: Sequence[Record],
    key: str,
    options: Mapping[str, Any],
) -> dict[str, Outcome]:
    def send(scale_set: ResourceId) -> Send:
        async def change(batch: Sequence[Record]) -> Outcomes:
            begun = await session.begin(
                scale_set.subscription,
                "compute",
                f"virtual_machine_scale_sets.{operation}",
                scale_set.group,
                scale_set.name,
                {"instanceIds": [resource_of(record).name for record in batch]},
                **options,
            )
            for record in batch:
                begun.note(record.state, key)
            return {record.id: PENDING if begun.accepted else DONE for record in batch}

        return change

    return await each_possible(by(records, _scale_set), send)
