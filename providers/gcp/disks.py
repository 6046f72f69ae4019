"""Faults on Compute Engine disks: detach them, and attach them again as they were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from bridge.model.record import Record
from bridge.model.scope import Scope
from providers.batches import each_alone
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
    indirect,
    required,
)
from providers.gcp import by_hand
from providers.gcp.attachments import (
    Attachment,
    attached_to,
    compared,
    users_of,
    why_not_detached,
)
from providers.gcp.clients import Body
from providers.gcp.describe import addressed, described, each_project, look
from providers.gcp.marks import LabelledFault, mark_rights, note_marks
from providers.gcp.names import Name
from providers.gcp.operations import begin, late, noted, under_way, undo
from providers.gcp.power import rejected
from providers.gcp.review import missing_rights
from providers.gcp.rights import OPERATIONS, READING
from providers.gcp.session import GcpSession
from providers.lengths import LastingFault

_GONE = Outcome(OutcomeKind.GONE, "the disk does not exist any more")
_DETACH = "detachDisk"
_ATTACH = "attachDisk"


class DetachDisks(LastingFault, LabelledFault):
    """Detach disks from their instances, and attach them again when the fault ends.

    They come back to the same instance with all their settings: device name, mode, interface,
    boot, auto-delete. The operating system sees the disk vanish, also while it is mounted. A
    disk that is attached nowhere is left so. Where several disks of one instance are detached,
    the order of their indexes may differ afterwards: Google gives the next that is free.
    """

    id = "gcp:compute:detach-disks"
    by_hand = by_hand.DETACHED
    undoing = "attach it where it was"
    provider = "gcp"
    target = TargetSpec("Volumes", "gcp:compute:disk")
    effect = "gce:disk-attachment"
    batch = 100
    permissions = (
        *READING,
        *required(
            "compute.disks.get",
            "compute.instances.detachDisk",
            "compute.instances.attachDisk",
            "compute.disks.use",
        ),
        *indirect("compute.disks.list", because="beyond five of a zone they are listed"),
        *indirect(
            "compute.disks.useReadOnly",
            because="Google asks for it instead to attach a disk that is read only",
        ),
        *OPERATIONS,
        *mark_rights("disks"),
    )

    class Parameters(FaultParameters):
        """Parameters of ``gcp:compute:detach-disks``."""

        duration: Duration = Field(
            description="How long the disks stay detached.",
            json_schema_extra={"minimum": "PT1S"},
        )

    async def reached(
        self,
        session: GcpSession,
        parameters: Parameters,  # noqa: ARG002 - the same for all
        resources: Sequence[Resource],
    ) -> Sequence[Group]:
        """Find the instances that lose a disk: they are touched too."""
        disks = await described(session, (resource.id for resource in resources))
        users = sorted({user for disk in disks.values() for user in users_of(disk)})
        hosts = [
            Resource("gcp:compute:instance", name, tags=dict(one.get("labels", {})))
            for name, one in (await described(session, users)).items()
        ]
        return [Group("instances that lose a disk", len(hosts), hosts, inside=False)]

    async def review(
        self,
        session: GcpSession,
        parameters: Parameters,  # noqa: ARG002 - the same for all
        resources: Sequence[Resource],
    ) -> list[Denial]:
        """Ask for the rights on a disk, and on its instance those to detach and to attach."""
        found = await described(session, (resource.id for resource in resources))
        hosts = [
            Resource("gcp:compute:instance", user)
            for disk in found.values()
            for user in users_of(disk)[:1]
        ]
        verbs = [f"compute.instances.{verb}" for verb in ("get", "detachDisk", "attachDisk")]
        wanted = ["compute.disks.get", "compute.disks.use"]
        denials = await missing_rights(session, resources, wanted)
        return denials + await missing_rights(session, hosts, verbs)

    async def prepare(
        self,
        session: GcpSession,
        parameters: Parameters,  # noqa: ARG002 - the same for all
        records: Sequence[Record],
    ) -> Outcomes:
        """Note how each disk is attached; the record then touches the instance as well."""
        found = await look(session, records)
        users = [user for _, disk in found if disk for user in users_of(disk)]
        instances = await described(session, users)
        outcomes: dict[str, Outcome] = {}
        for record, disk in found:
            if disk is None:
                outcomes[record.id] = _GONE
            elif not users_of(disk):
                outcomes[record.id] = Outcome(OutcomeKind.LEFT, "the disk is attached nowhere")
            elif reason := why_not_detached(disk, instances):
                outcomes[record.id] = rejected(reason)
            else:
                host = users_of(disk)[0]
                here = attached_to(instances[host], record.resource)
                was = Attachment(host, here or {})
                record.state.update(was.state())
                record.touches = (host,)
                note_marks(session, record, disk)
                outcomes[record.id] = DONE
        return outcomes

    async def inject(
        self,
        session: GcpSession,
        parameters: Parameters,  # noqa: ARG002 - the same for all
        records: Sequence[Record],
    ) -> Outcomes:
        """Detach them, one call each (a call takes one device), side by side."""

        async def detach(record: Record) -> Outcome:
            was = Attachment.of(record)
            place = addressed(Name.of(was.instance))

            async def call(request: str) -> dict[str, Any]:
                return await session.call(
                    "instances", _DETACH, **place, device_name=was.device, request_id=request
                )

            return await begin(session, record, _DETACH, call)

        return await each_alone(records, detach)

    async def observe(self, session: GcpSession, records: Sequence[Record]) -> Observations:
        """Compare with where each disk was attached; where it still is, ask the operation."""

        async def in_project(several: Sequence[Record]) -> Observations:
            seen: dict[str, Observation] = {}
            attached = []
            for record, disk in await look(session, several):
                if disk is None:
                    seen[record.id] = Observation(Effect.GONE, _GONE.reason)
                    continue
                seen[record.id] = compared(disk, Attachment.of(record))
                if seen[record.id].effect is Effect.ABSENT:
                    attached.append(record)
            return seen | await late(session, attached, _DETACH, Observation(Effect.ABSENT))

        return await each_project(records, in_project)

    async def revert(self, session: GcpSession, records: Sequence[Record]) -> Outcomes:
        """Attach those that are detached, and compare with how they were."""

        async def in_project(several: Sequence[Record]) -> Outcomes:
            found = {record.id: disk for record, disk in await look(session, several)}
            hosts = await described(session, (Attachment.of(one).instance for one in several))

            async def restore(record: Record) -> Outcome:
                host = hosts.get(Attachment.of(record).instance)
                return await _restore(session, record, found[record.id], host)

            return await each_alone(several, restore)

        return await each_project(records, in_project)

    def notes(self, record: Record) -> dict[str, str]:
        """Say where the disk was attached, and how."""
        return Attachment.of(record).words()

    def recall(self, scope: Scope, resource: str, notes: Mapping[str, str]) -> Subject:  # noqa: ARG002 - names hold their project
        """Read back where the disk was attached."""
        was = Attachment.read(notes)
        return Subject(resource, was.state(), (was.instance,))


async def _restore(
    session: GcpSession,
    record: Record,
    disk: Mapping[str, Any] | None,
    host: Mapping[str, Any] | None,
) -> Outcome:
    was = Attachment.of(record)
    if disk is None:
        return _GONE
    name = Name.of(was.instance).name
    if host is None:
        reason = f"its instance {name} does not exist any more; the disk is left as it is"
        return Outcome(OutcomeKind.GONE, reason)
    if (here := attached_to(host, record.resource)) is not None:
        return await _settled(session, record, was, here)
    if others := users_of(disk):
        return rejected(
            f"it was attached to {Name.of(others[0]).name} meanwhile; detach it there and it goes "
            f"back to {name} as {was.device}, or release the record"
        )
    body = Body("attached_disk_resource", "AttachedDisk", was.content())
    place = addressed(Name.of(was.instance))

    async def call(request: str) -> dict[str, Any]:
        return await session.call("instances", _ATTACH, body, **place, request_id=request)

    return await undo(session, record, _ATTACH, call)


async def _settled(
    session: GcpSession, record: Record, was: Attachment, here: Mapping[str, Any]
) -> Outcome:
    """Judge a disk that is attached: after the fault, or before it has begun."""
    if not noted(record, _ATTACH) and await under_way(session, record, _DETACH):
        return PENDING
    if differences := was.differences(here):
        return rejected(
            f"it is attached to {Name.of(was.instance).name} otherwise than before: "
            f"{'; '.join(differences)}; detach it there and it goes back as it was, or release "
            "the record"
        )
    return DONE
