"""Watches only wake: who listens, for how long, and what happens without them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from providers.contract import Effect
from providers.kubernetes import watches as module
from providers.kubernetes.custom_resource import InjectCustomResource

Start = Callable[..., Any]
FAULT = InjectCustomResource()


class Bell:
    """Counts how often it was rung, and can be waited for."""

    def __init__(self) -> None:
        self.rung = asyncio.Event()
        self.times = 0

    def __call__(self) -> None:
        self.times += 1
        self.rung.set()

    async def heard(self) -> None:
        await asyncio.wait_for(self.rung.wait(), 10)
        self.rung.clear()


async def test_a_change_wakes_the_run(cluster: Any, start: Start) -> None:
    cluster.chaos.misbehave(delay=timedelta(seconds=0.5))
    bell = Bell()
    run = await start(wake=bell)
    await run.start()
    assert (await run.observe()).effect is Effect.APPLYING
    while (await run.observe()).effect is not Effect.PRESENT:
        await bell.heard()  # no polling: without a wake-up this would end in a time-out


async def test_runs_share_a_watch_and_are_woken_each_for_its_own(
    cluster: Any, provider: Any, start: Start
) -> None:
    bells = Bell(), Bell()
    runs = [await start(name=f"EXP{n}", wake=bell) for n, bell in enumerate(bells)]
    for run, bell in zip(runs, bells, strict=True):
        await run.start()
        while (await run.observe()).effect is not Effect.PRESENT:
            await bell.heard()
    assert len(provider.watches) == 1
    assert cluster.requests("watch") == 1
    name = runs[1].record.state["name"]
    bells[0].times = bells[1].times = 0
    bells[1].rung.clear()
    key = ("chaos-mesh.org", "networkchaos", "default", name)
    changed = cluster.store.get(key)
    changed["metadata"]["annotations"]["touched"] = "yes"
    cluster.store.update(key, changed)
    await bells[1].heard()
    assert bells[0].times == 0


async def test_the_last_resource_to_go_ends_the_watch(
    cluster: Any, provider: Any, start: Start
) -> None:
    run = await start(wake=Bell())
    await run.start()
    await run.until(Effect.PRESENT)
    assert len(provider.watches) == 1
    await run.until_gone()
    assert len(provider.watches) == 0


async def test_a_session_that_cannot_be_woken_watches_nothing(
    cluster: Any, provider: Any, start: Start
) -> None:
    run = await start()
    await run.start()
    await run.until(Effect.PRESENT)
    assert len(provider.watches) == 0


async def test_without_the_right_to_watch_polling_does(
    cluster: Any, provider: Any, start: Start
) -> None:
    cluster.revoke("watch")
    run = await start(wake=Bell())
    await run.start()
    await run.until(Effect.PRESENT)
    assert await run.review() == []
    await run.until_gone()
    assert cluster.requests("watch") == 1  # refused once, and not asked for again


async def test_a_broken_watch_is_opened_again(
    cluster: Any, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(module, "LASTING", 1)  # the server ends it after a second
    bell = Bell()
    run = await start(wake=bell)
    await run.start()
    await run.until(Effect.PRESENT)
    while cluster.requests("watch") < 2:
        await bell.heard()  # a new watch begins with what there is


async def test_a_listener_of_long_ago_is_forgotten(
    cluster: Any, provider: Any, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, other = await start(name="EXP1", wake=Bell()), await start(name="EXP2", wake=Bell())
    await run.start()
    await run.until(Effect.PRESENT)
    monkeypatch.setattr(module, "INTEREST", -1.0)
    await other.start()
    await other.observe()
    monkeypatch.setattr(module, "INTEREST", 300.0)
    (watch,) = provider.watches._watches.values()
    assert set(watch.listeners) == {other.record.state["name"]}
