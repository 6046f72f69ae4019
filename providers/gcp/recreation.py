"""Have managed groups recreate instances: deleted, and made anew under the same name."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from bridge.model.record import Record
from providers.batches import chunks
from providers.contract import (
    DONE,
    Denial,
    Effect,
    Fault,
    Observation,
    Observations,
    Outcome,
    OutcomeKind,
    Outcomes,
    Plan,
    ProviderError,
    Resource,
    Subject,
    indirect,
    required,
)
from providers.gcp import by_hand
from providers.gcp.describe import each_project, look
from providers.gcp.groups import GROUP_RIGHTS, LEAVING, MOST, members_of, review_groups, tell
from providers.gcp.marks import note_marks
from providers.gcp.names import Name
from providers.gcp.operations import begin_together, late
from providers.gcp.power import GONE, INSTANCES, POWER, rejected
from providers.gcp.session import GcpSession
from providers.lengths import PassingFault
from providers.marks import foreign_mark
from providers.refusals import DeniedError, RefusedError, refusal_outcome

_VERB = "recreateInstances"


class RecreateManagedInstances(PassingFault):
    """Have managed instance groups recreate instances: what is on their boot disks is lost.

    A recreated instance has its old name and another numeric id, which is how the effect is
    told, whatever became of the call's answer.
    """

    id = "gcp:compute:recreate-managed-instances"
    by_hand = by_hand.RECREATED
    provider = "gcp"
    target = INSTANCES
    effect = POWER
    batch = 100
    permissions = (
        *GROUP_RIGHTS,
        *required("compute.instances.get"),
        *indirect("compute.instances.list", because="beyond five of a zone they are listed"),
    )

    def subjects(
        self,
        parameters: Fault.Parameters,  # noqa: ARG002 - it has none
        resources: Sequence[Resource],
        plan: Plan,  # noqa: ARG002 - instances have names of their own
    ) -> list[Subject]:
        """Name each instance, with its group."""
        return [
            Subject(resource.id, {"group": group}, (group,)) if group else Subject(resource.id)
            for resource in resources
            for group in [resource.information.get("instanceGroupManager", "")]
        ]

    async def review(
        self,
        session: GcpSession,
        parameters: Fault.Parameters,  # noqa: ARG002 - the same for all
        resources: Sequence[Resource],
    ) -> list[Denial]:
        """Read the groups, and ask for the right to change them."""
        return await review_groups(session, resources)

    async def prepare(
        self,
        session: GcpSession,
        parameters: Fault.Parameters,  # noqa: ARG002 - it has none
        records: Sequence[Record],
    ) -> Outcomes:
        """Note each instance's numeric id; refuse what is no member of its group."""
        members = await _members(session, records)
        outcomes: dict[str, Outcome] = {}
        for record, instance in await look(session, records):
            if instance is None:
                outcomes[record.id] = GONE
                continue
            action = members[record.state.get("group", "")].get(record.resource, "")
            outcomes[record.id] = DONE
            if not action:
                outcomes[record.id] = rejected(
                    "it belongs to no managed instance group, which alone can recreate it; leave "
                    "it out"
                )
            elif action in LEAVING:
                outcomes[record.id] = rejected("it is being deleted; leave it out")
            record.state["instance"] = str(instance["id"])
            note_marks(session, record, instance)
        return outcomes

    async def inject(
        self,
        session: GcpSession,
        parameters: Fault.Parameters,  # noqa: ARG002 - it has none
        records: Sequence[Record],
    ) -> Outcomes:
        """Recreate them, one call a group for every thousand.

        Google refuses the whole call for one instance that is no member any more, so these
        are taken out then, and the rest is asked for again.
        """
        batches = [
            chunk for several in _by_group(records).values() for chunk in chunks(several, MOST)
        ]
        answers = await asyncio.gather(
            *(_recreate(session, batch) for batch in batches), return_exceptions=True
        )
        outcomes: dict[str, Outcome] = {}
        for batch, answer in zip(batches, answers, strict=True):
            if isinstance(answer, ProviderError):
                unknown = Outcome(OutcomeKind.UNKNOWN, str(answer))
                outcomes |= {record.id: unknown for record in batch}
            elif isinstance(answer, BaseException):
                raise answer
            else:
                outcomes |= answer
        return outcomes

    async def observe(self, session: GcpSession, records: Sequence[Record]) -> Observations:
        """Tell from the numeric ids, and from what the groups are doing."""

        async def in_project(several: Sequence[Record]) -> Observations:
            members = await _members(session, several)
            seen: dict[str, Observation] = {}
            untouched = []
            for record, instance in await look(session, several):
                action = members[record.state.get("group", "")].get(record.resource, "")
                same = instance is not None and str(instance["id"]) == record.state["instance"]
                if instance is not None and not same:
                    seen[record.id] = Observation(Effect.PRESENT)
                elif action and action != "NONE":
                    seen[record.id] = Observation(Effect.APPLYING)
                elif instance is None:
                    seen[record.id] = Observation(Effect.GONE, GONE.reason)
                else:
                    untouched.append(record)
            ended = Observation(Effect.FAILED, "its group did not recreate it")
            return seen | await late(session, untouched, _VERB, ended)

        return await each_project(records, in_project)

    async def revert(self, session: GcpSession, records: Sequence[Record]) -> Outcomes:  # noqa: ARG002 - there is nothing to ask
        """Do nothing: there is nothing that could be put back."""
        return {record.id: DONE for record in records}

    def foreign_mark(self, record: Record) -> str | None:
        """Return the first foreign mark that ``prepare`` noted."""
        return foreign_mark(record)


def _by_group(records: Sequence[Record]) -> dict[str, list[Record]]:
    groups: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        groups[record.state.get("group", "")].append(record)
    return groups


async def _members(session: GcpSession, records: Sequence[Record]) -> dict[str, dict[str, str]]:
    """Return the members of the records' groups; of none where there is no group."""
    groups = [group for group in _by_group(records) if group]
    found = await asyncio.gather(*(members_of(session, Name.of(group)) for group in groups))
    return {"": {}} | {group: one or {} for group, one in zip(groups, found, strict=True)}


async def _recreate(session: GcpSession, records: Sequence[Record]) -> Outcomes:
    group = Name.of(records[0].state["group"])

    async def call(several: Sequence[Record], request: str) -> dict[str, Any]:
        names = [record.resource for record in several]
        return await tell(session, group, _VERB, names, request)

    try:
        outcome = await begin_together(session, records, _VERB, lambda one: call(records, one))
    except DeniedError:
        raise
    except RefusedError as refusal:
        members = await members_of(session, group) or {}
        fit = [r for r in records if members.get(r.resource, "DELETING") not in LEAVING]
        ids = {record.id for record in fit}
        unfit = {r.id: refusal_outcome(refusal) for r in records if r.id not in ids}
        if not fit or not unfit:
            return {record.id: refusal_outcome(refusal) for record in records}
        return unfit | dict(await _recreate(session, fit))
    return {record.id: outcome for record in records}
