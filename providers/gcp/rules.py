"""The pair of firewall rules that cuts off what bears a tag, in one network.

Both rules carry the fault's mark in their description, so nothing else has to be written for
``rescue``. A record stands for the pair and has the ingress rule's name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any, Final

from bridge.model.record import Record
from providers.contract import (
    DONE,
    PENDING,
    Effect,
    Observation,
    Outcome,
    OutcomeKind,
    Plan,
)
from providers.gcp.clients import Body
from providers.gcp.describe import addressed, read
from providers.gcp.errors import EXISTS
from providers.gcp.marks import base32
from providers.gcp.names import Name
from providers.gcp.operations import Begin, begin, late, under_way, undo
from providers.gcp.session import GcpSession
from providers.refusals import RefusedError

LONGEST_DESCRIPTION: Final = 2048
RULE_NAME: Final = re.compile(r"(?P<tag>fb-[a-z2-7]{26})-[a-z2-7]{8}-(?:in|out)")

NO_RULE: Final = f"fb-{'a' * 26}-{'a' * 8}-in"
"""The name of a rule that there is not, in the form of all others."""

_DIRECTIONS: Final = {
    "in": {"direction": "INGRESS", "sourceRanges": ["0.0.0.0/0"]},
    "out": {"direction": "EGRESS", "destinationRanges": ["0.0.0.0/0"]},
}


def tag_of(plan: Plan) -> str:
    """Return the network tag of one action of one run: within 63 letters, digits and dashes."""
    words = f"{plan.installation}\n{plan.experiment}\n{plan.action}"
    return f"fb-{base32(sha256(words.encode()).digest())[:26]}"


def pair_name(network: str, tag: str) -> str:
    """Return the full name of the pair for a tag in a network: that of its ingress rule."""
    name = Name.of(network)
    digest = base32(sha256(str(name).encode()).digest())[:8]
    return str(name.sibling("firewalls", f"{tag}-{digest}-in"))


def pair_of(rule: str) -> str:
    """Return the name of the pair that a rule belongs to."""
    return f"{rule.removesuffix('-out')}-in" if rule.endswith("-out") else rule


@dataclass(frozen=True)
class Pair:
    """One network's two rules."""

    session: GcpSession
    record: Record

    def _rule(self, side: str) -> Name:
        name = Name.of(self.record.resource)
        return name.sibling("firewalls", f"{name.name.removesuffix('-in')}-{side}")

    async def create(self) -> Outcome:
        """Create both. Raises ProviderError while neither is known to stand."""
        made = False
        for side in _DIRECTIONS:
            try:
                outcome = await begin(
                    self.session, self.record, f"insert-{side}", partial(self._insert, side)
                )
            except RefusedError as refusal:
                if refusal.code == EXISTS:
                    outcome = PENDING  # made by an earlier call: nobody else has such names
                elif not made:
                    raise
                else:
                    outcome = Outcome(OutcomeKind.REJECTED, str(refusal))
            if outcome.kind is OutcomeKind.REJECTED:
                # The other rule may stand and must be undone, so it is no refusal: observe tells.
                self.record.state["refused"] = outcome.reason
                return PENDING
            made = True
        return PENDING

    async def _insert(self, side: str, request: str) -> dict[str, Any]:
        state = self.record.state
        content = {
            "name": self._rule(side).name,
            "network": Name.of(state["network"]).path,
            "priority": 0,
            "denied": [{"IPProtocol": "all"}],
            "targetTags": [state["tag"]],
            "description": state.get("description") or f"Faultbridge: {self.record.id}",
            **_DIRECTIONS[side],
        }
        body = Body("firewall_resource", "Firewall", content)
        project = Name.of(self.record.resource).project
        return await self.session.call(
            "firewalls", "insert", body, project=project, request_id=request
        )

    async def observe(self) -> Observation:
        """Tell whether both are there. Raises ProviderError."""
        if refused := self.record.state.get("refused"):
            return Observation(Effect.FAILED, refused)
        for side in _DIRECTIONS:
            if await read(self.session, self._rule(side)) is None:
                ended = Observation(Effect.ABSENT)
                seen = await late(self.session, [self.record], f"insert-{side}", ended)
                return seen[self.record.id]
        return Observation(Effect.PRESENT)

    async def delete(self) -> Outcome:
        """Delete what is there of both. Raises ProviderError."""
        left = DONE
        for side in _DIRECTIONS:
            if await read(self.session, self._rule(side)) is not None:
                verb = f"delete-{side}"
                outcome = await self._undone(verb, partial(self._delete, side))
            else:
                coming = await under_way(self.session, self.record, f"insert-{side}")
                outcome = PENDING if coming else DONE
            if outcome != DONE and left.kind in (OutcomeKind.DONE, OutcomeKind.PENDING):
                left = outcome
        return left

    async def _undone(self, verb: str, delete: Begin) -> Outcome:
        try:
            return await undo(self.session, self.record, verb, delete)
        except RefusedError as refusal:
            if not refusal.gone:
                raise
            return DONE  # somebody else has deleted it meanwhile

    async def _delete(self, side: str, request: str) -> dict[str, Any]:
        rule = addressed(self._rule(side))
        return await self.session.call("firewalls", "delete", **rule, request_id=request)


def recalled(resource: str, notes: Mapping[str, str]) -> dict[str, Any]:
    """Return the state of a pair from its name and notes. Raises KeyError or ValueError."""
    match = RULE_NAME.fullmatch(Name.of(resource).name)
    if match is None or match["tag"] != notes["tag"]:
        raise ValueError(resource)
    return {"tag": notes["tag"], "network": notes["network"]}
