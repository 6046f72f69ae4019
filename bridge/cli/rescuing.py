"""Rescue from the command line: which runs are a living bridge's, and what came of the rest."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

from bridge.api.process import StartError, require_installation
from bridge.cli.connection import configured_url, connect_async
from bridge.cli.exits import CommandError, Exit
from bridge.client import UnreachableError
from bridge.engine import Providers
from bridge.engine.rescue import Finding, Rescue, Verdict
from bridge.model.scope import Scope
from bridge.settings import Settings
from bridge.store import DataDirectory, DirectoryInUseError, Store, sqlite_url

_PAGE: Final = 100
_INCOMPLETE: Final = frozenset({Verdict.FAILED, Verdict.UNREADABLE})


@dataclass(frozen=True)
class Rescued:
    """What rescue found and did, and where it could not look."""

    findings: list[Finding]
    problems: list[str]

    @property
    def incomplete(self) -> bool:
        """Whether something that was found has been left behind."""
        return any(one.verdict in _INCOMPLETE for one in self.findings)

    def wire(self) -> dict[str, Any]:
        """Return the JSON object that a command prints."""
        findings = [
            {
                "resource": one.resource,
                "mark": one.mark,
                "verdict": one.verdict.value,
                "reason": one.reason,
            }
            for one in self.findings
        ]
        return {"findings": findings, "problems": self.problems}


async def rescue_all(
    settings: Settings, *, dry_run: bool, identities: tuple[str, ...] = ()
) -> Rescued:
    """Find the marks of every installation and undo those of this one.

    Raises CommandError where the installation has no name, and what the client raises where
    FAULTBRIDGE_URL names a bridge that does not answer.
    """
    try:
        require_installation(settings)
    except StartError as error:
        raise CommandError(Exit.INVALID, str(error)) from None
    scope = Scope(cloud="aws", account=settings.account, region=settings.region)
    providers = Providers(settings)
    with ExitStack() as stack:
        held_here = _hold(settings, stack)
        try:
            rescue = Rescue(
                providers,
                installation=settings.installation,
                scope=scope,
                identities=(*settings.rescue_identities, *identities),
                pause=settings.retry_first.total_seconds(),
            )
            search = await rescue.search()
            # Asked after the search: a run that begins later has no mark among those found.
            try:
                open_runs = set() if held_here else await _open_runs(settings, scope)
            except UnreachableError as error:
                msg = (
                    f"{error}; its open runs are unknown, so nothing was touched. "
                    "If that bridge is gone for good, unset FAULTBRIDGE_URL and rescue again"
                )
                raise CommandError(Exit.NO_BRIDGE, msg) from None
            findings = await rescue.run(search.found, dry_run=dry_run, open_runs=open_runs)
        finally:
            await providers.close()
    return Rescued(findings, list(search.unsearched))


def _hold(settings: Settings, stack: ExitStack) -> bool:
    """Keep bridges from beginning on the data directory meanwhile; False where one is there.

    What the directory knows as open is undone all the same, and the next bridge finds it so.
    """
    if configured_url() is not None or settings.database or not settings.data.is_dir():
        return False
    try:
        stack.callback(DataDirectory(settings.data).close)
    except DirectoryInUseError:
        return False
    return True


async def _open_runs(settings: Settings, scope: Scope) -> set[str]:
    """Return the runs that a living bridge has in hand, as far as one is known."""
    if configured_url() is not None:
        return await _open_there()
    if settings.database:
        return await _open_in(settings.database, scope)
    if settings.data.is_dir():
        return await _open_in(sqlite_url(settings.data), scope)
    return set()


async def _open_there() -> set[str]:
    found: set[str] = set()
    after: str | None = None
    async with connect_async() as client:
        while True:
            page = await client.experiments(after=after, limit=_PAGE)
            found |= {one.id for one in page.experiments if not one.status.ended}
            after = page.next
            if after is None:
                return found


async def _open_in(url: str, scope: Scope) -> set[str]:
    store = Store.open(url)
    found: set[str] = set()
    after: str | None = None
    try:
        while True:
            page = await store.experiments(scope, after=after, limit=_PAGE)
            found |= {one.id for one in page if not one.status.ended}
            if len(page) < _PAGE:
                return found
            after = page[-1].id
    finally:
        await store.close()
