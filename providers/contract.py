"""What a provider implements: faults, resolvers, stop sources and the sessions they act in.

The engine knows this module only. A fault's class is the one source for the catalogue, the
validation of parameters, the documentation and the least-privilege policies.

Rules that every implementation keeps:

* ``prepare`` and ``observe`` only read. ``prepare`` notes in ``record.state`` all that undoing
  needs, because ``revert`` gets nothing else: not the parameters, not the template.
* ``inject`` and ``revert`` are idempotent and put many records into as few calls as the API
  allows. They answer one outcome per record; one bad resource never blocks the others.
* An exception from ``inject`` or ``revert`` means "unknown for all"; ``observe`` decides.
* No method waits for a cloud to finish: it answers ``pending`` and is asked again.
* Every call to a cloud asks ``session.guard`` as late as its SDK allows, on every attempt.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final, Protocol

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

from bridge.model.event import EventType
from bridge.model.moment import Micros, parse_duration
from bridge.model.problem import Problem
from bridge.model.record import Record
from bridge.model.scope import Scope
from bridge.model.template import Selection, TemplateTarget
from providers.by_hand import ByHand

LONGEST_ACTION: Final = timedelta(hours=12)
"""FIS's longest action (quota L-A7622DAA); ours too, in every dialect."""


# --- who acts, and until when -------------------------------------------------------------


class FenceLostError(Exception):
    """This worker no longer holds the run; the call was not sent."""


@dataclass
class Guard:
    """The lease of the run, as the last check before a request leaves.

    ``deadline`` is in seconds on a clock that goes on while the machine is suspended, so a
    worker that was frozen finds it passed. The engine moves it when the lease is renewed.
    """

    deadline: float

    @staticmethod
    def clock() -> float:
        """Return seconds on the boot-time clock, which counts suspension (Linux)."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def check(self) -> None:
        """Raise FenceLostError when the lease is over."""
        if self.clock() >= self.deadline:
            msg = "the lease of the run ended before the request was sent"
            raise FenceLostError(msg)


@dataclass(frozen=True)
class Caller:
    """On whose behalf a session acts."""

    scope: Scope
    identity: str | None
    """The experiment's identity as the session's cloud knows it (a role's ARN, a service
    account's address, a managed identity's client id); None for the bridge's own reader."""
    name: str
    """Session name that the cloud's audit log shows: the experiment's id, or ``reader``."""
    installation: str
    """The installation's id, as in marks."""
    on_behalf_of: str = ""
    """The principal that started it, for the cloud's audit log; empty where nobody is known."""


class Session(Protocol):
    """One caller's way into one cloud; cheap to open, cached by its provider."""

    @property
    def caller(self) -> Caller:
        """On whose behalf it acts."""

    @property
    def guard(self) -> Guard | None:
        """What every effect call checks; None in a session that only reads."""


# --- answers ------------------------------------------------------------------------------


class OutcomeKind(StrEnum):
    """What came of a call for one record."""

    DONE = "done"
    """In effect (inject), or the prior state is back (revert), or ready (prepare)."""
    PENDING = "pending"
    """Accepted; ``observe`` will tell."""
    REJECTED = "rejected"
    """Certainly not carried out, with the reason."""
    GONE = "gone"
    """The resource no longer exists."""
    UNKNOWN = "unknown"
    """It may or may not have been carried out; ``observe`` decides."""
    LEFT = "left"
    """Only from prepare: it is in the faulted state already and is left in it."""


@dataclass(frozen=True)
class News:
    """Something that was learnt of a resource, for the run's journal."""

    kind: EventType
    details: Mapping[str, Any]
    """Plain JSON; the engine adds the action and the resource."""


@dataclass(frozen=True)
class Outcome:
    """One record's answer from ``prepare``, ``inject`` or ``revert``."""

    kind: OutcomeKind
    reason: str = ""
    news: tuple[News, ...] = ()
    notes: Mapping[str, Any] | None = None
    """Members of the record's ``state`` to be kept, in the same commit as the news."""


DONE: Final = Outcome(OutcomeKind.DONE)
PENDING: Final = Outcome(OutcomeKind.PENDING)

Outcomes = Mapping[str, Outcome]
"""Record id → outcome. A record without one counts as ``unknown``."""


class Effect(StrEnum):
    """What ``observe`` saw on one resource."""

    ABSENT = "absent"
    """The fault is not on it: never injected, or undone."""
    APPLYING = "applying"
    """On its way (``stopping``)."""
    PRESENT = "present"
    """In effect."""
    LIFTING = "lifting"
    """Being undone (``pending`` after a start)."""
    ENDED = "ended"
    """Has ended by itself; what carried it still has to be reverted (removed)."""
    FAILED = "failed"
    """Cannot come into effect, or never did; with the reason."""
    GONE = "gone"
    """The resource no longer exists."""
    UNKNOWN = "unknown"
    """Could not be read, or cannot be told."""


@dataclass(frozen=True)
class Observation:
    """One record's answer from ``observe``."""

    effect: Effect
    reason: str = ""
    news: tuple[News, ...] = ()
    notes: Mapping[str, Any] | None = None
    """Members of the record's ``state`` to be kept, in the same commit as the news."""


Observations = Mapping[str, Observation]


class ProviderError(Exception):
    """A cloud refused or failed a call that only reads; ``str()`` is safe to show."""

    def __init__(self, message: str, *, code: str = "") -> None:
        """Keep the cloud's own error code beside the sentence."""
        super().__init__(message)
        self.code = code


class AccessDeniedError(ProviderError):
    """The identity may not make the call; the message names the right that is missing."""


class TransientError(ProviderError):
    """Throttled, timed out or answering 5xx: worth asking again."""


# --- declarations -------------------------------------------------------------------------


@dataclass(frozen=True)
class Permission:
    """A right that a fault needs of the experiment's identity, in the cloud's own words."""

    name: str
    """An IAM action, or for Kubernetes ``group/resource:verb``."""
    need: str = "required"
    """``required``, ``indirect`` (another service checks it) or ``optional``."""
    note: str = ""
    """Why it is needed, or what is lost without it."""
    on: tuple[str, ...] = ()
    """On what the cloud checks it, where that narrows the grant. AWS: `TARGETS`, `ITSELF`, or kinds
    as ``ec2:security-group/*``; nothing where IAM takes only ``*``. Azure: `SUBSCRIPTION` where the
    resource group does not do. A cluster: namespaces; nothing where it is cluster-wide."""
    undoes: bool = False
    """Whether undoing needs it: it may not hang on a tag, which can vanish during the fault."""
    when: tuple[tuple[str, str, str], ...] = ()
    """IAM conditions that narrow it: operator, key and value; ``{region}`` is the Region."""


TARGETS: Final = "targets"
"""The resources that the action's targets name, or those of their kind that bear their tags."""
ITSELF: Final = "itself"
"""The role that the template names."""
SUBSCRIPTION: Final = "subscription"
"""Azure's operations and other resources that lie in no resource group."""


def required(*names: str, on: tuple[str, ...] = (), undoes: bool = False) -> tuple[Permission, ...]:
    """Rights without which the fault cannot be injected or undone."""
    return tuple(Permission(name, on=on, undoes=undoes) for name in names)


def indirect(
    *names: str,
    because: str,
    on: tuple[str, ...] = (),
    undoes: bool = False,
    when: tuple[tuple[str, str, str], ...] = (),
) -> tuple[Permission, ...]:
    """Rights that the cloud checks on the way, in some set-ups only."""
    return tuple(Permission(name, "indirect", because, on, undoes, when) for name in names)


def optional(
    *names: str, loses: str, on: tuple[str, ...] = (), undoes: bool = False
) -> tuple[Permission, ...]:
    """Rights without which the run proceeds, and what is lost then."""
    return tuple(Permission(name, "optional", loses, on, undoes) for name in names)


def _duration(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(_duration)]
"""An ISO 8601 duration parameter. The catalogue applies the minimum (a setting; a field says
its own with ``json_schema_extra={"minimum": "PT1S"}``) and the maximum of 12 hours."""


class FaultParameters(BaseModel):
    """Base of a fault's parameters: camelCase on the wire, unknown names refused.

    Each field carries a ``description``. Values may come as strings, as FIS sends them.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True
    )


@dataclass(frozen=True)
class TargetSpec:
    """The target key that a fault takes and the resource type behind it."""

    key: str
    resource_type: str
    single: bool = False
    """Whether exactly one resource is allowed (a cluster)."""


class Undo(StrEnum):
    """What happens to the fault in the end."""

    RESTORES = "restores"
    """The prior state is put back."""
    LASTING = "lasting"
    """Meant to stay when the action completes; a stop or failure before that undoes it."""
    NONE = "none"
    """Cannot be undone (terminate, reboot)."""


class TimingKind(StrEnum):
    """What ends an action."""

    INSTANT = "instant"
    """Complete as soon as every record is in effect."""
    LASTS = "lasts"
    """Complete when its duration has passed and its records are undone."""
    UNTIL_ENDED = "until-ended"
    """Complete when the fault has ended by itself; the limit passed is a failure."""


@dataclass(frozen=True)
class Timing:
    """When an action with these parameters ends."""

    kind: TimingKind
    length: timedelta = timedelta()
    """The duration, or the limit."""

    @classmethod
    def instant(cls) -> Timing:
        """Complete once injected."""
        return cls(TimingKind.INSTANT)

    @classmethod
    def lasts(cls, length: timedelta) -> Timing:
        """Complete after ``length``."""
        return cls(TimingKind.LASTS, length)

    @classmethod
    def until_ended(cls, limit: timedelta) -> Timing:
        """Complete when it has ended by itself, failed after ``limit``."""
        return cls(TimingKind.UNTIL_ENDED, limit)


@dataclass(frozen=True)
class Resource:
    """One resource that a target resolved to."""

    type: str
    id: str
    """Full name: an ARN."""
    information: Mapping[str, str] = field(default_factory=dict)
    """What FIS's resolved targets show: ``arn``, or for pods ``pod_name`` …; and what a fault
    must know to name what it will create (an instance's network)."""
    tags: Mapping[str, str] | None = None
    """Its tags or labels, for the guardrails; empty where it has none, None where its resolver
    cannot tell: what may be protected is not touched then."""


@dataclass(frozen=True)
class Reach:
    """What a fault's parameters say of what it reaches beyond its targets, before any look."""

    EVERY_NAMESPACE: ClassVar[str] = "*"

    namespaces: tuple[tuple[str, str], ...] = ()
    """Kubernetes namespaces, each with the path in the parameters that names it."""
    selections: tuple[tuple[Selection, str], ...] = ()
    """How many of what it selects it takes, each with the path in the parameters."""


@dataclass(frozen=True)
class Group:
    """Resources that a fault touches beyond its targets: all of them, or some that nobody knows."""

    name: str
    """In a message: ``pods of kubernetesSpec.selector``."""
    size: int
    """Most of them that it takes."""
    found: Sequence[Resource]
    inside: bool = True
    """Whether they lie within the targets and count in their place (pods of a cluster); else they
    are touched on the way (the instance of a volume) and do not count."""


@dataclass(frozen=True)
class Plan:
    """What a fault needs to know about its action when it names its records."""

    experiment: str
    action: str
    installation: str
    ends_at: Micros | None
    """Planned end of the action, for marks and own timers."""


@dataclass(frozen=True)
class Subject:
    """One resource that a fault will touch; the engine makes a record of each."""

    resource: str
    state: dict[str, Any] = field(default_factory=dict)
    touches: tuple[str, ...] = ()


@dataclass(frozen=True)
class Denial:
    """One thing that the identity may not do, and the grant that would allow it."""

    reason: str
    """At most 512 characters: it becomes the run's reason."""
    mend: str = ""
    """A policy or manifest, ready to apply."""


@dataclass(frozen=True)
class Mark:
    """The undo as it stands on the resource itself (DESIGN: tag, label or annotation)."""

    installation: str
    experiment: str
    action: str
    fault: str
    deadline: Micros | None
    identity: str

    @property
    def key(self) -> str:
        """``faultbridge:<installation>:<experiment>/<action>``."""
        return f"faultbridge:{self.installation}:{self.experiment}/{self.action}"


@dataclass(frozen=True)
class FoundMark:
    """A mark that ``rescue`` found on a resource, with the record rebuilt from it."""

    mark: Mark
    record: Record
    """Enough to ``observe`` and ``revert``: resource, fault and state."""
    problem: str = ""
    """Why it cannot be acted on (written by a newer version, state not readable)."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """What the mark says of the prior state, in its own words."""


@dataclass(frozen=True)
class MarkSearch:
    """What a search for marks came to."""

    found: Sequence[FoundMark]
    unsearched: Sequence[str] = ()
    """Where it was not possible to look, and why: there may be marks."""


# --- what a provider implements -----------------------------------------------------------


class Fault(ABC):
    """One way of breaking a kind of resource, and of putting it back."""

    id: ClassVar[str]
    """Action id: ``aws:ec2:stop-instances``."""
    provider: ClassVar[str]
    """Which provider's sessions it needs: a key of the registry."""
    target: ClassVar[TargetSpec | None] = None
    permissions: ClassVar[tuple[Permission, ...]] = ()
    reader_permissions: ClassVar[tuple[Permission, ...]] = ()
    """Rights that the bridge's own identity needs for it, in the cloud of its targets."""
    undoing: ClassVar[str] = ""
    """What ``revert`` does to one resource, in words that follow "would": ``start it again``.
    Every fault that can be marked has them: ``rescue`` says so before it acts."""
    by_hand: ClassVar[ByHand] = ByHand()
    """How a person undoes it, or why nobody can: every fault of the registry says one of both."""
    effect: ClassVar[str | None] = None
    """Name of the effect for the overlap rule; None when several may share a resource."""
    settle_every: ClassVar[timedelta] = timedelta(seconds=1)
    """How often to look while a call takes effect or is lifted (backs off to ``watch_every``)."""
    watch_every: ClassVar[timedelta] = timedelta(seconds=5)
    """How often to look while an ``until-ended`` fault is in effect."""
    settle_limit: ClassVar[timedelta] = timedelta(minutes=10)
    """An accepted call that has not taken effect by then is a failure."""
    batch: ClassVar[int] = 1000
    """Most records in one ``inject``. Between two the run hears of a stop, so a fault whose
    cloud takes one resource a call says about what its threads carry within seconds."""

    class Parameters(FaultParameters):
        """Overridden by each fault; this default has none."""

    @classmethod
    def description(cls) -> str:
        """First paragraph of the class's docstring, as the catalogue shows it."""
        return " ".join((cls.__doc__ or "").strip().split("\n\n")[0].split())

    @abstractmethod
    def undo(self, parameters: Any) -> Undo:
        """Say what happens to the fault in the end."""

    @abstractmethod
    def timing(self, parameters: Any) -> Timing:
        """Say when the action ends."""

    def undone_by_hand(self, parameters: Any) -> ByHand:  # noqa: ARG002 - as above
        """Say how a person undoes what an action with these parameters does."""
        return self.by_hand

    def check(self, parameters: Any, path: str) -> list[Problem]:  # noqa: ARG002 - as above
        """Find what the parameters' types cannot (a chaos spec); no I/O.

        ``path`` is the JSON path of the parameters, to build the problems' paths on.
        """
        return []

    def gone_is_failure(self, parameters: Any) -> bool:  # noqa: ARG002 - as above
        """Say whether a resource that vanishes during the fault fails the action."""
        return True

    def needs(self, parameters: Any) -> Sequence[Permission]:  # noqa: ARG002 - as above
        """Say which rights an action with these parameters needs; by default all declared ones."""
        return self.permissions

    def reach(self, parameters: Any) -> Reach:  # noqa: ARG002 - each fault's own Parameters
        """Say what is touched beyond the targets (pods of a cluster); no I/O."""
        return Reach()

    async def reached(
        self,
        session: Any,  # noqa: ARG002 - the provider's own session
        parameters: Any,  # noqa: ARG002 - each fault's own Parameters
        resources: Sequence[Resource],  # noqa: ARG002 - faults that reach further need them
    ) -> Sequence[Group]:
        """Find what may be touched beyond the targets, for the guardrails, before any fault.

        Raises ProviderError where that cannot be told.
        """
        return ()

    def subjects(
        self,
        parameters: Any,  # noqa: ARG002 - each fault's own Parameters
        resources: Sequence[Resource],
        plan: Plan,  # noqa: ARG002 - faults that name their own resources need it
    ) -> list[Subject]:
        """Name what will be touched; by default each resource itself. No I/O."""
        return [Subject(resource.id) for resource in resources]

    async def review(
        self,
        session: Any,  # noqa: ARG002 - the provider's own session
        parameters: Any,  # noqa: ARG002 - each fault's own Parameters
        resources: Sequence[Resource],  # noqa: ARG002 - faults with access reviews need them
    ) -> list[Denial]:
        """Ask, before the first fault of the run, whether the identity may do what is needed."""
        return []

    @abstractmethod
    async def prepare(
        self,
        session: Any,
        parameters: Any,
        records: Sequence[Record],
    ) -> Outcomes:
        """Read, and note in each record's ``state`` and ``touches`` all that undoing needs.

        Answers ``done`` (ready), ``left`` (already so), ``gone`` or ``rejected``. Raises
        ProviderError when nothing could be read.
        """

    @abstractmethod
    async def inject(
        self,
        session: Any,
        parameters: Any,
        records: Sequence[Record],
    ) -> Outcomes:
        """Bring the fault about."""

    @abstractmethod
    async def observe(self, session: Any, records: Sequence[Record]) -> Observations:
        """Tell what is on each resource now. Raises ProviderError when it cannot be read."""

    @abstractmethod
    async def revert(self, session: Any, records: Sequence[Record]) -> Outcomes:
        """Put the prior state back; look before acting. Needs nothing but the records.

        After ``pending`` it is called again, until it answers ``done`` or ``gone``.
        """

    async def release(
        self,
        session: Any,  # noqa: ARG002 - the provider's own session
        records: Sequence[Record],
        *,
        webhooks: bool = False,  # noqa: ARG002 - only a cluster has any
    ) -> Outcomes:
        """Let go of what still holds the resources, undoing nothing: an operator gave them up.

        By default there is nothing that holds one. ``webhooks`` allows to remove admission
        webhooks whose service is gone and which refuse every change. Idempotent; after
        ``pending`` it is called again. A ``done`` says in its reason what was done.
        """
        return {record.id: DONE for record in records}

    async def mark(self, session: Any, mark: Mark, records: Sequence[Record]) -> Outcomes:  # noqa: ARG002 - the provider's own session
        """Write the undo on the resources; ``rejected(reason)`` leaves one unmarked.

        By default there is nothing to write (the fault carries its own mark, or touches
        nothing that could).
        """
        return {record.id: DONE for record in records}

    async def unmark(self, session: Any, mark: Mark, records: Sequence[Record]) -> Outcomes:  # noqa: ARG002 - the provider's own session
        """Remove what ``mark`` wrote; absent is ``done``."""
        return {record.id: DONE for record in records}

    def foreign_mark(self, record: Record) -> str | None:  # noqa: ARG002 - faults with marks need it
        """Return another installation's or run's mark that ``prepare`` found on the resource."""
        return None


@dataclass(frozen=True)
class Resolution:
    """What a target resolved to, before the selection mode narrows it."""

    found: Sequence[Resource]
    missing: Sequence[str] = ()
    """Ids that were asked for by name and do not exist."""


@dataclass(frozen=True)
class TargetParameter:
    """A parameter that a resource type's target takes."""

    description: str
    required: bool = False


@dataclass(frozen=True)
class Where:
    """One place in which a target's resources are, as far as the target itself tells."""

    account: str
    """AWS account, Azure subscription or Google project."""
    region: str = ""
    """AWS Region, or Azure resource group; empty where it may be any."""
    resources: tuple[str, ...] = ()
    """Full names, where the target names them."""
    every: str = ""
    """What stands for all resources of the type in a policy of the cloud."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags that they bear, where a policy of the cloud can ask for them."""


class Resolver(ABC):
    """Finds the resources of one type."""

    resource_type: ClassVar[str]
    provider: ClassVar[str]
    description: ClassVar[str]
    parameters: ClassVar[Mapping[str, TargetParameter]] = {}
    by_ids: ClassVar[bool] = True
    by_tags: ClassVar[bool] = True
    by_filters: ClassVar[bool] = True
    permissions: ClassVar[tuple[Permission, ...]] = ()

    def check_id(self, resource_id: str) -> str | None:
        """Return what is wrong with the form of a resource name, or None; no I/O."""
        return None if resource_id else "is empty"

    def check(self, target: TemplateTarget, path: str) -> list[Problem]:  # noqa: ARG002 - resolvers with rules between fields need them
        """Find what is wrong between a target's fields (a tag without its project); no I/O.

        ``path`` is the JSON path of the target, to build the problems' paths on.
        """
        return []

    def needs(self, target: TemplateTarget) -> Sequence[Permission]:  # noqa: ARG002 - resolvers with several ways of finding need it
        """Say which rights finding the target needs; by default all declared ones."""
        return self.permissions

    def where(self, target: TemplateTarget, scope: Scope) -> Sequence[Where]:
        """Say where the resources of a target without problems are; no I/O.

        By default in the scope of the template, under the names that the target gives.
        """
        return [Where(scope.account, scope.region, target.resource_arns)]

    @abstractmethod
    async def resolve(self, session: Any, target: TemplateTarget) -> Resolution:
        """Find the resources, in a stable order. Raises ProviderError."""


class StopState(StrEnum):
    """What a stop condition's signal says now."""

    CLEAR = "clear"
    TRIGGERED = "triggered"
    UNREADABLE = "unreadable"
    """It does not exist, or could not be read."""


class StopSource(ABC):
    """Reads stop conditions of one source, many in one call."""

    source: ClassVar[str]
    provider: ClassVar[str]
    permissions: ClassVar[tuple[Permission, ...]] = ()
    """Rights that the reader needs to read it."""
    pushed: ClassVar[bool] = False
    """Whether it is only heard, when somebody pushes a signal, and never read."""

    def check_value(self, value: str) -> str | None:
        """Return what is wrong with the form of a value, or None; no I/O."""
        return None if value else "is empty"

    def matches(self, value: str, said: str) -> bool:
        """Say whether a condition's value means what a signal names; no I/O."""
        return value == said

    @abstractmethod
    async def read(self, session: Any, values: Sequence[str]) -> Mapping[str, StopState]:
        """Read all values with the reader's session. Raises ProviderError."""


class PushedSource(StopSource):
    """Stop conditions of a system that cannot be asked; it pushes signals."""

    provider = ""
    pushed = True

    async def read(self, session: Any, values: Sequence[str]) -> Mapping[str, StopState]:  # noqa: ARG002 - there is nobody to ask
        """Nobody can be asked: raises ProviderError."""
        raise ProviderError(f"{self.source} is only heard when a signal is pushed")


@dataclass(frozen=True)
class RightAsked:
    """A right that a preflight wants to know about."""

    name: str
    resources: tuple[str, ...] = ()
    """ARNs; without any it is asked for everything."""
    conditions: tuple[tuple[str, str, str], ...] = ()
    """IAM's operator, key and value, taken to be met."""
    account: str = ""
    """AWS account, Google project, Azure subscription; of a cluster its full name."""
    namespace: str = ""
    """Of a cluster; empty where it is cluster-wide."""


class Peer(Protocol):
    """How a provider reaches another one of the process."""

    def __call__(self, name: str, /) -> Provider:
        """Return the provider of a name in the registry."""


class Provider(ABC):
    """Opens the sessions of one cloud and finds the marks left in it.

    A registered class is called with the settings and with ``peer``, which returns another
    provider of the process by name (a cluster's provider needs the cloud's, to log in).
    """

    regional: ClassVar[bool] = False
    """Whether a search sees one account and Region, so that there is one for each."""
    looks_as_all: ClassVar[bool] = False
    """Whether one search looks as each of the settings' ``rescue_identities`` by itself."""
    lists_partly: ClassVar[bool] = False
    """Whether a list silently leaves out what the caller may not read; then all callers look."""

    @abstractmethod
    async def session(
        self, caller: Caller, guard: Guard | None, wake: Callable[[], None] | None = None
    ) -> Session:
        """Open a session. ``wake`` may be called when something that was injected changes."""

    def warm(self) -> None:  # noqa: B027 - a provider that loads quickly has nothing to do
        """Load in the background what the first call would wait for: an SDK takes seconds."""

    async def foretell(  # noqa: B027 - a cloud that foretells nothing has nothing to do
        self,
        session: Any,
        rights: Sequence[RightAsked],
    ) -> None:
        """Note (`providers.checks`) what the cloud foretells of rights that no review asks for.

        Never raises ProviderError: what cannot be told is noted as that.
        """

    @abstractmethod
    async def find_marks(self, caller: Caller) -> MarkSearch:
        """Find every mark that the caller can see in its scope, of any installation.

        Raises ProviderError when nothing could be searched at all.
        """

    @abstractmethod
    async def close(self) -> None:
        """Let go of threads, connections and watches."""
