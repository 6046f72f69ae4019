"""Every kind of death of real bridges, on both systems, beside a world that goes on.

`make test` plays a slice of the cases, `make crash` all of them. The seed stands in the report;
`make crash SEED=… CASE=…` plays one case of it again.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
import traceback

import pytest

from tests.crash_processes.cases import SYSTEMS, Case, Death, draw, names_of, slice_of
from tests.crash_processes.house import Estate
from tests.crash_processes.report import table, told
from tests.crash_processes.stage import Result, play

FULL = os.environ.get("FAULTBRIDGE_CRASH") == "full"
AT_ONCE = int(os.environ.get("FAULTBRIDGE_CRASH_AT_ONCE", "6"))
IN_SLICE = 12
FEWEST = 200


async def _whole(estate: Estate, system: str) -> Result:
    """Play a run that nothing befalls."""
    case = Case(10_000, system, Death.KILL, point="nowhere")
    result = await play(case, estate, 0)
    assert (result.status, result.left, result.wrong) == ("completed", [], []), result.output
    missing = result.implied - set(names_of(result.points))
    assert not missing, f"the journal shows points that were not passed: {missing}"
    assert not result.too_few, result.too_few
    return result


async def test_no_death_leaves_anything_behind(
    estate: Estate, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = int(os.environ.get("FAULTBRIDGE_CRASH_SEED") or secrets.randbelow(1 << 32))
    begun = time.monotonic()
    ran = await asyncio.gather(*(_whole(estate, system) for system in SYSTEMS))
    wholes = dict(zip(SYSTEMS, ran, strict=True))
    cases = draw(seed, {system: names_of(one.points) for system, one in wholes.items()})
    only = os.environ.get("FAULTBRIDGE_CRASH_CASE")
    if only:
        cases = [case for case in cases if str(case.number) in only.split(",")]
    elif not FULL:
        cases = slice_of(cases, seed, IN_SLICE)
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(case: Case) -> Result:
        async with slots:
            try:
                result = await play(case, estate, len(wholes[case.system].points))
            except Exception as error:  # noqa: BLE001 - the other cases go on
                result = Result(case, wrong=[f"not played to the end: {error!r}"])
                result.output = traceback.format_exc()
        if FULL or only:
            with capsys.disabled():
                print(told(result))  # noqa: T201 - the result
        return result

    results = await asyncio.gather(*map(one, cases))
    with capsys.disabled():
        numbers = ", ".join(f"{len(one.points)} points on {s}" for s, one in wholes.items())
        print(f"\nseed {seed}; {numbers}; {time.monotonic() - begun:.0f} s")  # noqa: T201 - the result
        wrong = [result for result in results if result.left or result.wrong]
        print("\n".join([*table(results), *map(told, wrong)]))  # noqa: T201 - the result
    assert not wrong, "\n".join(f"{one.case}\n{one.output}" for one in wrong[:3])
    if only:
        return
    died = [result for result in results if result.died]
    assert len(died) >= (FEWEST if FULL else IN_SLICE // 2)
    if FULL:
        for system, whole in wholes.items():
            at = {one.case.point for one in died if one.case.system == system}
            assert whole.implied <= at, f"nothing died at {whole.implied - at}"
