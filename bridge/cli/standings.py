"""How the runs behind marks stand: asked of a living bridge, or read from a database."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, Protocol

from sqlalchemy.exc import SQLAlchemyError

from bridge.cli.connection import configured_url, connect_async
from bridge.cli.exits import CommandError, Exit
from bridge.client import RefusedError, UnreachableError
from bridge.model.event import EventType
from bridge.model.moment import Micros, micros
from bridge.model.record import Phase
from bridge.store import DataDirectory, DirectoryInUseError, sqlite_url
from bridge.store.standing import Ledger, RunStanding, Standing, Unmarked

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bridge.client import AsyncClient
    from bridge.settings import Settings

_AT_ONCE: Final = 8
_PAGE: Final = 100
_GIVEN_UP: Final = frozenset({Phase.KEPT, Phase.RELEASED})
_NOT_FOUND: Final = 404


def grace(settings: Settings) -> Micros:
    """Return how long after a deadline somebody may still be undoing: take-over and one call."""
    return micros(settings.lease + settings.call_lifetime)


class Source(Protocol):
    """What knows runs."""

    async def standings(self, ids: Iterable[str]) -> dict[str, RunStanding]:
        """Return how runs stand, by id; unknown ones are left out. Raises CommandError."""

    async def unmarked(self) -> list[Unmarked]:
        """Return the faults that could not be marked. Raises CommandError."""


def source(settings: Settings, stack: ExitStack) -> Source:
    """Return what knows the runs.

    The bridge of FAULTBRIDGE_URL and the database of FAULTBRIDGE_DATABASE, both where both are
    set, since a bridge shows the runs of its own scope only; else the data directory, if any.
    A data directory without a bridge is held until the stack is left, so that none begins
    meanwhile. What it knows as open is undone all the same, and the next bridge finds it so.
    """
    several: list[Source] = []
    if configured_url() is not None:
        several.append(_Living())
    if settings.database:
        several.append(_Stored(settings, settings.database, "FAULTBRIDGE_DATABASE", alive=True))
    if several:
        return _Several(several)
    if not settings.data.is_dir():
        return _Nothing()
    try:
        stack.callback(DataDirectory(settings.data).close)
        alive = False
    except DirectoryInUseError:
        alive = True
    except OSError as error:
        raise _unreadable(f"the data directory {settings.data}", error.strerror or "") from None
    path = sqlite_url(settings.data)
    if not settings.data.joinpath(path.rpartition("/")[2]).exists():
        return _Nothing()
    return _Stored(settings, path, f"the data directory {settings.data}", alive=alive)


class _Several:
    """Several that know runs; one that says that a run is held is believed before the others."""

    def __init__(self, sources: list[Source]) -> None:
        self._sources = sources

    async def standings(self, ids: Iterable[str]) -> dict[str, RunStanding]:
        wanted = list(ids)
        found: dict[str, RunStanding] = {}
        for one in self._sources:
            for name, run in (await one.standings(wanted)).items():
                if run.standing is Standing.HELD or name not in found:
                    found[name] = run
        return found

    async def unmarked(self) -> list[Unmarked]:
        found: dict[tuple[str, str, str], Unmarked] = {}
        for one in self._sources:
            for fault in await one.unmarked():
                found.setdefault((fault.experiment, fault.action, fault.resource), fault)
        return list(found.values())


class _Nothing:
    """No database: every run is unknown."""

    async def standings(self, ids: Iterable[str]) -> dict[str, RunStanding]:  # noqa: ARG002 - none is known
        return {}

    async def unmarked(self) -> list[Unmarked]:
        return []


class _Stored:
    """A database, of which a bridge may be alive elsewhere."""

    def __init__(self, settings: Settings, url: str, name: str, *, alive: bool) -> None:
        self._settings = settings
        self._url = url
        self._name = name
        self._alive = alive

    async def standings(self, ids: Iterable[str]) -> dict[str, RunStanding]:
        try:
            ledger = self._ledger()
            try:
                return await ledger.standings(ids)
            finally:
                await ledger.close()
        except (SQLAlchemyError, ModuleNotFoundError) as error:
            raise _unreadable(self._name, type(error).__name__) from None

    async def unmarked(self) -> list[Unmarked]:
        try:
            ledger = self._ledger()
            try:
                return await ledger.unmarked()
            finally:
                await ledger.close()
        except (SQLAlchemyError, ModuleNotFoundError) as error:
            raise _unreadable(self._name, type(error).__name__) from None

    def _ledger(self) -> Ledger:
        return Ledger(self._url, alive=self._alive, grace=grace(self._settings))


def _unreadable(name: str, why: str) -> CommandError:
    # The driver's own words may quote the URL and its password.
    return CommandError(
        Exit.NO_BRIDGE,
        f"the database of {name} cannot be read ({why}); its runs are unknown, so nothing was "
        "touched. If it is lost for good, take it out of the settings, or move it away, and "
        "rescue again",
    )


class _Living:
    """The bridge of FAULTBRIDGE_URL."""

    async def standings(self, ids: Iterable[str]) -> dict[str, RunStanding]:
        wanted = sorted(set(ids))
        several = asyncio.Semaphore(_AT_ONCE)
        async with connect_async() as client:

            async def ask(name: str) -> RunStanding | None:
                async with several:
                    return await _asked(client, name)

            # Asked even when there is nothing to ask: a bridge that is not there must be noticed.
            await _answers(client)
            answers = await asyncio.gather(*map(ask, wanted))
        return {name: one for name, one in zip(wanted, answers, strict=True) if one is not None}

    async def unmarked(self) -> list[Unmarked]:
        found: list[Unmarked] = []
        after: str | None = None
        async with connect_async() as client:
            while True:
                page = await client.experiments(after=after, limit=_PAGE)
                for one in page.experiments:
                    if not one.status.ended:
                        found += await _unmarked_of(client, one.id)
                after = page.next
                if after is None:
                    return found


async def _answers(client: AsyncClient) -> None:
    try:
        await client.experiments(limit=1)
    except UnreachableError as error:
        msg = (
            f"{error}; its open runs are unknown, so nothing was touched. "
            "If that bridge is gone for good, unset FAULTBRIDGE_URL and rescue again"
        )
        raise CommandError(Exit.NO_BRIDGE, msg) from None


async def _asked(client: AsyncClient, name: str) -> RunStanding | None:
    try:
        run = await client.experiment(name)
    except RefusedError as error:
        if error.problem.status == _NOT_FOUND:
            return None
        raise
    if not run.status.ended:
        return RunStanding(Standing.HELD)
    given_up = {(one.action, one.resource) for one in run.records if one.phase in _GIVEN_UP}
    return RunStanding(Standing.OVER, frozenset(given_up))


async def _unmarked_of(client: AsyncClient, name: str) -> list[Unmarked]:
    reasons: dict[str, str] = {}
    after = 0
    while True:
        page = await client.events(name, after=after)
        for event in page.events:
            if event.type is EventType.UNMARKED:
                reason = str(event.details.get("reason", ""))
                reasons |= dict.fromkeys(event.details.get("resources", ()), reason)
        if not page.events:
            break
        after = page.next
    if not reasons:
        return []
    run = await client.experiment(name)
    return [
        Unmarked(name, one.action, one.resource, one.fault, reasons[one.resource], Standing.HELD)
        for one in run.records
        if one.resource in reasons and not one.ended and one.phase is not Phase.PREPARED
    ]
