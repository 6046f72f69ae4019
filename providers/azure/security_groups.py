"""The security group that isolates machines: made for one action, denies everything."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any, Final

from bridge.model.record import Record
from providers.azure.describe import provisioned, resource_of
from providers.azure.ids import SECURITY_GROUP, ResourceId
from providers.azure.session import AzureSession
from providers.contract import (
    DONE,
    PENDING,
    Effect,
    Observation,
    Outcome,
    Plan,
)
from providers.refusals import RefusedError

LOCATION: Final = "location"
TAGS: Final = "tags"
"""Where the group's record keeps its location, and the tags that are its mark."""

_FIRST: Final = 100
"""The priority that goes before every other."""
_LETTERS: Final = 26


def name_of(plan: Plan, location: str) -> str:
    """Return the group's name, the same whenever it is asked for: a repeat makes no second one."""
    words = f"{plan.installation}/{plan.experiment}/{plan.action}/{location}"
    digest = hashlib.sha256(words.encode()).digest()
    return f"fb-{base64.b32encode(digest).decode().lower()[:_LETTERS]}"


def is_group(record: Record) -> bool:
    """Whether a record is a security group's and not a machine's."""
    return resource_of(record).kind == SECURITY_GROUP


async def create(session: AzureSession, record: Record) -> Outcome:
    """Make the group with its rules and its mark; one that is there already is made the same."""
    which = resource_of(record)
    begun = await session.begin(
        which.subscription,
        "network",
        "network_security_groups.create_or_update",
        which.group,
        which.name,
        {
            "location": record.state[LOCATION],
            "tags": dict(record.state.get(TAGS) or {}),
            "properties": {"securityRules": [_deny("Inbound"), _deny("Outbound")]},
        },
    )
    return DONE if provisioned(begun.body) == "succeeded" else PENDING


async def look(session: AzureSession, record: Record) -> Observation:
    """Tell whether the group is there."""
    group = await _read(session, resource_of(record))
    if group is None:
        return Observation(Effect.ABSENT)
    state = provisioned(group)
    if state == "failed":
        return Observation(Effect.FAILED, "Azure could not make the isolating security group")
    return Observation(Effect.PRESENT if state == "succeeded" else Effect.APPLYING)


async def delete(session: AzureSession, record: Record) -> Outcome:
    """Remove the group, unless it is gone or going."""
    which = resource_of(record)
    group = await _read(session, which)
    if group is None:
        return DONE
    if provisioned(group) in ("deleting", "updating"):
        return PENDING
    begun = await session.begin(
        which.subscription, "network", "network_security_groups.delete", which.group, which.name
    )
    return PENDING if begun.accepted else DONE


async def _read(session: AzureSession, which: ResourceId) -> Mapping[str, Any] | None:
    try:
        return await session.get(
            which.subscription, "network", "network_security_groups.get", which.group, which.name
        )
    except RefusedError as refusal:
        if not refusal.gone:
            raise
        return None


def _deny(direction: str) -> dict[str, Any]:
    return {
        "name": f"deny-all-{direction.lower()}",
        "properties": {
            "access": "Deny",
            "direction": direction,
            "priority": _FIRST,
            "protocol": "*",
            "sourceAddressPrefix": "*",
            "sourcePortRange": "*",
            "destinationAddressPrefix": "*",
            "destinationPortRange": "*",
        },
    }
