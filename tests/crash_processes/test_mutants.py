"""Each protection taken out of real bridges once: the cases must see that it is missing.

A matrix that finds nothing proves nothing unless it finds something where there is something to
find. In `make crash` each case is played with the protection too, and must find nothing then.
"""

from __future__ import annotations

import asyncio
import shutil

import pytest

from tests.crash_processes.cases import Case, Death
from tests.crash_processes.house import Estate, house_for
from tests.crash_processes.mutants import MUTANTS
from tests.crash_processes.points import CHECKED, Order
from tests.crash_processes.stage import play
from tests.crash_processes.test_matrix import FULL
from tests.crash_processes.world import LASTS, document

LONG = 60
"""Seconds that a fault lasts which nobody but the late effect's undo would end in time."""
SOON = 8.0
"""Seconds within which the world must be as before, once the run has ended."""
_INJECTED = "after inject of aws:ec2:stop-instances"
_IN_CALL = f"{CHECKED} StopInstances"
_FROZEN = Case(
    20_001,
    "postgresql",
    Death.CALL,
    point=_IN_CALL,
    thaw_after_end=True,
    stopped=True,
)
CASES = {
    # The next bridge comes when it is too late to inject: what it does not know of stays.
    "no write-ahead commit": Case(20_002, "sqlite", Death.KILL, point=_INJECTED, alone=LASTS + 2.0),
    "no fence check": _FROZEN,
    "no lease renewal": Case(20_003, "postgresql", Death.SLOW, point=_IN_CALL),
    "no late-effect entry": _FROZEN,
}


async def _found(name: str, estate: Estate, mutant: str) -> list[str]:
    """Return what a case finds, with a mutant or without."""
    if name == "no mark":
        return await _found_by_rescue(estate, mutant)
    case = CASES[name]
    lasts = LONG if case is _FROZEN else LASTS
    result = await play(case, estate, 0, mutant=mutant, lasts=lasts, enough=SOON)
    assert result.died, result.output
    return result.left + result.wrong


async def _found_by_rescue(estate: Estate, mutant: str) -> list[str]:
    """Kill a bridge, delete its database, and return what rescue leaves."""
    directory = estate.directory / f"lost-{mutant.replace(' ', '-') or 'nothing'}"
    directory.mkdir()
    # Of an installation of its own: rescue touches all that is marked by one, of any case.
    settings = {"FAULTBRIDGE_INSTALLATION": directory.name}
    order = Order(directory / "points", "SIGKILL", _INJECTED)
    async with house_for(estate, order, system="sqlite", mutant=mutant, settings=settings) as house:
        instance = await estate.world.launch(directory.name)
        run = await house.start(document(directory.name))
        await house.workers[0].ended(within=60)
        await house.ledger.close()
        shutil.rmtree(house.data)
        # Twice, as its page says: what the dead bridge had just sent may come after a search.
        left: list[str] = []
        for _ in range(2):
            rescue = house.fork("rescue", "--json", "--data", str(house.data))
            await rescue.ended(within=60)
            left = await estate.world.left_behind(instance, run)
            if not left:
                break
        return [*left, house.output()] if left and not mutant else left


@pytest.mark.slow
async def test_each_missing_protection_is_found(
    estate: Estate, capsys: pytest.CaptureFixture[str]
) -> None:
    found = await asyncio.gather(*(_found(name, estate, name) for name in MUTANTS))
    with capsys.disabled():
        for name, what in zip(MUTANTS, found, strict=True):
            print(f"\nmutant {name}: {'caught' if what else 'NOT CAUGHT'} {what}", end="")  # noqa: T201 - the result
    assert all(found)


@pytest.mark.skipif(not FULL, reason="the slice of the matrix says as much: `make crash` plays it")
async def test_the_same_cases_find_nothing_where_nothing_is_missing(estate: Estate) -> None:
    names = [name for name in MUTANTS if name != "no late-effect entry"]  # its case is the fence's
    found = await asyncio.gather(*(_found(name, estate, "") for name in names))
    assert found == [[]] * len(names)
