"""Looking for marks in all places at once; what could not be looked into is said, never hidden."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from bridge.engine.context import words
from providers import registry
from providers.contract import Caller, FoundMark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.engine.providers import Providers
    from bridge.engine.rescue.places import Place
    from bridge.model.scope import Scope
    from providers.contract import MarkSearch

NAME: Final = "rescue"
"""Session name that the clouds' audit logs show."""
_AT_ONCE: Final = 8
"""Places that are looked into side by side."""
LONGEST: Final = 600.0
"""Seconds after which a look into one place counts as failed; a single call ends in under 60."""


@dataclass(frozen=True)
class Sighting:
    """A mark, and the account and Region in which it was found: it is undone from there."""

    found: FoundMark
    scope: Scope


@dataclass
class Search:
    """What a search everywhere came to."""

    sightings: list[Sighting] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """Where nobody could look, and why: there may be marks."""


@dataclass(frozen=True)
class _Look:
    """One provider in one place, as each of some identities in turn."""

    provider: str
    place: Place
    identities: tuple[str | None, ...]
    all_of_them: bool
    """Whether the next identity looks even if one has seen everything it may."""


async def search(
    providers: Providers,
    places: Sequence[Place],
    *,
    installation: str,
    identities: tuple[str, ...] = (),
    longest: float = LONGEST,
) -> Search:
    """Find every mark that can be seen, of any installation. Reads only, and never raises.

    The first place is the bridge's own; what belongs to no Region is looked for from there.
    """
    several = asyncio.Semaphore(_AT_ONCE)

    async def in_turn(look: _Look) -> tuple[list[Sighting], list[str]]:
        async with several:
            return await _look(providers, look, installation, longest)

    looks = [
        look for name in registry.PROVIDERS for look in _looks(providers, name, places, identities)
    ]
    found: dict[tuple[str, str], Sighting] = {}
    problems: list[str] = []
    for sightings, unsearched in await asyncio.gather(*map(in_turn, looks)):
        problems += unsearched
        for one in sightings:
            found.setdefault((one.found.record.resource, one.found.mark.key), one)
    return Search(list(found.values()), list(dict.fromkeys(problems)))


def _looks(
    providers: Providers, name: str, places: Sequence[Place], identities: tuple[str, ...]
) -> list[_Look]:
    kind = registry.provider_class(name)
    where = places if kind.regional else places[:1]
    looks = []
    for place in where:
        lookers: tuple[str | None, ...]
        if kind.looks_as_all:
            lookers = (None,)
        elif kind.regional:
            lookers = place.lookers(identities)
        else:
            known = [one for one in identities if providers.known_in(name, place.scope, one)]
            lookers = (None, *known)
        looks.append(_Look(name, place, lookers, kind.lists_partly))
    return looks


async def _look(
    providers: Providers, look: _Look, installation: str, longest: float
) -> tuple[list[Sighting], list[str]]:
    found: list[Sighting] = []
    problems: list[str] = []
    complete = False
    for identity in look.identities:
        caller = Caller(look.place.scope, identity, NAME, installation)
        try:
            async with asyncio.timeout(longest):
                answer: MarkSearch = await providers.find_marks(look.provider, caller)
        except Exception as error:  # noqa: BLE001 - one place must never hide the others
            problems.append(f"{_where(look, identity)}: {_why(error, longest)}")
            continue
        found += (Sighting(mark, look.place.scope) for mark in answer.found)
        problems += answer.unsearched
        complete = complete or not answer.unsearched
        if complete and not look.all_of_them:
            break
    return found, [] if complete else problems


def _where(look: _Look, identity: str | None) -> str:
    who = f"as {identity or 'the bridge itself'}"
    if not registry.provider_class(look.provider).regional:
        return f"{look.provider}, {who}"
    scope = look.place.scope
    return f"{look.provider}, account {scope.account}, {scope.region}, {who}"


def _why(error: Exception, longest: float) -> str:
    if isinstance(error, TimeoutError):
        return f"no end after {longest:g} s"
    return words(error)
