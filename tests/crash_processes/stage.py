"""One case from its beginning to the judgement."""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.crash_processes.cases import Case, Death
from tests.crash_processes.house import LEASE, Estate, House, house_for
from tests.crash_processes.offspring import Offspring
from tests.crash_processes.points import SLOW, SLOWNESS, Order, Point, read_points
from tests.crash_processes.truth import fewest_points, implied_points, lateness, violations
from tests.crash_processes.world import LASTS, document

PATIENCE: Final = 120.0
"""Seconds within which every run must be closed."""
ENOUGH: Final = 20.0
"""Seconds after the wake-up of a frozen worker within which the world must be as it was. A lease,
and what an instance takes to stop and start again, on a machine with much else to do."""
_ACTS: Final = {Death.KILL: "SIGKILL", Death.TERM: "SIGTERM", Death.SLOW: SLOW}


@dataclass
class Result:
    """What came of a case."""

    case: Case
    died: bool = False
    """Whether what was to befall it did, before the run was over."""
    left: list[str] = field(default_factory=list)
    """What is not as it was before."""
    wrong: list[str] = field(default_factory=list)
    """What else must not be."""
    late: float | None = None
    """Seconds from the planned time to the undo."""
    whole_after: float | None = None
    """Seconds from a frozen worker's wake-up until the world was as before, the run being over."""
    status: str = ""
    points: list[Point] = field(default_factory=list)
    implied: set[str] = field(default_factory=set)
    """Points that the journal shows."""
    too_few: str = ""
    """Whether the journal shows more commits than points were passed for."""
    output: str = ""


async def play(
    case: Case,
    estate: Estate,
    passed: int,
    *,
    mutant: str = "",
    lasts: int = LASTS,
    enough: float = ENOUGH,
) -> Result:
    """Play a case; ``passed`` is the number of points of a whole run on its system."""
    directory = estate.directory / f"{case.system}-{case.number}-{mutant.replace(' ', '-')}"
    directory.mkdir()
    result = Result(case)
    act = _ACTS.get(case.death, "SIGSTOP") if case.point else ""
    order = Order(directory / "points", act, case.point, 1 + int(passed * case.part))
    alone = case.death in {Death.RESTART, Death.AWAY}
    settings = {"FAULTBRIDGE_LEASE": f"PT{SLOWNESS / 3:.0f}S"} if case.death is Death.SLOW else {}
    async with house_for(
        estate, order, system=case.system, alone=alone, mutant=mutant, settings=settings
    ) as house:
        instance = await estate.world.launch(directory.name)
        run = await house.start(document(directory.name, lasts=lasts))
        thawed = await _befall(case, house, run, result)
        limit = time.monotonic() + PATIENCE
        if thawed is not None and case.thaw_after_end:
            limit = thawed + enough
        await _settle(house, instance, run, result, limit=limit, enough=enough)
        if thawed is not None and case.thaw_after_end:
            result.whole_after = time.monotonic() - thawed
        experiment, records, journal = await house.ledger.told(run)
        effects = estate.world.effects(instance, run)
        result.status = experiment.status.value
        result.wrong += violations(experiment, records, journal, effects)
        result.late = lateness(experiment, journal, effects)
        result.points = read_points(order.points)
        result.implied = implied_points(records, journal)
        result.too_few = fewest_points(journal, result.points)
        result.output = house.output()
        if result.left or result.wrong:
            result.output += "".join(f"{e.at} {e.type} {e.details}\n" for e in journal)
            result.output += f"{effects}\n"
    return result


async def _settle(
    house: House, instance: str, run: str, result: Result, *, limit: float, enough: float
) -> None:
    """Wait until the run is closed and the world as before, for as long as it may take."""
    while True:
        closed = not (await house.ledger.hold(run)).open
        if closed:
            limit = min(limit, time.monotonic() + enough)
            result.left = await house.estate.world.left_behind(instance, run)
            if not result.left:
                return
        if time.monotonic() > limit:
            result.wrong += [] if closed else ["the run is still open"]
            result.left = await house.estate.world.left_behind(instance, run)
            return
        await asyncio.sleep(0.25)


async def _befall(case: Case, house: House, run: str, result: Result) -> float | None:
    """Let happen what the case is about; return when a frozen process was woken up."""
    victim = await _moment(case, house, run)
    if victim is None:
        return None
    result.died = True
    if case.death is Death.SLOW:
        held = await house.ledger.hold(run)
        await asyncio.sleep(SLOWNESS - 1)
        if (await house.ledger.hold(run)).fence != held.fence:
            result.wrong.append("the run was taken from a worker that lives")
        return None
    if case.death in _ACTS:
        await _end(case, house, victim, result)
        return None
    if case.death in {Death.FREEZE, Death.CALL}:
        return await _freeze(case, house, run, victim, result)
    give_back = asyncio.create_task(house.take_database_away())
    if case.point:
        # It goes on as soon as the server is gone; on SQLite it may hold the lock itself.
        await asyncio.wait({give_back}, timeout=None if house.base else 0.1)
        victim.signal(signal.SIGCONT)
    back = await give_back
    if case.death is Death.AWAY:
        await asyncio.sleep(3 * LEASE)
    await asyncio.to_thread(back)
    return None


async def _moment(case: Case, house: House, run: str) -> Offspring | None:
    """Wait for the moment; return whom it concerns, None where the run is over before."""
    if not case.point:
        await asyncio.sleep(case.at)
        there = (await house.ledger.hold(run)).open
        return house.workers[case.which % len(house.workers)] if there else None
    # Another process has no event to wait for.
    looks = 0
    while not house.order.acted.exists():
        looks += 1
        if looks % 16 == 0 and not (await house.ledger.hold(run)).open:
            await asyncio.sleep(0.2)  # the last points lie behind the end
            if not house.order.acted.exists():
                return None
        await asyncio.sleep(0.03)
    victim = house.of(_acted(house.order.acted).process)
    while case.death not in _ACTS and not victim.stopped():  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.005)
    return victim


def _acted(file: Path) -> Point:
    process, name = file.read_text().strip().split(" ", 1)
    return Point(int(process), name)


async def _end(case: Case, house: House, victim: Offspring, result: Result) -> None:
    if not case.point:
        victim.signal(signal.Signals[_ACTS[case.death]])
    try:
        code = await victim.ended(within=20)
    except TimeoutError:
        code = 1
    wanted = -signal.SIGKILL if case.death is Death.KILL else 0
    if code != wanted:
        result.wrong.append(f"it ended with {code}, not {wanted}")
    await asyncio.sleep(case.alone)
    await house.succeed()


async def _freeze(case: Case, house: House, run: str, victim: Offspring, result: Result) -> float:
    """Keep a process frozen until its lease is over, and the others have gone as far as wished."""
    victim.signal(signal.SIGSTOP)
    frozen = time.monotonic()
    held = await house.ledger.hold(run)
    if case.stopped:
        house.stop(run)
    if case.thaw_after_end:
        if not await house.ledger.closed(run, PATIENCE):
            result.wrong.append("the others have not ended the run")
    else:
        # Where nobody takes it (SQLite, or a run that was nobody's) the lease's end is enough.
        while time.monotonic() < frozen + 1.5 * LEASE or (  # noqa: ASYNC110 - as above
            held.owner is not None
            and house.base is not None
            and (await house.ledger.hold(run)).fence == held.fence
            and time.monotonic() < frozen + 6 * LEASE
        ):
            await asyncio.sleep(0.05)
    passed = len(read_points(house.order.points))
    victim.signal(signal.SIGCONT)
    thawed = time.monotonic()
    while case.point and time.monotonic() < thawed + 3:
        if any(one.process == victim.pid for one in read_points(house.order.points)[passed:]):
            break  # it has come out of where it was
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.1)
    return thawed
