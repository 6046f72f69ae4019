"""Delete instances of managed groups, and give the groups their size back."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from pydantic import Field

from bridge.model.record import Record
from providers.batches import chunks, each_alone
from providers.contract import (
    DONE,
    PENDING,
    Denial,
    Duration,
    Effect,
    FaultParameters,
    Mark,
    Observation,
    Observations,
    Outcome,
    OutcomeKind,
    Outcomes,
    Plan,
    Resource,
    Subject,
)
from providers.gcp import by_hand
from providers.gcp.describe import addressed, each_project, kind_of, read
from providers.gcp.groups import GROUP_RIGHTS, LEAVING, MOST, members_of, review_groups, tell
from providers.gcp.names import Name
from providers.gcp.operations import begin, late, noted, under_way, undo
from providers.gcp.power import INSTANCES, rejected
from providers.gcp.session import GcpSession
from providers.lengths import StayingFault
from providers.refusals import RefusedError

_GONE = Outcome(OutcomeKind.GONE, "the managed instance group does not exist any more")
_RESIZE = "resize"
_NAMED = 5
"""So many instances are named in a message."""


class DeleteManagedInstances(StayingFault):
    """Delete instances from their managed groups, which become smaller by them.

    With ``resizeAfterDuration`` the groups get their former size back after it, in new
    instances; without it they stay smaller when the action completes, and a stop or failure of
    the run before that gives it back. A group that is larger by then is left so. In an
    autoscaled group the autoscaler decides on the size at all times, so it is not resized:
    what the load asks for comes back by itself.
    """

    id = "gcp:compute:delete-managed-instances"
    by_hand = by_hand.DELETED
    length = "resize_after_duration"
    provider = "gcp"
    target = INSTANCES
    effect = "gce:group-size"
    permissions = GROUP_RIGHTS

    class Parameters(FaultParameters):
        """Parameters of ``gcp:compute:delete-managed-instances``."""

        resize_after_duration: Duration | None = Field(
            default=None,
            description="How long the groups stay smaller; without it they are not resized.",
        )

    def subjects(
        self,
        parameters: Parameters,  # noqa: ARG002 - the same for all
        resources: Sequence[Resource],
        plan: Plan,  # noqa: ARG002 - groups have names of their own
    ) -> list[Subject]:
        """Name each group once, with its instances; one without a group stands for itself."""
        groups: dict[str, list[str]] = defaultdict(list)
        for resource in resources:
            group = resource.information.get("instanceGroupManager")
            groups[group or resource.id].append(resource.id)
        return [
            Subject(group, {"instances": instances}, tuple(instances))
            for group, instances in groups.items()
        ]

    async def review(
        self,
        session: GcpSession,
        parameters: Parameters,  # noqa: ARG002 - the same for all
        resources: Sequence[Resource],
    ) -> list[Denial]:
        """Read the groups, and ask for the right to change them."""
        return await review_groups(session, resources)

    async def prepare(
        self,
        session: GcpSession,
        parameters: Parameters,  # noqa: ARG002 - the same for all
        records: Sequence[Record],
    ) -> Outcomes:
        """Note each group's size, and which of the instances are its members."""
        outcomes = await asyncio.gather(*(_prepare(session, record) for record in records))
        return {record.id: one for record, one in zip(records, outcomes, strict=True)}

    async def mark(
        self,
        session: GcpSession,  # noqa: ARG002 - nothing is written
        mark: Mark,  # noqa: ARG002 - as above
        records: Sequence[Record],
    ) -> Outcomes:
        """Write nothing: a managed instance group has no labels, nor a text that can change."""
        reason = "not marked: nothing can be written on a managed instance group"
        return {record.id: rejected(reason) for record in records}

    async def inject(
        self,
        session: GcpSession,
        parameters: Parameters,  # noqa: ARG002 - the same for all
        records: Sequence[Record],
    ) -> Outcomes:
        """Delete them, one call a group for every thousand.

        Those that left the group since it was read are skipped, not refused.
        """
        return await each_alone(records, partial(_delete, session))

    async def observe(self, session: GcpSession, records: Sequence[Record]) -> Observations:
        """Tell from the groups' members."""

        async def in_project(several: Sequence[Record]) -> Observations:
            return {record.id: await _observe(session, record) for record in several}

        return await each_project(records, in_project)

    async def revert(self, session: GcpSession, records: Sequence[Record]) -> Outcomes:
        """Give the groups their size back, and wait until their new instances are there."""
        return await each_alone(records, partial(_restore, session))


async def _prepare(session: GcpSession, record: Record) -> Outcome:
    name = Name.of(record.resource)
    if name.collection != "instanceGroupManagers":
        return rejected(
            "it belongs to no managed instance group; to take single instances away, use "
            "gcp:compute:stop-instances"
        )
    group, members = await read(session, name), await members_of(session, name)
    if group is None or members is None:
        return _GONE
    wanted = record.state["instances"]
    here = [one for one in wanted if members.get(one, "DELETING") not in LEAVING]
    if not here:
        if any(one in members for one in wanted):
            return Outcome(OutcomeKind.LEFT, "the instances are being deleted already")
        return rejected(f"none of the instances is a member of {name.name}; resolve them anew")
    record.state |= {
        "instances": here,
        "skipped": record.state.get("skipped", []) + [one for one in wanted if one not in here],
        "size": int(group.get("targetSize", 0)),
        "autoscaled": bool(group.get("status", {}).get("autoscaler")),
    }
    return DONE


def _verb(number: int) -> str:
    return f"deleteInstances-{number}"


async def _delete(session: GcpSession, record: Record) -> Outcome:
    name = Name.of(record.resource)
    for number, chunk in enumerate(chunks(record.state["instances"], MOST)):

        async def call(request: str, chunk: Sequence[str] = chunk) -> dict[str, Any]:
            return await tell(
                session,
                name,
                "deleteInstances",
                chunk,
                request,
                skipInstancesOnValidationError=True,
            )

        try:
            outcome = await begin(session, record, _verb(number), call)
        except RefusedError as refusal:
            if not number:
                raise
            outcome = rejected(str(refusal))
        if outcome.kind is OutcomeKind.REJECTED and number:
            # A thousand are gone already and must be undone: no refusal of the whole.
            record.state["refused"] = outcome.reason
            return PENDING
        if outcome.kind is not OutcomeKind.PENDING:
            return outcome
    return PENDING


async def _observe(session: GcpSession, record: Record) -> Observation:
    members = await members_of(session, Name.of(record.resource))
    if members is None:
        return Observation(Effect.GONE, _GONE.reason)
    if noted(record, _RESIZE):
        return await _resized(session, record)
    if refused := record.state.get("refused"):
        return Observation(Effect.FAILED, refused)
    wanted = record.state["instances"]
    left = [one for one in wanted if one in members]
    staying = [one for one in left if members[one] not in LEAVING]
    if not staying:
        if left:
            return Observation(Effect.APPLYING)
        return Observation(Effect.PRESENT, _skipped(record.state.get("skipped", [])))
    if len(staying) < len(wanted):
        ended = Observation(Effect.PRESENT, _skipped(staying))
    else:
        ended = Observation(Effect.FAILED, _skipped(staying))
    return (await late(session, [record], _verb(0), ended))[record.id]


async def _resized(session: GcpSession, record: Record) -> Observation:
    """Tell how far the undoing is: other instances of other names take the deleted ones' place."""
    group = await read(session, Name.of(record.resource))
    if group is None:
        return Observation(Effect.GONE, _GONE.reason)
    coming = await _coming(session, record, group)
    return Observation(Effect.LIFTING if coming else Effect.ABSENT, coming)


def _skipped(instances: Sequence[str]) -> str:
    if not instances:
        return ""
    names = ", ".join(Name.of(one).name for one in instances[:_NAMED])
    more = f" and {len(instances) - _NAMED} more" if len(instances) > _NAMED else ""
    return f"Google skipped {names}{more}: not members of the group, or on their way out of it"


async def _restore(session: GcpSession, record: Record) -> Outcome:
    name = Name.of(record.resource)
    group = await read(session, name)
    if group is None:
        return _GONE
    size = record.state["size"]
    if not noted(record, _RESIZE) and await _deleting(session, record):
        return PENDING
    if record.state.get("autoscaled"):
        return Outcome(OutcomeKind.DONE, "not resized: the group's autoscaler sets its size")
    if int(group.get("targetSize", 0)) < size:

        async def call(request: str) -> dict[str, Any]:
            place = addressed(name)
            return await session.call(
                kind_of(name), _RESIZE, **place, size=size, request_id=request
            )

        return await undo(session, record, _RESIZE, call)
    coming = await _coming(session, record, group)
    return Outcome(OutcomeKind.PENDING, coming) if coming else DONE


async def _coming(session: GcpSession, record: Record, group: Mapping[str, Any]) -> str:
    """Say what the group, which has its size back, has yet to do for it."""
    if noted(record, _RESIZE) and await under_way(session, record, _RESIZE):
        return "the group is being resized"
    actions = group.get("currentActions", {})
    coming = sum(int(actions.get(one, 0)) for one in ("creating", "creatingWithoutRetries"))
    return f"{coming} of its instances are being created" if coming else ""


async def _deleting(session: GcpSession, record: Record) -> bool:
    """Say whether the deletion has yet to lower the size: restored before, it would be undone."""
    numbers = range(len(list(chunks(record.state["instances"], MOST))))
    return any([await under_way(session, record, _verb(number)) for number in numbers])
