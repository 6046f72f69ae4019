"""How late many workers on one PostgreSQL are: wake-ups, times, and a dead worker's runs.

One process answers, two work. Printed are milliseconds, as minimum, median, 99th percentile and
maximum: from a request to start to the run's beginning; from a wait's planned end to its end; and
from ``kill -9`` of one of the workers to the end of waits that were its, which may take a lease.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from bridge.client import AsyncClient, StartRequest  # noqa: E402 - found by the line above
from tests.postgresql.server import Server  # noqa: E402 - the same

LEASE = 15.0
WARM_UP = 8


def document(seconds: int) -> dict[str, object]:
    """Return a template that waits."""
    return {
        "description": "Wait",
        "actions": {
            "wait": {"actionId": "aws:fis:wait", "parameters": {"duration": f"PT{seconds}S"}}
        },
        "stopConditions": [{"source": "none"}],
        "roleArn": "arn:aws:iam::123456789012:role/none",
    }


async def process(
    stack: AsyncExitStack, url: str, *arguments: str
) -> tuple[asyncio.subprocess.Process, str]:
    """Start a process of the bridge; return it and its first line."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("FAULTBRIDGE")},
        "FAULTBRIDGE_DATABASE": url,
        "FAULTBRIDGE_INSTALLATION": "bench",
        "FAULTBRIDGE_MINIMUM_DURATION": "PT1S",
        "FAULTBRIDGE_LEASE": f"PT{LEASE:.0f}S",
    }
    made = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bridge.cli", *arguments),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        env=environment,
    )

    async def end() -> None:
        if made.returncode is None:
            made.terminate()
            await made.wait()

    stack.push_async_callback(end)
    assert made.stdout is not None  # noqa: S101 - it was asked for
    return made, (await made.stdout.readline()).decode()


async def ended(client: AsyncClient, run: str) -> tuple[float, float]:
    """Wait for a run's end; return how late it began and how late its wait ended, in ms."""
    while True:
        found = await client.experiment(run)
        (action,) = found.actions
        if found.status.ended:
            break
        await asyncio.sleep(0.5)
    assert action.started_at is not None  # noqa: S101 - it has ended
    assert action.ends_at is not None  # noqa: S101 - the same
    assert action.ended_at is not None  # noqa: S101 - the same
    return (
        (action.started_at - found.created_at).total_seconds() * 1000,
        (action.ended_at - action.ends_at).total_seconds() * 1000,
    )


def show(what: str, values: Sequence[float]) -> None:
    """Print one line of figures."""
    last = quantiles(values, n=100)[98] if len(values) > 1 else values[0]
    figures = (min(values), median(values), last, max(values))
    print(f"{what:44} {len(values):5} runs  " + "  ".join(f"{one:8.1f}" for one in figures))


async def measure(runs: int, seed: int) -> None:
    """Start everything, and print what came of it."""
    draw = random.Random(seed)  # noqa: S311 - a draw of lots, no secret
    server = Server.create()
    try:
        async with AsyncExitStack() as stack:
            url = server.database()
            _, line = await process(stack, url, "serve", "--api-only", "--port", "0")
            workers = [(await process(stack, url, "worker"))[0] for _ in range(2)]
            client = await stack.enter_async_context(
                AsyncClient(line.split(" ready on ")[1].split()[0])
            )
            for _ in range(WARM_UP):  # a worker loads an SDK with its first run
                await ended(client, (await client.start(StartRequest(template=document(1)))).id)
            started = []
            for _ in range(runs):
                asked = StartRequest(template=document(draw.randint(1, 8)))
                started.append((await client.start(asked)).id)
                await asyncio.sleep(draw.uniform(0, 0.05))
            found = [await ended(client, run) for run in started]
            print(f"{'milliseconds':44} {'':10}  {'min':>8}  {'median':>8}  {'p99':>8}  {'max':>8}")
            show("asked to start -> the action has begun", [one for one, _ in found])
            show("planned end of a wait -> its end", [late for _, late in found])
            held = [
                (await client.start(StartRequest(template=document(2)))).id
                for _ in range(runs // 4)
            ]
            workers[0].kill()
            died = time.monotonic()
            late = [(await ended(client, run))[1] for run in held]
            show(f"the same, with a worker killed (lease {LEASE:.0f} s)", late)
            print(f"all runs of the dead worker had ended {time.monotonic() - died:.1f} s later")
    finally:
        server.remove()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    asyncio.run(measure(asked.runs, asked.seed))
