"""Cut instances off from every network: by firewall rules for a tag of the run's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
    Mark,
    Observation,
    Observations,
    Outcome,
    OutcomeKind,
    Outcomes,
    Plan,
    Resource,
    Subject,
    indirect,
    required,
)
from providers.gcp import by_hand
from providers.gcp.describe import each_project, look
from providers.gcp.marks import LabelledFault, mark_rights, note_marks, written
from providers.gcp.names import Name
from providers.gcp.operations import late
from providers.gcp.power import GONE, INSTANCES, rejected
from providers.gcp.review import in_project, missing_rights, readable
from providers.gcp.rights import OPERATIONS, READING
from providers.gcp.rules import LONGEST_DESCRIPTION, NO_RULE, Pair, pair_name, recalled, tag_of
from providers.gcp.session import GcpSession
from providers.gcp.tags import TAG_VERB, fitness, release_tag, set_tag, tags_of
from providers.lengths import LastingFault

_UNASKED = ("compute.firewalls.create", "compute.firewalls.delete", "compute.networks.updatePolicy")
"""What only the project can be asked about, as long as there is no rule."""


class IsolateInstances(LastingFault, LabelledFault):
    """Cut Compute Engine instances off from their networks: nothing gets in, nothing gets out.

    Rules of priority 0 that deny everything over IPv4 are created in each of their networks for
    a tag of the run's own; then the instances get the tag. At the end they lose it, and the
    rules are deleted. What Google always allows stays: the metadata server with its DNS and
    DHCP. A hierarchical firewall policy that allows traffic is evaluated before such rules.
    """

    id = "gcp:compute:isolate-instances"
    by_hand = by_hand.ISOLATED
    undoing = "take the network tag off that cuts it off, or delete the firewall rules"
    provider = "gcp"
    target = INSTANCES
    effect = "gce:instance-network"
    batch = 100
    permissions = (
        *READING,
        *required(
            "compute.instances.setTags",
            "compute.firewalls.create",
            "compute.firewalls.get",
            "compute.firewalls.delete",
            "compute.networks.updatePolicy",
        ),
        *OPERATIONS,
        *indirect(
            "compute.globalOperations.get",
            "compute.globalOperations.list",
            because="as compute.zoneOperations, for the operations of firewall rules",
        ),
        *mark_rights("instances"),
    )

    class Parameters(FaultParameters):
        """Parameters of ``gcp:compute:isolate-instances``."""

        duration: Duration = Field(
            description="How long the instances stay cut off.",
            json_schema_extra={"minimum": "PT1S"},
        )

    def subjects(
        self,
        parameters: Parameters,  # noqa: ARG002 - the same for all
        resources: Sequence[Resource],
        plan: Plan,
    ) -> list[Subject]:
        """Name the rules of each network, then the instances, which depend on them.

        Undone in reverse: what bears the tag is free before the rules go.
        """
        tag = tag_of(plan)
        pairs: dict[str, Subject] = {}
        tagged = []
        for resource in resources:
            networks = [n for n in resource.information.get("networks", "").split(",") if n]
            names = [pair_name(network, tag) for network in networks]
            for network, name in zip(networks, names, strict=True):
                pairs.setdefault(name, Subject(name, {"tag": tag, "network": network}))
            tagged.append(Subject(resource.id, {"tag": tag}, tuple(names)))
        return [*pairs.values(), *tagged]

    async def review(
        self,
        session: GcpSession,
        parameters: Parameters,  # noqa: ARG002 - the same for all
        resources: Sequence[Resource],
    ) -> list[Denial]:
        """Ask for the right to set tags, and for those on rules that are yet to be made."""
        wanted = ["compute.instances.get", "compute.instances.setTags"]
        denials = await missing_rights(session, resources, wanted)
        networks = {
            network
            for resource in resources
            for network in resource.information.get("networks", "").split(",")
            if network
        }
        for project in sorted({Name.of(network).project for network in networks}):
            denials += await readable(session, Name(project, "global", "firewalls", NO_RULE))
            await in_project(session, project, _UNASKED)
        return denials

    async def prepare(
        self,
        session: GcpSession,
        parameters: Parameters,  # noqa: ARG002 - the same for all
        records: Sequence[Record],
    ) -> Outcomes:
        """Look whether each instance can bear the tag and is cut off by it."""
        outcomes: dict[str, Outcome] = {record.id: DONE for record in _pairs(records)}
        for record, instance in await look(session, _instances(records)):
            outcomes[record.id] = fitness(record, instance)
            if instance:
                note_marks(session, record, instance)
        return outcomes

    async def mark(self, session: GcpSession, mark: Mark, records: Sequence[Record]) -> Outcomes:
        """Label the instances; for the rules, which ``inject`` makes, note what they will say."""
        outcomes: dict[str, Outcome] = {}
        for record in _pairs(records):
            text = written(mark, self.notes(record))
            if len(text) > LONGEST_DESCRIPTION:
                outcomes[record.id] = rejected(
                    f"not marked: a rule's description holds {LONGEST_DESCRIPTION} characters, the "
                    f"mark has {len(text)}; shorten the action's name or the role's"
                )
            else:
                record.state["description"] = text
                outcomes[record.id] = DONE
        return {**outcomes, **await super().mark(session, mark, _instances(records))}

    async def unmark(self, session: GcpSession, mark: Mark, records: Sequence[Record]) -> Outcomes:
        """Remove the labels; the rules' marks went with them."""
        outcomes: dict[str, Outcome] = {record.id: DONE for record in _pairs(records)}
        return {**outcomes, **await super().unmark(session, mark, _instances(records))}

    async def inject(
        self,
        session: GcpSession,
        parameters: Parameters,  # noqa: ARG002 - the same for all
        records: Sequence[Record],
    ) -> Outcomes:
        """Create the rules first, then tag the instances whose networks have theirs."""

        async def create(record: Record) -> Outcome:
            return await Pair(session, record).create()

        outcomes = await each_alone(_pairs(records), create)
        refused = {
            record.resource: outcomes[record.id]
            for record in _pairs(records)
            if outcomes[record.id] != PENDING
        }
        found = {record.id: one for record, one in await look(session, _instances(records))}

        async def tag(record: Record) -> Outcome:
            for pair in record.touches:
                if outcome := refused.get(pair):
                    reason = f"not tagged, for want of {Name.of(pair).name}: {outcome.reason}"
                    gone = outcome.kind is OutcomeKind.GONE  # the project, not the instance
                    return Outcome(OutcomeKind.REJECTED if gone else outcome.kind, reason)
            return await set_tag(session, record, found[record.id], on=True)

        return outcomes | await each_alone(_instances(records), tag)

    async def observe(self, session: GcpSession, records: Sequence[Record]) -> Observations:
        """Tell whether the rules are there, and the tag is on the instances."""

        async def in_project(several: Sequence[Record]) -> Observations:
            seen: dict[str, Observation] = {}
            for record in _pairs(several):
                seen[record.id] = await Pair(session, record).observe()
            begun = []
            for record, instance in await look(session, _instances(several)):
                if instance is None:
                    seen[record.id] = Observation(Effect.GONE, GONE.reason)
                elif record.state["tag"] in tags_of(instance):
                    seen[record.id] = Observation(Effect.PRESENT)
                else:
                    begun.append(record)
            return seen | await late(session, begun, TAG_VERB, Observation(Effect.ABSENT))

        return await each_project(records, in_project)

    async def revert(self, session: GcpSession, records: Sequence[Record]) -> Outcomes:
        """Take our tag off the instances and leave theirs; delete the rules."""

        async def in_project(several: Sequence[Record]) -> Outcomes:
            async def delete(record: Record) -> Outcome:
                return await Pair(session, record).delete()

            found = {record.id: one for record, one in await look(session, _instances(several))}

            async def release(record: Record) -> Outcome:
                return await release_tag(session, record, found[record.id])

            freed = await each_alone(_instances(several), release)
            return freed | await each_alone(_pairs(several), delete)

        return await each_project(records, in_project)

    def notes(self, record: Record) -> dict[str, str]:
        """Say which tag it is, and for rules in which network."""
        network = record.state.get("network")
        return {"tag": record.state["tag"]} | ({"network": network} if network else {})

    def recall(self, scope: Scope, resource: str, notes: Mapping[str, str]) -> Subject:  # noqa: ARG002 - names hold their project
        """Read back which tag it is."""
        if Name.of(resource).collection == "firewalls":
            return Subject(resource, recalled(resource, notes))
        return Subject(resource, {"tag": notes["tag"]})


def _pairs(records: Sequence[Record]) -> list[Record]:
    return [r for r in records if Name.of(r.resource).collection == "firewalls"]


def _instances(records: Sequence[Record]) -> list[Record]:
    return [r for r in records if Name.of(r.resource).collection == "instances"]
