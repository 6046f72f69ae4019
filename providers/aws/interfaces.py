"""An instance's network interfaces and their security groups: noted before, put back after."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from bridge.model.record import Record
from providers.aws.session import AwsSession
from providers.batches import chunks
from providers.contract import DONE, Effect, Observation, Outcome, OutcomeKind, ProviderError
from providers.refusals import RefusedError, refusal_outcome

FILTER_VALUES: Final = 200
"""Values that one filter of a Describe call takes (EC2 user guide, "List and filter")."""

_PAGE: Final = 1000


@dataclass(frozen=True)
class Interfaces:
    """The security groups that each network interface of an instance had before the fault."""

    groups: Mapping[str, tuple[str, ...]]
    """By the interface's id; in EC2's order."""
    managed: tuple[str, ...] = ()
    """Interfaces that AWS manages itself, and lets nobody else change."""

    @classmethod
    def described(cls, interfaces: Sequence[Mapping[str, Any]]) -> Self:
        """Read them from DescribeNetworkInterfaces."""
        return cls(
            {
                one["NetworkInterfaceId"]: tuple(group["GroupId"] for group in one["Groups"])
                for one in interfaces
                if not _is_managed(one)
            },
            tuple(one["NetworkInterfaceId"] for one in interfaces if _is_managed(one)),
        )

    @classmethod
    def of(cls, record: Record) -> Self:
        """Read them from a record's state. Raises KeyError."""
        groups = {plain: tuple(ids) for plain, ids in record.state["interfaces"].items()}
        return cls(groups, tuple(record.state["managed"]))

    def state(self) -> dict[str, Any]:
        """Return them as a record's state."""
        groups = {plain: list(ids) for plain, ids in self.groups.items()}
        return {"interfaces": groups, "managed": list(self.managed)}

    def word(self) -> str:
        """Return them as a word without blanks, for a mark: ``0a1:0b2+0c3,0d4:0e5``.

        The prefixes ``eni-`` and ``sg-`` are left out; a tag holds 256 characters only.
        """
        return ",".join(
            f"{_bare(plain)}:{'+'.join(_bare(one) for one in ids)}"
            for plain, ids in self.groups.items()
        )

    @classmethod
    def read(cls, word: str) -> Self:
        """Read back what ``word`` wrote. Raises ValueError."""
        groups: dict[str, tuple[str, ...]] = {}
        for part in word.split(","):
            plain, parted, ids = part.partition(":")
            if not (plain and parted and ids):
                raise ValueError(word)
            groups[f"eni-{plain}"] = tuple(f"sg-{one}" for one in ids.split("+"))
        return cls(groups)


def _is_managed(interface: Mapping[str, Any]) -> bool:
    operator = interface.get("Operator", {})
    return bool(interface.get("RequesterManaged") or operator.get("Managed"))


def _bare(plain: str) -> str:
    return plain.partition("-")[2]


def bears(interface: Mapping[str, Any], group_name: str) -> bool:
    """Whether a group of that name is the interface's only one."""
    return [group["GroupName"] for group in interface["Groups"]] == [group_name]


async def interfaces_by_instance(
    session: AwsSession, instances: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    """Return the network interfaces that hang on each instance. Raises ProviderError."""
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for chunk in chunks(list(dict.fromkeys(instances)), FILTER_VALUES):
        for one in await _described(session, "attachment.instance-id", chunk):
            found[one["Attachment"]["InstanceId"]].append(one)
    return found


async def interfaces_with(session: AwsSession, group_id: str) -> list[str]:
    """Return which network interfaces bear a security group. Raises ProviderError."""
    users = await _described(session, "group-id", [group_id])
    return sorted(one["NetworkInterfaceId"] for one in users)


async def _described(session: AwsSession, name: str, values: Sequence[str]) -> list[dict[str, Any]]:
    filters = [{"Name": name, "Values": list(values)}]
    return [
        one
        async for page in session.pages(
            "ec2", "DescribeNetworkInterfaces", Filters=filters, MaxResults=_PAGE
        )
        for one in page["NetworkInterfaces"]
    ]


def fitness(had: Interfaces, closed: frozenset[str]) -> Outcome:
    """Judge whether an instance can be cut off; ``closed`` groups let nothing in or out."""
    kept = _kept(had)
    if not had.groups:
        reason = f"it has no network interface that can be cut off. {kept}".strip()
        return Outcome(OutcomeKind.REJECTED, reason)
    if all(closed.issuperset(ids) for ids in had.groups.values()):
        return Outcome(OutcomeKind.LEFT, "its security groups let nothing in or out already")
    return Outcome(OutcomeKind.DONE, kept)


def _kept(had: Interfaces) -> str:
    return f"AWS manages {', '.join(had.managed)}: left as it is." if had.managed else ""


def seen_on(here: Sequence[Mapping[str, Any]], had: Interfaces, group_name: str) -> Observation:
    """Tell whether the interfaces that are ``here`` bear the group that cuts off."""
    mine = [one for one in here if one["NetworkInterfaceId"] in had.groups]
    cut = [one["NetworkInterfaceId"] for one in mine if bears(one, group_name)]
    if not cut:
        return Observation(Effect.ABSENT)
    if len(cut) < len(mine):
        return Observation(Effect.FAILED, f"only {', '.join(sorted(cut))} could be cut off")
    return Observation(Effect.PRESENT, _kept(had))


async def set_groups(
    session: AwsSession, moves: Mapping[str, Sequence[str]]
) -> list[ProviderError | None]:
    """Set the groups of interfaces, side by side (EC2 takes one a call); return what failed."""

    async def set_one(plain: str, groups: Sequence[str]) -> ProviderError | None:
        try:
            await session.call(
                "ec2",
                "ModifyNetworkInterfaceAttribute",
                NetworkInterfaceId=plain,
                Groups=list(groups),
            )
        except RefusedError as refusal:
            # Deleted or detached for good: there is nothing left of it to cut off.
            return None if refusal.code == "InvalidNetworkInterfaceID.NotFound" else refusal
        except ProviderError as error:
            return error
        return None

    return list(await asyncio.gather(*(set_one(*move) for move in moves.items())))


def summed_up(errors: Sequence[ProviderError | None], *, some: bool) -> Outcome:
    """Sum up an instance; ``some`` of its interfaces were cut off before.

    One that is cut off in part is no refusal: it must be looked at, and undone.
    """
    failures = [error for error in errors if error is not None]
    if not failures:
        return DONE
    if some or len(failures) < len(errors):
        return Outcome(OutcomeKind.UNKNOWN, str(failures[0]))
    return refused(failures[0])


def refused(error: ProviderError) -> Outcome:
    """Return what a failed call on an interface means for its instance."""
    if isinstance(error, RefusedError):
        # Of a group that is missing the instance is not gone.
        kind = refusal_outcome(error).kind
        return Outcome(OutcomeKind.REJECTED if kind is OutcomeKind.GONE else kind, str(error))
    return Outcome(OutcomeKind.UNKNOWN, str(error))
