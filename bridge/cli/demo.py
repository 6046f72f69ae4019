"""`faultbridge demo`: the main job from beginning to end, in the sandbox, drawn live."""

from __future__ import annotations

import asyncio
import json
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from bridge.cli import output
from bridge.cli.connection import load_settings
from bridge.cli.exits import Exit

if TYPE_CHECKING:
    from bridge.client import AsyncClient
    from bridge.sandbox.world import World

_HALF_WAY: Final = 4.0
"""Seconds into the second run at which the alarm rings; its faults last longer."""
_SHORTER: Final = {
    "duration": "PT3S",
    "maxDuration": "PT1M",
    "startInstancesAfterDuration": "PT7S",
}
_SPEC_DURATION: Final = re.compile(r'"duration":"\d+s"')


def demo() -> None:
    """Run three experiments in the sandbox, and prove that nothing is left behind.

    The carts experiment completes; then the alarm rings half-way, the run is stopped and every
    fault undone; then one thing breaks in each cloud at once. Exits with 6 if anything is left
    behind, with 1 if a run does not end as it should.
    """
    with tempfile.TemporaryDirectory(prefix="faultbridge-demo-") as temporary:
        code = asyncio.run(_show(Path(temporary)))
    raise typer.Exit(code)


async def _show(data: Path) -> Exit:
    from bridge.cli.listening import bridge_on
    from bridge.client import AsyncClient
    from bridge.sandbox.world import World

    output.show(
        "Starting the sandbox: AWS, Google Cloud, Azure, an EKS cluster with Chaos Mesh, a bridge …"
    )
    async with World() as world:
        os.environ.update(world.environment())
        async with (
            bridge_on(load_settings(data), "127.0.0.1", 0, asks=False) as url,
            AsyncClient(url) as client,
        ):
            carts = await world.register(url, example("carts-latency"))
            clouds = await world.register(url, example("three-clouds"))
            output.show(
                f"Registered {carts} and {clouds} through the AWS SDK, with durations shortened "
                "(the sandbox allows PT1S, FIS wants PT1M)."
            )
            verdicts = [
                await _run(client, carts, "1. It runs to its end"),
                await _run(client, carts, "2. The alarm rings half-way", alarm=world),
            ]
            await world.set_alarm("OK", "it is over")
            verdicts.append(await _run(client, clouds, "3. One thing breaks in each cloud at once"))
            left = await world.left_behind()
            await asyncio.to_thread(_prove, world, left)
    if left:
        return Exit.LEFT_BEHIND
    return Exit.COMPLETED if verdicts == ["completed", "stopped", "completed"] else Exit.FAILED


def example(name: str) -> dict[str, Any]:
    """Return an example template, shortened so that a run takes seconds."""
    document: dict[str, Any] = json.loads(_example_file(f"examples/fis/{name}.json").read_text())
    for action in document["actions"].values():
        parameters = action["parameters"]
        for parameter, shorter in _SHORTER.items():
            if parameter in parameters:
                parameters[parameter] = shorter
        if "kubernetesSpec" in parameters:
            parameters["kubernetesSpec"] = _SPEC_DURATION.sub(
                '"duration":"8s"', parameters["kubernetesSpec"]
            )
    return document


def _example_file(name: str) -> Path:
    checkout = Path(__file__).parents[2] / name
    packaged = Path(__file__).parents[1] / "sandbox" / name
    return checkout if checkout.exists() else packaged


async def _run(
    client: AsyncClient, template: str, title: str, *, alarm: World | None = None
) -> str:
    from bridge.cli.follow import follow
    from bridge.cli.live import view_on
    from bridge.client import StartRequest

    console = output.console()
    console.rule(f"[bold]{title}")
    started = await client.start(StartRequest(template_id=template))
    ringing = asyncio.create_task(_ring(alarm)) if alarm is not None else None
    with view_on(console) as view:
        ended = await follow(client, started.id, view)
    if ringing is not None:
        await ringing
    console.print(f"{ended.id} {ended.status.value}: {ended.reason}")
    return ended.status.value


async def _ring(world: World) -> None:
    await asyncio.sleep(_HALF_WAY)
    await world.set_alarm("ALARM", "p99 latency of carts is over a second")


def _prove(world: World, left: list[str]) -> None:
    from rich.table import Table

    console = output.console()
    console.rule("[bold]4. Nothing is left behind")
    table = Table(box=None, header_style="dim")
    for column in ("cloud", "machine", "state"):
        table.add_column(column)
    for cloud, machine, state in world.machines():
        table.add_row(cloud, machine, state)
    console.print(table)
    if left:
        console.print("[bold red]left behind:")
        for thing in left:
            console.print(f"  {thing}", markup=False)
    else:
        console.print("[green]every machine runs, no chaos resource is left, no mark is left")
