"""Network tags of instances: one of the run's own is put on, and taken off again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bridge.model.record import Record
from providers.contract import DONE, PENDING, Outcome, OutcomeKind
from providers.gcp.clients import Body
from providers.gcp.describe import addressed, read
from providers.gcp.errors import CHANGED_MEANWHILE
from providers.gcp.names import Name
from providers.gcp.operations import begin, noted, under_way, undo
from providers.gcp.power import GONE, rejected
from providers.gcp.session import GcpSession
from providers.refusals import RefusedError

MOST_TAGS: Final = 64
"""Network tags of one instance (VPC, "Add network tags")."""
TAG_VERB: Final = "setTags"
"""The verb under which a record keeps the operation that puts the tag on."""
_OFF: Final = "setTags-back"
_TRIES: Final = 4
"""How often tags are read again because somebody changed them since."""


def tags_of(instance: Mapping[str, Any]) -> list[str]:
    """Return an instance's network tags."""
    return list(instance.get("tags", {}).get("items", ()))


def fitness(record: Record, instance: Mapping[str, Any] | None) -> Outcome:
    """Judge whether an instance can bear one tag more, and is cut off by it."""
    if instance is None:
        return GONE
    if not record.touches:
        return rejected("it is in no network that the bridge knows of; leave it out")
    if len(tags_of(instance)) >= MOST_TAGS:
        return rejected(f"it bears {MOST_TAGS} network tags, and no more fit; remove one")
    for interface in instance.get("networkInterfaces", ()):
        if interface.get("stackType", "IPV4_ONLY") != "IPV4_ONLY":
            return rejected(
                f"its interface {interface.get('name', '')} speaks IPv6, which the rules would "
                "let through; leave it out"
            )
    return DONE


async def release_tag(
    session: GcpSession, record: Record, instance: dict[str, Any] | None
) -> Outcome:
    """Take our tag off, and leave the others. Raises ProviderError."""
    if instance is None:
        return GONE
    if record.state["tag"] in tags_of(instance):
        return await set_tag(session, record, instance, on=False)
    if noted(record, TAG_VERB) and await under_way(session, record, TAG_VERB):
        return PENDING
    return DONE


async def set_tag(
    session: GcpSession, record: Record, instance: dict[str, Any] | None, *, on: bool
) -> Outcome:
    """Put our tag on or off, read anew when somebody changed the tags since.

    Raises ProviderError.
    """
    name = Name.of(record.resource)
    tag = record.state["tag"]
    for _ in range(_TRIES):
        if instance is None:
            return GONE
        tags = instance.get("tags", {})
        before = tags_of(instance)
        if (tag in before) == on:
            return DONE
        content = {
            "items": [*before, tag] if on else [one for one in before if one != tag],
            "fingerprint": tags.get("fingerprint", ""),
        }
        body = Body("tags_resource", "Tags", content)

        async def call(request: str, body: Body = body) -> dict[str, Any]:
            place = addressed(name)
            return await session.call("instances", "setTags", body, **place, request_id=request)

        try:
            if on:
                return await begin(session, record, TAG_VERB, call)
            return await undo(session, record, _OFF, call)
        except RefusedError as refusal:
            if refusal.code != CHANGED_MEANWHILE:
                raise
            instance = await read(session, name)
    return Outcome(OutcomeKind.UNKNOWN, "its tags were changed again and again")
