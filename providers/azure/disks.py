"""The fault on managed disks: detach them, and attach them again as they were."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from pydantic import Field

from bridge.model.record import Record
from bridge.model.scope import Scope
from providers.azure import by_hand
from providers.azure.attachments import (
    DISK_GONE,
    Attachment,
    compared,
    entry_of,
    holder_of,
    to_attach,
    why_not_detached,
)
from providers.azure.batches import Send, by, each_possible
from providers.azure.describe import (
    Seen,
    disks,
    machines,
    resource_of,
    tags_of,
)
from providers.azure.ids import DISK, VIRTUAL_MACHINE, ResourceId
from providers.azure.marks import MARK_RIGHTS, MarkedAzureFault, note_marks
from providers.azure.operations import STATUS_RIGHTS
from providers.azure.power import INJECTING, REVERTING, Asks, failed_undo, followed, left, rejected
from providers.azure.review import REVIEW_RIGHTS, review
from providers.azure.session import AzureSession
from providers.contract import (
    DONE,
    PENDING,
    Denial,
    Duration,
    Effect,
    FaultParameters,
    Group,
    Observation,
    Observations,
    Outcome,
    OutcomeKind,
    Outcomes,
    Resource,
    Subject,
    TargetSpec,
    required,
)
from providers.lengths import LastingFault

_CALL = "VirtualMachines_AttachDetachDataDisks"
_PROBED = 50
"""Disks whose machines are looked up before a run, to ask for the rights on them."""


class DetachDisks(LastingFault, MarkedAzureFault):
    """Detach data disks from Azure virtual machines, and attach them again when the fault ends.

    They come back under the same LUN, with caching, write accelerator and delete option as they
    were. The operating system sees the disk vanish. OS disks and shared disks are refused; a
    disk that is attached nowhere is left so.
    """

    id = "azure:compute:detach-disks"
    by_hand = by_hand.DETACHED
    undoing = "attach it where it was"
    provider = "azure"
    target = TargetSpec("Volumes", "azure:compute:disk")
    effect = "azure:disk-attachment"
    permissions = (
        *required(
            f"{DISK}/read",
            f"{DISK}/write",
            f"{VIRTUAL_MACHINE}/read",
            f"{VIRTUAL_MACHINE}/attachDetachDataDisks/action",
        ),
        *STATUS_RIGHTS,
        *REVIEW_RIGHTS,
        *MARK_RIGHTS,
    )
    batch = 100

    class Parameters(FaultParameters):
        """Parameters of ``azure:compute:detach-disks``."""

        duration: Duration = Field(
            description="How long the disks stay detached.",
            json_schema_extra={"minimum": "PT1S"},
        )

    async def reached(
        self,
        session: AzureSession,
        parameters: Parameters,  # noqa: ARG002 - the same for all
        resources: Sequence[Resource],
    ) -> Sequence[Group]:
        """Find the machines that lose a disk: they are touched too."""
        seen = await disks(session, [ResourceId.of(resource.id) for resource in resources])
        ids = {holder_of(disk) for disk in seen.values()}
        found = await machines(session, [ResourceId.of(one) for one in ids if _is_machine(one)])
        hosts = [
            Resource("azure:compute:vm", str(which), tags=tags_of(one))
            for which, one in sorted(found.items())
        ]
        return [Group("machines that lose a disk", len(hosts), hosts, inside=False)]

    async def review(
        self,
        session: AzureSession,
        parameters: Parameters,  # noqa: ARG002 - the same for all
        resources: Sequence[Resource],
    ) -> list[Denial]:
        """Ask for the rights on the disks, and on the machines that they are attached to."""
        probed = [ResourceId.of(resource.id) for resource in resources[:_PROBED]]
        seen = await disks(session, probed)
        hosts = {holder_of(disk) for disk in seen.values()}
        on_disks = await review(session, resources, self.permissions, kinds=f"{DISK}/")
        on_machines = await review(
            session,
            [Resource("azure:compute:vm", host) for host in sorted(hosts) if _is_machine(host)],
            self.permissions,
            kinds=f"{VIRTUAL_MACHINE}/",
        )
        return [*on_disks, *on_machines]

    async def prepare(
        self,
        session: AzureSession,
        parameters: Parameters,  # noqa: ARG002 - the same for all
        records: Sequence[Record],
    ) -> Outcomes:
        """Note how each disk is attached; the record then touches the machine as well."""
        seen = await disks(session, map(resource_of, records))
        hosts = {holder_of(disk) for disk in seen.values()}
        on = await machines(session, [ResourceId.of(host) for host in hosts if _is_machine(host)])
        outcomes: dict[str, Outcome] = {}
        for record in records:
            disk = seen.get(resource_of(record))
            if disk is None:
                outcomes[record.id] = DISK_GONE
            elif not holder_of(disk):
                outcomes[record.id] = left("the disk is attached nowhere")
            elif reason := why_not_detached(disk, record.resource, on):
                outcomes[record.id] = rejected(reason)
            else:
                host = holder_of(disk)
                entry = entry_of(on[ResourceId.of(host)], record.resource) or {}
                record.state.update(Attachment.described(host, entry).state())
                record.touches = (host,)
                note_marks(session, record, disk)
                outcomes[record.id] = DONE
        return outcomes

    async def inject(
        self,
        session: AzureSession,
        parameters: Parameters,  # noqa: ARG002 - the same for all
        records: Sequence[Record],
    ) -> Outcomes:
        """Detach them, one call for each machine."""
        outcomes = await _change(session, records, "dataDisksToDetach", INJECTING)
        refused = [r for r in records if outcomes[r.id].kind is OutcomeKind.REJECTED]
        if not refused:
            return outcomes
        # Detached already, or on its way: what an earlier call that we lost sight of did.
        seen = await self.observe(session, refused)
        for record in refused:
            if seen[record.id] == Observation(Effect.PRESENT):
                outcomes[record.id] = DONE
            elif seen[record.id].effect is Effect.APPLYING:
                outcomes[record.id] = PENDING
        return outcomes

    async def observe(self, session: AzureSession, records: Sequence[Record]) -> Observations:
        """Compare with how each disk was attached."""
        on, seen = await _look(session, records)
        asks = Asks(session)

        async def one(record: Record) -> Observation:
            machine = on.get(ResourceId.of(Attachment.of(record).machine))
            found = compared(record, machine, seen.get(resource_of(record)))
            if found.effect is Effect.ABSENT and machine and INJECTING in record.state:
                return await followed(session, asks, record, machine, _CALL)
            return found

        answers = await asyncio.gather(*map(one, records))
        return {record.id: answer for record, answer in zip(records, answers, strict=True)}

    async def revert(self, session: AzureSession, records: Sequence[Record]) -> Outcomes:
        """Attach those that are detached, one call for each machine."""
        on, seen = await _look(session, records)
        asks = Asks(session)
        outcomes: dict[str, Outcome] = {}

        async def judge(record: Record) -> None:
            machine = on.get(ResourceId.of(Attachment.of(record).machine))
            judged = to_attach(record, machine, seen.get(resource_of(record)))
            if judged == DONE or judged is None:
                # As it was, or to be attached: unless the last attempt is still under way.
                judged = await failed_undo(session, asks, record, _CALL) or judged
            if judged is not None:
                outcomes[record.id] = judged

        await asyncio.gather(*map(judge, records))
        free = [record for record in records if record.id not in outcomes]
        return {**outcomes, **await _change(session, free, "dataDisksToAttach", REVERTING)}

    def notes(self, record: Record) -> dict[str, str]:
        """Say where the disk was attached, and how."""
        return Attachment.of(record).words()

    def recall(self, scope: Scope, resource: str, notes: Mapping[str, str]) -> Subject:  # noqa: ARG002 - Azure's ids say all
        """Read back where the disk was attached."""
        was = Attachment.read(notes)
        return Subject(resource, was.state(), (was.machine,))


def _is_machine(host: str) -> bool:
    parsed = ResourceId.parse(host)
    return parsed is not None and parsed.kind == VIRTUAL_MACHINE


async def _look(session: AzureSession, records: Sequence[Record]) -> tuple[Seen, Seen]:
    """Return the machines that the disks were on, and the disks."""
    hosts = [ResourceId.of(Attachment.of(record).machine) for record in records]
    return await asyncio.gather(machines(session, hosts), disks(session, map(resource_of, records)))


async def _change(
    session: AzureSession, records: Sequence[Record], key: str, operation: str
) -> dict[str, Outcome]:
    def send(machine: ResourceId) -> Send:
        async def change(batch: Sequence[Record]) -> Outcomes:
            attaching = key == "dataDisksToAttach"
            begun = await session.begin(
                machine.subscription,
                "compute",
                "virtual_machines.attach_detach_data_disks",
                machine.group,
                machine.name,
                {
                    key: [
                        Attachment.of(r).request(r.resource)
                        if attaching
                        else {"diskId": r.resource}
                        for r in batch
                    ]
                },
            )
            for record in batch:
                begun.note(record.state, operation)
            return {record.id: PENDING if begun.accepted else DONE for record in batch}

        return change

    machine_of = by(records, lambda record: ResourceId.of(Attachment.of(record).machine))
    return await each_possible(machine_of, send)
