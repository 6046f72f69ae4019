"""What ``rescue`` finds in Google Cloud: marks in labels, and in the names of firewall rules."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from providers.contract import FoundMark, MarkSearch, ProviderError
from providers.gcp.marks import texts_in
from providers.gcp.names import canonical
from providers.gcp.rules import RULE_NAME, pair_of
from providers.gcp.session import GcpSession
from providers.marks import PREFIX, found_mark

_LABELLED: Final = ("instances", "disks")
_AT_ONCE: Final = 24
"""Lists that are asked for side by side."""


async def found_marks(session: GcpSession, projects: Sequence[str]) -> MarkSearch:
    """Find the marks in projects; what could not be looked into is said.

    Raises ProviderError when nothing could be searched at all.
    """
    searches: list[tuple[str, Callable[[], Awaitable[list[FoundMark]]]]] = []
    for project in dict.fromkeys(projects):
        searches += (
            (f"{kind} of {project}", _labels(session, kind, project)) for kind in _LABELLED
        )
        searches.append((f"firewall rules of {project}", _rules(session, project)))
    several = asyncio.Semaphore(_AT_ONCE)

    async def in_turn(look: Callable[[], Awaitable[list[FoundMark]]]) -> list[FoundMark]:
        async with several:
            return await look()

    answers = await asyncio.gather(*(in_turn(look) for _, look in searches), return_exceptions=True)
    found: list[FoundMark] = []
    unsearched: list[str] = []
    failures: list[ProviderError] = []
    for (what, _), answer in zip(searches, answers, strict=True):
        if isinstance(answer, ProviderError):
            failures.append(answer)
            unsearched.append(f"Google Cloud, {what}: {answer}")
        elif isinstance(answer, BaseException):
            raise answer
        else:
            found += answer
    if len(failures) == len(searches):
        raise failures[0]
    return MarkSearch(found, unsearched)


def _labels(
    session: GcpSession, kind: str, project: str
) -> Callable[[], Awaitable[list[FoundMark]]]:
    async def look() -> list[FoundMark]:
        # Which keys the marks have cannot be known, and a filter takes whole keys only.
        scopes = await session.listed(kind, "aggregatedList", project=project)
        return [
            _found(session, text, canonical(one["selfLink"]), group)
            for _, scope in scopes
            for one in scope.get(kind, ())
            for group, text in texts_in(one.get("labels", {})).items()
        ]

    return look


def _rules(session: GcpSession, project: str) -> Callable[[], Awaitable[list[FoundMark]]]:
    async def look() -> list[FoundMark]:
        rules = await session.listed("firewalls", project=project)
        pairs = {
            pair_of(canonical(rule["selfLink"])): rule.get("description", "")
            for rule in rules
            if RULE_NAME.fullmatch(rule["name"])
        }
        return [_found(session, text, name, name) for name, text in pairs.items()]

    return look


def _found(session: GcpSession, text: str, resource: str, otherwise: str) -> FoundMark:
    key, _, words = text.partition("\n")
    key = key if key.startswith(PREFIX) else f"{PREFIX}{otherwise}"
    return found_mark(session.caller.scope, key, words, resource)
