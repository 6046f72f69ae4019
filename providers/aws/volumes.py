"""Faults on EBS volumes: detach them, and attach them again as they were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from pydantic import Field

from bridge.model.record import Record
from bridge.model.scope import Scope
from providers.aws import by_hand
from providers.aws.arns import ec2_arn, plain_id
from providers.aws.attachments import (
    Attachment,
    attached_to,
    compared,
    deleted_with_instance,
    why_not_detached,
)
from providers.aws.batches import plain_ids
from providers.aws.describe import instances_by_id, state_of, volumes_by_id
from providers.aws.filters import tags_of
from providers.aws.marks import MARK_RIGHTS, MarkedEc2Fault, note_marks
from providers.aws.power import ENDED
from providers.aws.review import dry_run
from providers.aws.rights import THROUGH_EC2
from providers.aws.session import AwsSession
from providers.batches import each_alone
from providers.contract import (
    DONE,
    PENDING,
    TARGETS,
    Denial,
    Duration,
    Effect,
    FaultParameters,
    Group,
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
from providers.lengths import LastingFault
from providers.refusals import RefusedError

_PROBED: Final = 10
"""Volumes whose rights are asked for before a run; each takes a call of its own."""

_NOT_ATTACHED: Final = ("IncorrectState", "InvalidAttachment.NotFound")


class DetachVolume(LastingFault, MarkedEc2Fault):
    """Detach EBS volumes from their instances, and attach them again when the fault ends.

    They come back to the same instance under the same device name, with DeleteOnTermination as
    it was. The operating system sees the disk vanish; EC2 waits while a volume is mounted, and
    never is one detached by force. A volume that is attached nowhere is left so.
    """

    id = "aws:ebs:detach-volume"
    by_hand = by_hand.DETACHED
    undoing = "attach it where it was"
    provider = "aws"
    target = TargetSpec("Volumes", "aws:ec2:ebs-volume")
    effect = "ebs:attachment"
    batch = 100
    permissions = (
        *required("ec2:DescribeVolumes", "ec2:DescribeInstances"),
        *required("ec2:DetachVolume", on=(TARGETS, "ec2:instance/*")),
        *required("ec2:AttachVolume", on=(TARGETS, "ec2:instance/*"), undoes=True),
        *indirect(
            "ec2:ModifyInstanceAttribute",
            because="a volume that is deleted with its instance must be told so after attaching",
            on=("ec2:instance/*",),
        ),
        *indirect(
            "kms:CreateGrant",
            because="EC2 needs it to attach an encrypted volume",
            on=("kms:key/*",),
            when=THROUGH_EC2,
        ),
        *MARK_RIGHTS,
    )

    class Parameters(FaultParameters):
        """Parameters of ``aws:ebs:detach-volume``."""

        duration: Duration = Field(
            description="How long the volumes stay detached.",
            json_schema_extra={"minimum": "PT1S"},
        )

    async def reached(
        self,
        session: AwsSession,
        parameters: Parameters,  # noqa: ARG002 - the same for all
        resources: Sequence[Resource],
    ) -> Sequence[Group]:
        """Find the instances that lose a volume: they are touched too."""
        volumes = await volumes_by_id(session, [plain_id(one.id) for one in resources])
        instances = await instances_by_id(session, _hosts(volumes.values()))
        hosts = [
            Resource(
                "aws:ec2:instance",
                ec2_arn(session.caller.scope, "instance", plain),
                tags=tags_of(instance),
            )
            for plain, instance in sorted(instances.items())
        ]
        return [Group("instances that lose a volume", len(hosts), hosts, inside=False)]

    async def review(
        self,
        session: AwsSession,
        parameters: Parameters,  # noqa: ARG002 - the same for all
        resources: Sequence[Resource],
    ) -> list[Denial]:
        """Ask for the rights to detach and, before that is used, to attach again."""
        ids = [plain_id(resource.id) for resource in resources][:_PROBED]
        calls: list[tuple[str, dict[str, Any]]] = []
        volumes = await volumes_by_id(session, ids)
        # Whoever may not look at the instances would find out when others have begun.
        await instances_by_id(session, _hosts(volumes.values()))
        for volume_id, volume in volumes.items():
            for one in volume.get("Attachments", ())[:1]:
                if "InstanceId" not in one:
                    continue
                was = Attachment.described(one)
                place = {"VolumeId": volume_id, **was.place()}
                calls.append(("DetachVolume", {"VolumeId": volume_id, "InstanceId": was.instance}))
                calls.append(("AttachVolume", place))
                if was.delete_on_termination:
                    calls.append(("ModifyInstanceAttribute", _deleting(was)))
        return await dry_run(session, *calls)

    async def prepare(
        self,
        session: AwsSession,
        parameters: Parameters,  # noqa: ARG002 - the same for all
        records: Sequence[Record],
    ) -> Outcomes:
        """Note how each volume is attached; the record then touches the instance as well."""
        volumes = await volumes_by_id(session, plain_ids(records))
        instances = await instances_by_id(session, _hosts(volumes.values()))
        outcomes: dict[str, Outcome] = {}
        for record in records:
            volume = volumes.get(plain_id(record.resource))
            if volume is None:
                outcomes[record.id] = Outcome(OutcomeKind.GONE, "the volume does not exist")
            elif not volume.get("Attachments"):
                outcomes[record.id] = Outcome(OutcomeKind.LEFT, "the volume is attached nowhere")
            elif reason := why_not_detached(volume, instances):
                outcomes[record.id] = Outcome(OutcomeKind.REJECTED, reason)
            else:
                was = Attachment.described(volume["Attachments"][0])
                record.state.update(was.state())
                record.touches = (ec2_arn(session.caller.scope, "instance", was.instance),)
                note_marks(session, record, volume.get("Tags", ()))
                outcomes[record.id] = DONE
        return outcomes

    async def inject(
        self,
        session: AwsSession,
        parameters: Parameters,  # noqa: ARG002 - the same for all
        records: Sequence[Record],
    ) -> Outcomes:
        """Detach them, one call each (EC2 takes one volume a call), side by side."""
        return await each_alone(records, partial(self._detach, session))

    async def observe(self, session: AwsSession, records: Sequence[Record]) -> Observations:
        """Compare with how each volume was attached."""
        volumes = await volumes_by_id(session, plain_ids(records))
        return {
            record.id: compared(volumes.get(plain_id(record.resource)), Attachment.of(record))
            for record in records
        }

    async def revert(self, session: AwsSession, records: Sequence[Record]) -> Outcomes:
        """Attach those that are detached; then, in a later call, put DeleteOnTermination back."""
        volumes = await volumes_by_id(session, plain_ids(records))
        hosts = {Attachment.of(record).instance for record in records}
        instances = await instances_by_id(session, sorted(hosts))

        async def restore(record: Record) -> Outcome:
            volume = volumes.get(plain_id(record.resource))
            was = Attachment.of(record)
            if volume is None:
                return Outcome(OutcomeKind.GONE, "the volume does not exist any more")
            if state_of(instances.get(was.instance)) in ENDED:
                return Outcome(
                    OutcomeKind.GONE,
                    f"its instance {was.instance} is terminated; the volume is left as it is",
                )
            return await _restore(session, volume, was)

        return await each_alone(records, restore)

    def notes(self, record: Record) -> dict[str, str]:
        """Say where the volume was attached, and how."""
        return Attachment.of(record).words()

    def recall(self, scope: Scope, resource: str, notes: Mapping[str, str]) -> Subject:
        """Read back where the volume was attached."""
        was = Attachment.read(notes)
        return Subject(resource, was.state(), (ec2_arn(scope, "instance", was.instance),))

    async def _detach(self, session: AwsSession, record: Record) -> Outcome:
        volume = plain_id(record.resource)
        was = Attachment.of(record)
        try:
            answer = await session.call(
                "ec2", "DetachVolume", VolumeId=volume, InstanceId=was.instance
            )
        except RefusedError as refusal:
            if refusal.code not in _NOT_ATTACHED:
                raise
            # Detached already, or on its way: what an earlier call that we lost sight of did.
            found = (await self.observe(session, [record]))[record.id]
            if found.effect is Effect.APPLYING:
                return PENDING
            if found.effect is Effect.PRESENT and not found.reason:
                return DONE
            raise
        return DONE if answer.get("State") == "detached" else PENDING


async def _restore(session: AwsSession, volume: Mapping[str, Any], was: Attachment) -> Outcome:
    volume_id = volume["VolumeId"]
    here = attached_to(volume, was.instance)
    if here is None:
        if others := [one.get("InstanceId", "a service") for one in volume.get("Attachments", ())]:
            return Outcome(
                OutcomeKind.REJECTED,
                f"it was attached to {others[0]} meanwhile; detach it there and it goes back to "
                f"{was.instance} as {was.device}, or release the record",
            )
        here = await session.call("ec2", "AttachVolume", VolumeId=volume_id, **was.place())
    if here["State"] != "attached":
        return PENDING
    if deleted_with_instance(here) != was.delete_on_termination:
        at = Attachment.described({"InstanceId": was.instance, "Device": was.device, **here})
        await session.call(
            "ec2", "ModifyInstanceAttribute", **_deleting(at, was.delete_on_termination)
        )
    return DONE


def _deleting(at: Attachment, delete: bool = True) -> dict[str, Any]:
    mapping = {"DeviceName": at.device, "Ebs": {"DeleteOnTermination": delete}}
    return {"InstanceId": at.instance, "BlockDeviceMappings": [mapping]}


def _hosts(volumes: Any) -> list[str]:
    found = {one.get("InstanceId") for volume in volumes for one in volume.get("Attachments", ())}
    return sorted(found - {None})
