"""Rescue from the command line: look everywhere, decide, say so, and do it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bridge.api.process import StartError, require_installation
from bridge.cli.exits import CommandError, Exit
from bridge.cli.standings import grace, source
from bridge.engine import Providers
from bridge.engine.rescue import (
    Finding,
    Judge,
    Patience,
    Plan,
    Undoing,
    Verdict,
    places_of,
    search,
)
from bridge.model.moment import iso_timestamp
from bridge.store.database import system_clock
from bridge.store.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.settings import Settings
    from bridge.store.standing import Unmarked


@dataclass(frozen=True)
class Rescued:
    """What rescue found and did, and where it could not look."""

    findings: list[Finding]
    problems: list[str]

    @property
    def incomplete(self) -> bool:
        """Whether something that was found has been left behind."""
        return any(one.left_behind for one in self.findings)

    def wire(self) -> dict[str, Any]:
        """Return the JSON object that a command prints."""
        return {"findings": [_wire(one) for one in self.findings], "problems": self.problems}


async def rescue_all(
    settings: Settings,
    *,
    dry_run: bool,
    other: str | None = None,
    announce: Callable[[Plan], None] = lambda _: None,
) -> Rescued:
    """Find the marks of every installation and undo those of this one.

    ``other`` is an installation whose marks are undone too where they are past their deadline.
    ``announce`` is told what will be done before anything is. Raises CommandError where the
    installation has no name, and where the bridge or database that is set cannot be asked.
    """
    try:
        require_installation(settings)
    except StartError as error:
        raise CommandError(Exit.INVALID, str(error)) from None
    providers = Providers(settings)
    with ExitStack() as stack:
        known = source(settings, stack)
        try:
            seen = await search(
                providers,
                places_of(settings),
                installation=settings.installation,
                identities=settings.rescue_identities,
            )
            # Asked after the search: a run that begins later has no mark among those found.
            mine = [
                one.found.mark.experiment
                for one in seen.sightings
                if one.found.mark.installation == settings.installation
            ]
            standings = await known.standings(mine)
            unmarked = [_not_marked(one, settings) for one in await known.unmarked()]
            judge = Judge(
                providers,
                installation=settings.installation,
                other=other,
                standings=standings,
                now=system_clock(),
                grace=grace(settings),
            )
            plan = judge.plan(seen.sightings)
            plan.leave.extend(unmarked)
            if dry_run:
                return Rescued(plan.findings, seen.problems)
            announce(plan)
            undoing = Undoing(
                providers,
                installation=settings.installation,
                patience=Patience(pause=settings.retry_first.total_seconds()),
            )
            done = await undoing.carry_out(plan.act)
        finally:
            await providers.close()
    return Rescued([*done, *plan.leave], seen.problems)


def _not_marked(one: Unmarked, settings: Settings) -> Finding:
    """Tell of a fault that no search finds; a bridge that is alive undoes it all the same."""
    left = one.standing is not Standing.HELD
    if left:
        what = "undo it by hand, or start a bridge on this data"
        if one.standing is Standing.OVER:
            what = "its run is over and gave it up: see to it by hand"
    else:
        what = "its run is open: a bridge on this data undoes it"
    why = f"{one.reason}; " if one.reason else ""
    return Finding(
        resource=one.resource,
        mark="",
        verdict=Verdict.NOT_MARKED,
        reason=f"{why}{what}",
        installation=settings.installation,
        experiment=one.experiment,
        action=one.action,
        fault=one.fault,
        run=one.standing.word,
        left_behind=left,
    )


def _wire(one: Finding) -> dict[str, Any]:
    return {
        "resource": one.resource,
        "mark": one.mark,
        "verdict": one.verdict.value,
        "reason": one.reason,
        "installation": one.installation,
        "experiment": one.experiment,
        "action": one.action,
        "fault": one.fault,
        "undo": one.undo,
        "prior": one.prior,
        "identity": one.identity,
        "recovery": one.recovery,
        "actedAs": one.acted_as,
        "deadline": None if one.deadline is None else iso_timestamp(one.deadline),
        "pastDeadline": one.past_deadline,
        "run": one.run,
        "why": one.why,
        "leftBehind": one.left_behind,
    }
