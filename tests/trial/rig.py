"""How a fault is put to the trial: a world (the emulated cloud) and a rig (one fault in it).

Every id in ``providers.registry.FAULTS`` needs a rig, or a reason in ``register.EXEMPT``. To add
one, write a subclass of `Rig` and list it in ``RIGS`` of its cloud's module (``aws_rigs``,
``gcp_rigs``, ``azure_rigs``, ``kubernetes_rigs``). A short rig::

    class StopInstances(Rig):
        fault = "aws:ec2:stop-instances"
        world = AwsWorld
        parameters: ClassVar = {"startInstancesAfterDuration": "PT5M"}
        effects = ("StopInstances",)
        undoings = ("StartInstances",)

        def build(self, count): ...          # make resources that the fault can be done to
        def snapshot(self, record): ...      # all that must be as before once it is undone
        def is_faulted(self, record): ...    # whether it has been done to this one
        def make_faulted(self, record): ...  # as somebody else would have done it before us
        def remove(self, record): ...        # gone, as if somebody had deleted it

All of them look and act behind the provider's back: with the cloud's SDK and an administrator's
rights, or straight in the emulator's memory. They may block.

What does not apply to a fault is said by a reason, a sentence, in ``no_marks``,
``no_foreign_marks``, ``no_late_failure``, ``no_faulted_state``, ``no_trace``,
``known_by_answer``, ``no_repeat``, ``no_resource`` or ``no_resource_undoing``; where a reason can
be checked a trial does it, so one that is not true fails.

A fault may make records beside those of its targets (one for the security group or the firewall
rule that isolates them all): then ``targets`` tells which are which, and ``snapshot``, ``trace``
and ``is_faulted`` answer for every record.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from typing import Any, ClassVar, Final, Protocol, cast

from bridge.model.moment import Micros
from bridge.model.record import Record
from bridge.sandbox.calls import Call
from bridge.sandbox.clock import VirtualClock
from bridge.sandbox.misbehaviour import Misbehaving
from providers import registry
from providers.contract import (
    Caller,
    Effect,
    Fault,
    Guard,
    Mark,
    OutcomeKind,
    Plan,
    Provider,
    Resource,
    Subject,
)

INSTALLATION: Final = "lab"
EXPERIMENT: Final = "EXPabcdefghijkmnop"
ACTION: Final = "act"
DEADLINE: Final = Micros(2_000_000_000_000_000)
"""When the actions are planned to end; far off."""


class Log(Protocol):
    """The calls that an emulator has answered; every emulator keeps them."""

    @property
    def calls(self) -> list[Call]:
        """Every answered request, oldest first."""

    def forget_calls(self) -> None:
        """Empty the call log."""


class World(ABC):
    """One emulated cloud and the provider that speaks with it.

    ``shared`` is entered once for the whole suite (the emulators of the clouds take long to
    start), ``fresh`` around each test.
    """

    refusal: ClassVar[tuple[str, int]]
    """An error (code, HTTP status) by which the cloud refuses a call for certain."""
    failure: ClassVar[tuple[str, int]] = ("InternalError", 500)
    """An error by which it fails one for reasons of its own."""
    repeats: ClassVar[str] = ""
    """Why the SDK does not send a throttled or failed call again, and who does instead; empty
    where the SDK does."""
    others_rights: ClassVar[Mapping[str, str]] = {}
    """Rights that are asked in a life and are not the fault's to declare → whose they are: the
    resolver's are known, this is for the reader's and for logging in."""

    clock: VirtualClock
    emulator: Misbehaving
    provider: Provider
    """Both valid within ``fresh``."""

    def shared(self) -> AbstractContextManager[None]:
        """Start what all tests share, and stop it at the end; by default nothing."""
        return nullcontext()

    @abstractmethod
    def fresh(self) -> AbstractAsyncContextManager[None]:
        """Empty the cloud and open a provider, for one test; no real pauses between retries."""

    def empty(self) -> None:  # noqa: B027 - a cluster's rig makes its resources anew by itself
        """Empty the cloud, but for who acts in it."""

    @abstractmethod
    def open_provider(self) -> Provider:
        """Open another provider on the cloud; who asks for it closes it."""

    @property
    @abstractmethod
    def caller(self) -> Caller:
        """On whose behalf the faults are made; ``name`` and ``installation`` as above."""

    @abstractmethod
    def is_read(self, call: Call) -> bool:
        """Whether a call only reads (or logs in)."""

    @abstractmethod
    def state(self) -> object:
        """Return all of the cloud that a fault might change, comparable."""

    @abstractmethod
    def settle(self) -> None:
        """Finish every change of state that is under way; virtual time goes on a little."""

    def looking(self) -> AbstractContextManager[None]:
        """Keep misbehaviours away from a look by the rig; where it asks the API, it needs that."""
        return nullcontext()

    def elapse(self, seconds: float) -> None:
        """Let virtual time pass; what is due happens."""
        self.clock.advance(seconds)

    def expire(self) -> None:
        """Let so much time pass that what was accepted has failed if it never took effect."""
        self.settle()

    @property
    def log(self) -> Log:
        """The emulator as the keeper of its calls."""
        return cast("Log", self.emulator)


class Rig(ABC):
    """One fault in its world. A new instance is made for each test."""

    fault: ClassVar[str]
    world: ClassVar[type[World]]
    parameters: ClassVar[Mapping[str, Any]] = {}
    """As in a template; with a duration where the fault takes one, so that it is undone."""
    many: ClassVar[int] = 100
    """Targets in the trial with one bad among many; fewer only where 100 take seconds (say why)."""

    effects: ClassVar[tuple[str, ...]]
    """Operations, as in the call log, that bring the fault about; the first is that by which it
    comes over each single target."""
    undoings: ClassVar[tuple[str, ...]] = ()
    """Operations that take it back, the first for each single target; none for what cannot be."""
    gone_before: ClassVar[OutcomeKind] = OutcomeKind.GONE
    """What ``inject`` answers when the resource has gone since ``prepare``."""
    gone_during: ClassVar[tuple[Effect, OutcomeKind]] = (Effect.GONE, OutcomeKind.GONE)
    """What ``observe`` and ``revert`` answer when it has gone during the fault."""

    late_failure: ClassVar[frozenset[Effect]] = frozenset({Effect.FAILED, Effect.ABSENT})
    """What ``observe`` answers when what was accepted has failed; ``APPLYING`` only where nothing
    else can be told, and the fault's ``settle_limit`` then makes it a failure."""

    repeatable: ClassVar[bool] = True
    """Whether the same resources can be faulted again once they are as before."""
    no_marks: ClassVar[str] = ""
    """Why the fault writes no marks."""
    no_foreign_marks: ClassVar[str] = ""
    """Why the mark of another run cannot stand on the same resource."""
    no_late_failure: ClassVar[str] = ""
    """Why what ``effects`` begin cannot fail after it was accepted."""
    no_faulted_state: ClassVar[str] = ""
    """Why a resource cannot be in the faulted state already."""
    no_trace: ClassVar[str] = ""
    """Why ``observe`` cannot tell whether the fault was done; then nothing is ever repeated."""
    known_by_answer: ClassVar[str] = ""
    """Why ``observe`` can tell nothing, and says so, once the call's answer is lost."""
    no_repeat: ClassVar[str] = ""
    """Why a second ``inject`` does it a second time (the engine then relies on ``no_trace``)."""
    no_resource: ClassVar[str] = ""
    """Why the calls of ``effects`` do not name the resource, so that none can vanish under them."""
    no_resource_undoing: ClassVar[str] = ""
    """Why those of ``undoings`` do not."""

    def __init__(self, world: World) -> None:
        self.at = world
        self.code: Fault = registry.fault(self.fault)
        self.given: Any = self.code.Parameters.model_validate(dict(self.parameters))

    # --- behind the provider's back -------------------------------------------------------

    @abstractmethod
    def build(self, count: int) -> list[Resource]:
        """Make resources that the fault can be done to, as its resolver would answer them."""

    @abstractmethod
    def snapshot(self, record: Record) -> object:
        """Return all of the resource that must be as before when the fault is undone.

        Comparable, tags or labels included, without what changes by itself (launch time,
        fingerprints, etags).
        """

    def trace(self, record: Record) -> object:
        """Return the snapshot and what tells a second time from the first (attach time, uid)."""
        return self.snapshot(record)

    @abstractmethod
    def is_faulted(self, record: Record) -> bool:
        """Whether the fault is in effect on the resource, once the world has settled."""

    def make_faulted(self, record: Record) -> None:
        """Bring the resource into the faulted state, as somebody else would; settled."""
        raise NotImplementedError(f"{self.fault}: write make_faulted, or say no_faulted_state")

    @abstractmethod
    def remove(self, record: Record) -> None:
        """Delete the resource, at once and without a trace, before or during the fault."""

    def ways_to_go(self) -> Sequence[Callable[[Record], None]]:
        """Return how a resource can go away; more than `remove` where its end stays visible."""
        return (self.remove,)

    def mend(self, record: Record) -> None:  # noqa: B027 - most undoings need no mending
        """Put right, as an operator would, what let an undoing fail late; by default nothing."""

    # --- what the engine would hand over --------------------------------------------------

    def actions(self, count: int) -> dict[str, tuple[list[Resource], dict[str, Any]]]:
        """Build ``count`` targets; return the actions of a template on them.

        Name → its resources, and the parameters in which it differs from ``parameters``.
        """
        return {ACTION: (self.build(count), {})}

    def records(self, count: int) -> list[Record]:
        """Build ``count`` resources and make the records that the engine would."""
        return self.records_of(self.build(count))

    def records_of(self, resources: Sequence[Resource], action: str = ACTION) -> list[Record]:
        """Make the records of one action on these resources."""
        plan = Plan(EXPERIMENT, action, INSTALLATION, DEADLINE)
        subjects: list[Subject] = self.code.subjects(self.given, resources, plan)
        return [
            Record(
                id=f"{EXPERIMENT}/{action}/{number}",
                action=action,
                holders=(action,),
                fault=self.fault,
                resource=subject.resource,
                effect=self.code.effect,
                touches=subject.touches,
                state=subject.state,
            )
            for number, subject in enumerate(subjects)
        ]

    def targets(self, records: Sequence[Record]) -> list[Record]:
        """Return the records of the targets themselves; by default all."""
        return list(records)

    def mark(self, action: str = ACTION) -> Mark:
        """Return the mark that the engine would write for an action."""
        identity = self.at.caller.identity or ""
        return Mark(INSTALLATION, EXPERIMENT, action, self.fault, DEADLINE, identity)

    async def session(self, guard: Guard | None = None) -> Any:
        """Open a session with a guard that holds, unless another is given."""
        return await self.at.provider.session(
            self.at.caller, guard or Guard(Guard.clock() + 3600), None
        )
