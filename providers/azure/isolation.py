"""The fault that cuts machines off their network by a security group that denies everything."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from pydantic import Field

from bridge.model.record import Record
from bridge.model.scope import Scope
from providers.azure import by_hand, security_groups
from providers.azure.describe import Seen, interfaces, machines, resource_of
from providers.azure.ids import (
    NETWORK_INTERFACE,
    SECURITY_GROUP,
    VIRTUAL_MACHINE,
    ResourceId,
)
from providers.azure.interfaces import (
    GROUP,
    INTERFACES,
    compared,
    group_of,
    isolate,
    of_machine,
    read,
    restore,
    words,
)
from providers.azure.marks import (
    MARK_RIGHTS,
    MarkedAzureFault,
    note_marks,
    tag_name,
    too_long,
    written,
)
from providers.azure.power import GONE, rejected
from providers.azure.review import REVIEW_RIGHTS, review
from providers.azure.security_groups import LOCATION, TAGS, is_group, name_of
from providers.azure.session import AzureSession
from providers.batches import each_alone
from providers.contract import (
    DONE,
    PENDING,
    SUBSCRIPTION,
    Denial,
    Duration,
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
    TargetSpec,
    indirect,
    required,
)
from providers.lengths import LastingFault
from providers.marks import mark_text

_PROBED: Final = 50
"""Machines whose interfaces are looked up before a run, to ask for the rights on them."""


class IsolateVms(LastingFault, MarkedAzureFault):
    """Cut Azure virtual machines off the network, and give it back when the fault ends.

    A security group that denies everything takes the place of each network interface's own; the
    subnet's stays. Azure applies rules to new flows: a connection that is open may last until
    it has been idle for some minutes.
    """

    id = "azure:compute:isolate-vms"
    by_hand = by_hand.ISOLATED
    undoing = (
        "give its network interfaces their security groups back, or delete the one that cuts off"
    )
    provider = "azure"
    target = TargetSpec("Instances", "azure:compute:vm")
    effect = "azure:vm-network"
    permissions = (
        *required(
            f"{VIRTUAL_MACHINE}/read",
            f"{NETWORK_INTERFACE}/read",
            f"{NETWORK_INTERFACE}/write",
            f"{SECURITY_GROUP}/read",
            f"{SECURITY_GROUP}/write",
            f"{SECURITY_GROUP}/delete",
            f"{SECURITY_GROUP}/join/action",
        ),
        *indirect(
            "Microsoft.Network/virtualNetworks/subnets/join/action",
            because="Azure asks for it on the interface's subnet when the interface is written",
        ),
        *indirect(
            "Microsoft.Network/publicIPAddresses/join/action",
            "Microsoft.Network/loadBalancers/backendAddressPools/join/action",
            "Microsoft.Network/applicationSecurityGroups/joinIpConfiguration/action",
            because="the same, for what else the interface refers to",
        ),
        *indirect(
            "Microsoft.Network/locations/operations/read",
            because="an operation that failed late is asked why, where it may be",
            on=(SUBSCRIPTION,),
        ),
        *REVIEW_RIGHTS,
        *MARK_RIGHTS,
    )
    batch = 100

    class Parameters(FaultParameters):
        """Parameters of ``azure:compute:isolate-vms``."""

        duration: Duration = Field(
            description="How long the machines stay isolated.",
            json_schema_extra={"minimum": "PT1S"},
        )

    def subjects(
        self,
        parameters: Parameters,  # noqa: ARG002 - the same for all
        resources: Sequence[Resource],
        plan: Plan,
    ) -> list[Subject]:
        """Name the security groups, one for each resource group and location, then the machines.

        Undo runs in reverse where records touch each other: a group is deleted last.
        """
        groups: dict[str, Subject] = {}
        isolated: list[Subject] = []
        for resource in resources:
            machine, location = ResourceId.of(resource.id), resource.information[LOCATION]
            group = str(machine._replace(kind=SECURITY_GROUP, names=(name_of(plan, location),)))
            groups[group] = Subject(group, {LOCATION: location})
            isolated.append(Subject(str(machine), {GROUP: group}, (group,)))
        return [*groups.values(), *isolated]

    async def review(
        self,
        session: AzureSession,
        parameters: Parameters,  # noqa: ARG002 - the same for all
        resources: Sequence[Resource],
    ) -> list[Denial]:
        """Ask for the rights on machines, their groups, and their interfaces where they are."""
        probed = [ResourceId.of(resource.id) for resource in resources[:_PROBED]]
        seen = await machines(session, probed)
        found = {one for machine in seen.values() for one in of_machine(machine)}
        on_interfaces = [Resource(NETWORK_INTERFACE, one) for one in sorted(found)]
        asked = (
            (resources, f"{VIRTUAL_MACHINE}/"),
            (resources, f"{SECURITY_GROUP}/"),
            (on_interfaces, f"{NETWORK_INTERFACE}/"),
        )
        denials: list[Denial] = []
        for where, kinds in asked:
            denials += await review(session, where, self.permissions, kinds=kinds)
        return denials

    async def prepare(
        self,
        session: AzureSession,
        parameters: Parameters,  # noqa: ARG002 - the same for all
        records: Sequence[Record],
    ) -> Outcomes:
        """Note each interface's security group; of the group that is yet to be made, nothing."""
        outcomes: dict[str, Outcome] = {r.id: DONE for r in records if is_group(r)}
        isolated = [record for record in records if not is_group(record)]
        seen = await machines(session, map(resource_of, isolated))
        wanted = {one for machine in seen.values() for one in of_machine(machine)}
        on = await interfaces(session, map(ResourceId.of, wanted))
        for record in isolated:
            machine = seen.get(resource_of(record))
            if machine is None:
                outcomes[record.id] = GONE
                continue
            names = of_machine(machine)
            if missing := [name for name in names if ResourceId.of(name) not in on]:
                outcomes[record.id] = rejected(f"its interface {missing[0]} cannot be found")
            elif not names:
                outcomes[record.id] = rejected("it has no network interface; leave it out")
            else:
                record.state[INTERFACES] = {n: group_of(on[ResourceId.of(n)]) for n in names}
                note_marks(session, record, machine)
                outcomes[record.id] = DONE
        return outcomes

    async def inject(
        self,
        session: AzureSession,
        parameters: Parameters,  # noqa: ARG002 - the same for all
        records: Sequence[Record],
    ) -> Outcomes:
        """Make the security groups, then put them on the interfaces: Azure takes one a call."""
        groups = [record for record in records if is_group(record)]
        made = await each_alone(groups, partial(security_groups.create, session))
        failed = {r.resource: made[r.id] for r in groups if made[r.id] not in (DONE, PENDING)}
        outcomes: dict[str, Outcome] = dict(made)
        ready: list[Record] = []
        for record in records:
            if is_group(record):
                continue
            if (why := failed.get(record.state[GROUP])) is not None:
                outcomes[record.id] = Outcome(why.kind, f"its security group: {why.reason}")
            else:
                ready.append(record)
        return {**outcomes, **await each_alone(ready, partial(isolate, session))}

    async def observe(self, session: AzureSession, records: Sequence[Record]) -> Observations:
        """Tell from the interfaces, and of the groups whether they are there."""
        isolated = [record for record in records if not is_group(record)]
        on = await _interfaces_of(session, isolated)

        async def one(record: Record) -> Observation:
            if is_group(record):
                return await security_groups.look(session, record)
            return await compared(session, record, on)

        answers = await asyncio.gather(*map(one, records))
        return {record.id: answer for record, answer in zip(records, answers, strict=True)}

    async def revert(self, session: AzureSession, records: Sequence[Record]) -> Outcomes:
        """Put the interfaces' own groups back; then delete the groups that nothing needs."""
        isolated = [record for record in records if not is_group(record)]
        on = await _interfaces_of(session, isolated)
        outcomes = await each_alone(isolated, lambda record: restore(session, record, on))
        ended = (OutcomeKind.DONE, OutcomeKind.GONE)
        busy = {r.state[GROUP] for r in isolated if outcomes[r.id].kind not in ended}
        groups = [record for record in records if is_group(record)]
        waiting = {r.id: PENDING for r in groups if r.resource in busy}
        free = [record for record in groups if record.resource not in busy]
        deleted = await each_alone(free, partial(security_groups.delete, session))
        return {**outcomes, **waiting, **deleted}

    async def mark(self, session: AzureSession, mark: Mark, records: Sequence[Record]) -> Outcomes:
        """Tag the machines; the groups are made with their mark on them."""
        outcomes: dict[str, Outcome] = {}
        for record in filter(is_group, records):
            tags = written(tag_name(mark.key), mark_text(mark, self.notes(record)))
            record.state[TAGS] = tags or {}
            outcomes[record.id] = too_long() if tags is None else DONE
        isolated = [record for record in records if not is_group(record)]
        return {**outcomes, **await super().mark(session, mark, isolated)}

    async def unmark(
        self, session: AzureSession, mark: Mark, records: Sequence[Record]
    ) -> Outcomes:
        """Remove the machines' tags; the groups' went with them."""
        outcomes = {record.id: DONE for record in records if is_group(record)}
        isolated = [record for record in records if not is_group(record)]
        return {**outcomes, **await super().unmark(session, mark, isolated)}

    def notes(self, record: Record) -> dict[str, str]:
        """Say which security groups the interfaces had."""
        return {"for": "isolation"} if is_group(record) else words(record)

    def recall(self, scope: Scope, resource: str, notes: Mapping[str, str]) -> Subject:  # noqa: ARG002 - Azure's ids say all
        """Read back which security groups the interfaces had."""
        if ResourceId.of(resource).kind == SECURITY_GROUP:
            return Subject(resource)
        state = read(resource, notes)
        return Subject(resource, state, (state[GROUP],))


async def _interfaces_of(session: AzureSession, records: Sequence[Record]) -> Seen:
    wanted = {ResourceId.of(one) for record in records for one in record.state[INTERFACES]}
    return await interfaces(session, wanted)
