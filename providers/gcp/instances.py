"""Faults on Compute Engine instances: stop, suspend, reset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import Field

from bridge.model.record import Record
from providers.batches import each_alone
from providers.contract import (
    DONE,
    Denial,
    Duration,
    Effect,
    Fault,
    FaultParameters,
    Observation,
    Observations,
    Outcome,
    Outcomes,
    Resource,
    indirect,
    required,
)
from providers.gcp import by_hand
from providers.gcp.describe import addressed, each_project, look
from providers.gcp.marks import mark_rights, note_marks
from providers.gcp.names import Name
from providers.gcp.operations import begin, late
from providers.gcp.power import (
    GONE,
    INSTANCES,
    POWER,
    PowerFault,
    has_local_ssd,
    keyed_disk,
    not_running,
    rejected,
    status_of,
)
from providers.gcp.review import missing_rights
from providers.gcp.rights import OPERATIONS, READING
from providers.gcp.session import GcpSession
from providers.lengths import PassingFault, StayingFault
from providers.marks import foreign_mark
from providers.parameters import Flag

_ACT_AS = indirect(
    "iam.serviceAccounts.actAs",
    because="Google may ask for it, on the account as which the instance runs, to bring it up",
)

_GET: Final = "compute.instances.get"


class StopInstances(StayingFault, PowerFault):
    """Stop Compute Engine instances, and start them again after a duration, if one is given.

    Without ``startInstancesAfterDuration`` they stay stopped when the action completes; a stop
    or failure of the run before that starts them. Only instances that were running are started
    again. A managed instance group with autohealing brings its members up by itself.
    """

    id = "gcp:compute:stop-instances"
    by_hand = by_hand.STOPPED
    undoing = "start it again"
    down = "stop"
    up = "start"
    lost = "TERMINATED"
    states = {  # noqa: RUF012 - declared as a mapping, which nobody changes
        "": Effect.GONE,
        "RUNNING": Effect.ABSENT,
        "PENDING_STOP": Effect.APPLYING,
        "STOPPING": Effect.APPLYING,
        "TERMINATED": Effect.PRESENT,
        "PENDING": Effect.LIFTING,
        "PROVISIONING": Effect.LIFTING,
        "STAGING": Effect.LIFTING,
        "SUSPENDED": Effect.FAILED,
    }
    permissions = (
        *READING,
        *required("compute.instances.stop", "compute.instances.start"),
        *OPERATIONS,
        *_ACT_AS,
        *mark_rights("instances"),
    )

    class Parameters(FaultParameters):
        """Parameters of ``gcp:compute:stop-instances``."""

        start_instances_after_duration: Duration | None = Field(
            default=None,
            description="How long the instances stay stopped; without it they are not started.",
        )
        discard_local_ssd: Flag | None = Field(
            default=None,
            description="What becomes of the contents of Local SSDs: true discards them, false "
            "asks Google to keep them. Must be given for instances that have some.",
        )

    def unfit(self, instance: Mapping[str, Any], parameters: Parameters) -> Outcome | None:
        """Refuse Local SSDs without a word about them, and keys that the bridge has not."""
        if has_local_ssd(instance) and parameters.discard_local_ssd is None:
            return rejected(
                "it has Local SSDs, and Google does not stop it without being told what becomes "
                'of their contents; set discardLocalSsd to "true" (they are lost) or "false"'
            )
        return keyed_disk(instance)

    def given(self, parameters: Parameters) -> dict[str, Any]:
        """Say what becomes of Local SSDs, if the template does."""
        discard = parameters.discard_local_ssd
        return {} if discard is None else {"discard_local_ssd": discard}


class SuspendInstances(StayingFault, PowerFault):
    """Suspend Compute Engine instances, and resume them after a duration, if one is given.

    Their memory is kept: what runs in them stands still and finds the time jumped. Without
    ``resumeInstancesAfterDuration`` they stay suspended when the action completes (Google stops
    them after 60 days); a stop or failure of the run before that resumes them.
    """

    id = "gcp:compute:suspend-instances"
    by_hand = by_hand.SUSPENDED
    undoing = "resume it"
    length = "resume_instances_after_duration"
    down = "suspend"
    up = "resume"
    lost = "SUSPENDED"
    states = {  # noqa: RUF012 - declared as a mapping, which nobody changes
        "": Effect.GONE,
        "RUNNING": Effect.ABSENT,
        "SUSPENDING": Effect.APPLYING,
        "SUSPENDED": Effect.PRESENT,
        "PENDING": Effect.LIFTING,
        "PROVISIONING": Effect.LIFTING,
        "STAGING": Effect.LIFTING,
        "TERMINATED": Effect.FAILED,
    }
    permissions = (
        *READING,
        *required("compute.instances.suspend", "compute.instances.resume"),
        *OPERATIONS,
        *_ACT_AS,
        *mark_rights("instances"),
    )

    class Parameters(FaultParameters):
        """Parameters of ``gcp:compute:suspend-instances``."""

        resume_instances_after_duration: Duration | None = Field(
            default=None,
            description="How long the instances stay suspended; without it they are not resumed.",
        )

    def unfit(self, instance: Mapping[str, Any], parameters: Parameters) -> Outcome | None:  # noqa: ARG002 - the same for all
        """Refuse what Compute Engine cannot suspend ("Suspend or resume", limitations)."""
        why = ""
        if instance.get("guestAccelerators"):
            why = "it has GPUs"
        elif has_local_ssd(instance):
            why = "it has Local SSDs, whose contents it would lose"
        elif instance.get("confidentialInstanceConfig", {}).get("enableConfidentialCompute"):
            why = "it is a Confidential VM"
        if why:
            return rejected(
                f"{why}, so it cannot be suspended; use gcp:compute:stop-instances, or leave it out"
            )
        return keyed_disk(instance)


class ResetInstances(PassingFault):
    """Reset Compute Engine instances: a hard restart, as by the button of a machine.

    It leaves no trace in an instance's status, but its operation can be asked for, by its
    request id even after the answer was lost; and a repeat under that id resets nothing again.
    """

    id = "gcp:compute:reset-instances"
    by_hand = by_hand.PASSED
    provider = "gcp"
    target = INSTANCES
    effect = POWER
    batch = 100
    permissions = (*READING, *required("compute.instances.reset"), *OPERATIONS)

    async def review(
        self,
        session: GcpSession,
        parameters: Fault.Parameters,  # noqa: ARG002 - it has none
        resources: Sequence[Resource],
    ) -> list[Denial]:
        """Ask for the right to reset."""
        return await missing_rights(session, resources, [_GET, "compute.instances.reset"])

    async def prepare(
        self,
        session: GcpSession,
        parameters: Fault.Parameters,  # noqa: ARG002 - it has none
        records: Sequence[Record],
    ) -> Outcomes:
        """Look whether each instance runs."""
        outcomes: dict[str, Outcome] = {}
        for record, instance in await look(session, records):
            if instance is None:
                outcomes[record.id] = GONE
                continue
            status = status_of(instance)
            fit = status == "RUNNING"
            outcomes[record.id] = DONE if fit else not_running(status, "can be reset")
            note_marks(session, record, instance)
        return outcomes

    async def inject(
        self,
        session: GcpSession,
        parameters: Fault.Parameters,  # noqa: ARG002 - it has none
        records: Sequence[Record],
    ) -> Outcomes:
        """Reset them, one call each, side by side."""

        async def reset(record: Record) -> Outcome:
            place = addressed(Name.of(record.resource))

            async def call(request: str) -> dict[str, Any]:
                return await session.call("instances", "reset", **place, request_id=request)

            return await begin(session, record, "reset", call)

        return await each_alone(records, reset)

    async def observe(self, session: GcpSession, records: Sequence[Record]) -> Observations:
        """Tell from the operation."""

        async def in_project(several: Sequence[Record]) -> Observations:
            found = await look(session, several)
            there = [record for record, instance in found if instance is not None]
            gone = Observation(Effect.GONE, GONE.reason)
            seen = {record.id: gone for record, instance in found if instance is None}
            return seen | await late(session, there, "reset", Observation(Effect.PRESENT))

        return await each_project(records, in_project)

    async def revert(self, session: GcpSession, records: Sequence[Record]) -> Outcomes:  # noqa: ARG002 - there is nothing to ask
        """Do nothing: there is nothing that could be put back."""
        return {record.id: DONE for record in records}

    def foreign_mark(self, record: Record) -> str | None:
        """Return the first foreign mark that ``prepare`` noted."""
        return foreign_mark(record)
