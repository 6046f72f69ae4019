"""The power of instances: taken away by one verb, given back by another, never by default.

Compute Engine changes one instance a call, so a hundred take a hundred calls; they are read in
one. Its states: "Instance life cycle" in the documentation.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from bridge.model.record import Record
from bridge.model.scope import Scope
from providers.batches import each_alone
from providers.contract import (
    DONE,
    PENDING,
    Denial,
    Effect,
    Observation,
    Observations,
    Outcome,
    OutcomeKind,
    Outcomes,
    Resource,
    Subject,
    TargetSpec,
)
from providers.gcp.describe import addressed, each_project, look
from providers.gcp.marks import LabelledFault, note_marks
from providers.gcp.names import Name
from providers.gcp.operations import begin, late, progress_of, undo
from providers.gcp.review import missing_rights
from providers.gcp.session import GcpSession

POWER: Final = "gce:instance-power"
"""The effect that all of them have: one run at a time has its hands on an instance's power."""

INSTANCES: Final = TargetSpec("Instances", "gcp:compute:instance")
GONE: Final = Outcome(OutcomeKind.GONE, "the instance does not exist any more")


def rejected(reason: str) -> Outcome:
    """Refuse a record."""
    return Outcome(OutcomeKind.REJECTED, reason)


def status_of(instance: Mapping[str, Any] | None) -> str:
    """Return ``RUNNING`` …; TERMINATED, which is what the API calls a stopped one; or nothing."""
    status = str(instance.get("status", "UNKNOWN")) if instance else ""
    return "TERMINATED" if status == "STOPPED" else status


def not_running(status: str, verb: str) -> Outcome:
    """Refuse an instance that is in another state than the verb's."""
    return rejected(
        f"the instance is {status}, and only running ones {verb}; start the run again when it "
        "runs, or filter by status = RUNNING"
    )


def has_local_ssd(instance: Mapping[str, Any]) -> bool:
    """Whether the instance has disks whose contents end with its power."""
    return any(disk.get("type") == "SCRATCH" for disk in instance.get("disks", ()))


def own_key(disk: Mapping[str, Any]) -> bool:
    """Whether a disk is encrypted with a key that its owner gives with each request.

    Google answers the key's hash only, so nothing that needs the key can be undone.
    """
    key = disk.get("diskEncryptionKey", {})
    return bool(key) and "kmsKeyName" not in key


def keyed_disk(instance: Mapping[str, Any]) -> Outcome | None:
    """Refuse an instance that cannot be started without a key that only its owner has."""
    for disk in instance.get("disks", ()):
        if own_key(disk):
            return rejected(
                f"its disk {disk.get('deviceName', '')} is encrypted with a key that you supply, "
                "without which the bridge could not start it again; use a key of Cloud KMS, or "
                "leave the instance out"
            )
    return None


class PowerFault(LabelledFault):
    """A fault that takes running instances down and brings them up again."""

    provider = "gcp"
    target = INSTANCES
    effect = POWER
    batch = 100
    down: ClassVar[str]
    """The method that takes them down: ``stop``."""
    up: ClassVar[str]
    """The method that brings them up: ``start``."""
    states: ClassVar[Mapping[str, Effect]]
    """What an instance's status tells."""
    lost: ClassVar[str]
    """The status in which ``up`` is the way back."""

    async def review(
        self,
        session: GcpSession,
        parameters: Any,  # noqa: ARG002 - a stopped run brings them up in any case
        resources: Sequence[Resource],
    ) -> list[Denial]:
        """Ask for the right to take them down and, before that is used, to bring them up."""
        wanted = [f"compute.instances.{verb}" for verb in ("get", self.down, self.up)]
        return await missing_rights(session, resources, wanted)

    async def prepare(
        self, session: GcpSession, parameters: Any, records: Sequence[Record]
    ) -> Outcomes:
        """Note that each instance runs; leave those that are down, refuse what cannot come up."""
        outcomes: dict[str, Outcome] = {}
        for record, instance in await look(session, records):
            outcomes[record.id] = self._fitness(instance, parameters)
            if instance and outcomes[record.id] == DONE:
                record.state["prior"] = "RUNNING"
                note_marks(session, record, instance)
        return outcomes

    def _fitness(self, instance: Mapping[str, Any] | None, parameters: Any) -> Outcome:
        status = status_of(instance)
        if instance is None:
            return GONE
        if self.states.get(status) in (Effect.PRESENT, Effect.APPLYING):
            return Outcome(OutcomeKind.LEFT, f"the instance is {status} already")
        if status != "RUNNING":
            return not_running(status, f"can be made to {self.down}")
        return self.unfit(instance, parameters) or DONE

    @abstractmethod
    def unfit(self, instance: Mapping[str, Any], parameters: Any) -> Outcome | None:
        """Say why a running instance cannot be taken down and brought up again, or None."""

    def given(self, parameters: Any) -> dict[str, Any]:  # noqa: ARG002 - of a fault with some
        """Return the parameters of the call that takes an instance down."""
        return {}

    async def inject(
        self, session: GcpSession, parameters: Any, records: Sequence[Record]
    ) -> Outcomes:
        """Take them down, one call each, side by side."""
        given = self.given(parameters)

        async def take_down(record: Record) -> Outcome:
            return await _change(session, record, self.down, given)

        return await each_alone(records, take_down)

    async def observe(self, session: GcpSession, records: Sequence[Record]) -> Observations:
        """Tell from the status; where that is as before, from the operation."""

        async def in_project(several: Sequence[Record]) -> Observations:
            seen: dict[str, Observation] = {}
            untouched = []
            for record, instance in await look(session, several):
                status = status_of(instance)
                if status == "RUNNING":
                    untouched.append(record)
                else:
                    effect = self.states.get(status, Effect.UNKNOWN)
                    seen[record.id] = Observation(effect, _elsewhere(status, effect))
            ended = Observation(Effect.ABSENT)
            return seen | await late(session, untouched, self.down, ended)

        return await each_project(records, in_project)

    async def revert(self, session: GcpSession, records: Sequence[Record]) -> Outcomes:
        """Bring up those that are down; the rest runs, is on its way, or is gone."""

        async def in_project(several: Sequence[Record]) -> Outcomes:
            outcomes: dict[str, Outcome] = {}
            down, running = [], []
            for record, instance in await look(session, several):
                status = status_of(instance)
                if instance is None:
                    outcomes[record.id] = GONE
                elif record.state.get("prior") != "RUNNING":
                    outcomes[record.id] = DONE
                elif status == "RUNNING":
                    running.append(record)
                elif status == self.lost:
                    down.append(record)
                else:
                    outcomes[record.id] = _waiting(status)
            outcomes |= await self._settled(session, running)
            return outcomes | await each_alone(down, self._bringing_up(session))

        return await each_project(records, in_project)

    async def _settled(self, session: GcpSession, running: Sequence[Record]) -> Outcomes:
        """Make sure that what runs does so after the fault, not before it has begun."""
        before = [r for r in running if self.up not in r.state.get("operations", {})]
        found = await progress_of(session, before, self.down) if before else {}
        return {
            record.id: PENDING if record.id in found and not found[record.id].done else DONE
            for record in running
        }

    def _bringing_up(self, session: GcpSession) -> Any:
        async def bring_up(record: Record) -> Outcome:
            async def call(request: str) -> dict[str, Any]:
                return await _call(session, record, self.up, request, {})

            return await undo(session, record, self.up, call)

        return bring_up

    def notes(self, record: Record) -> dict[str, str]:
        """Say that the instance ran."""
        return {"prior": record.state["prior"]}

    def recall(self, scope: Scope, resource: str, notes: Mapping[str, str]) -> Subject:  # noqa: ARG002 - an instance depends on nothing else
        """Read back that the instance ran."""
        if notes["prior"] != "RUNNING":
            raise ValueError(notes["prior"])
        return Subject(resource, {"prior": "RUNNING"})


async def _change(
    session: GcpSession, record: Record, verb: str, given: Mapping[str, Any]
) -> Outcome:
    async def call(request: str) -> dict[str, Any]:
        return await _call(session, record, verb, request, given)

    return await begin(session, record, verb, call)


async def _call(
    session: GcpSession, record: Record, verb: str, request: str, given: Mapping[str, Any]
) -> dict[str, Any]:
    place = addressed(Name.of(record.resource))
    return await session.call("instances", verb, **place, **given, request_id=request)


def _elsewhere(status: str, effect: Effect) -> str:
    if effect is Effect.FAILED:
        return f"the instance is {status}: somebody else had a hand in it"
    return f"the instance is {status}" if effect is Effect.UNKNOWN else ""


def _waiting(status: str) -> Outcome:
    """Wait for a state that passes; one that stays is somebody else's doing."""
    if status in ("SUSPENDED", "TERMINATED"):
        word = "resume" if status == "SUSPENDED" else "start"
        return rejected(
            f"the instance is {status}, which this fault does not do: somebody did it meanwhile; "
            f"{word} it, or release the record"
        )
    return PENDING
