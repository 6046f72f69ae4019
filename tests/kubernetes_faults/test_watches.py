"""Watches only wake: who listens, for how long, and what happens without them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from bridge.model.scope import Scope
from providers.contract import Caller, Effect
from providers.kubernetes import watches as module
from providers.kubernetes.custom_resource import InjectCustomResource
from tests.kubernetes_faults.one_run import eventually
from tests.kubernetes_faults.test_verdicts import resource

if TYPE_CHECKING:
    from providers.kubernetes.cluster import Cluster

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
    await eventually(partial(now, lambda: cluster.requests("watch")), lambda count: count >= 2)
    bell.rung.clear()
    touch(cluster, run)
    await bell.heard()


async def test_a_listener_of_long_ago_is_forgotten(
    cluster: Any, provider: Any, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SWEEP", 0)
    run, other = await start(name="EXP1", wake=Bell()), await start(name="EXP2", wake=Bell())
    await run.start()
    await run.until(Effect.PRESENT)
    (watch,) = provider.watches._watches.values()
    (name,) = watch.listeners
    wake, asked = watch.listeners[name]
    watch.listeners[name] = (wake, asked - module.INTEREST - 1)
    await other.start()
    await other.observe()
    (watch,) = provider.watches._watches.values()
    assert set(watch.listeners) == {other.record.state["name"]}


async def test_a_watch_goes_on_where_it_was(
    cluster: Any, provider: Any, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.01)
    bell = Bell()
    run = await start(wake=bell)
    await run.start()
    await run.until(Effect.PRESENT)
    (watch,) = provider.watches._watches.values()
    await eventually(partial(now, lambda: watch.version), bool)
    await settled(cluster, watch)
    version, seen = watch.version, bell.times
    cluster.api.break_connections()
    await eventually(partial(now, lambda: cluster.requests("watch")), lambda count: count >= 2)
    await asyncio.sleep(0.1)  # longer than a list of all that there is would take to arrive
    assert (watch.version, bell.times) == (version, seen)  # woken for nothing that it knew
    bell.rung.clear()
    touch(cluster, run)
    await bell.heard()


async def test_a_watch_that_is_too_far_behind_begins_again(
    cluster: Any, provider: Any, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.01)
    bell = Bell()
    run = await start(wake=bell)
    await run.start()
    await run.until(Effect.PRESENT)
    (watch,) = provider.watches._watches.values()
    await eventually(partial(now, lambda: watch.version), bool)
    bell.rung.clear()
    touch(cluster, run)
    watch.version = "1"
    cluster.store.compact()  # what came after version 1 is forgotten: 410 Gone
    watch.version = "1"
    cluster.api.break_connections()
    await bell.heard()
    await eventually(partial(now, lambda: int(watch.version or 0)), lambda version: version > 1)
    bell.rung.clear()
    touch(cluster, run)
    await bell.heard()


async def test_bookmarks_carry_a_quiet_watch_on(
    cluster: Any, provider: Any, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    bell = Bell()
    run = await start(wake=bell)
    await run.start()
    await run.until(Effect.PRESENT)
    (watch,) = provider.watches._watches.values()
    await settled(cluster, watch)
    monkeypatch.setattr("bridge.sandbox.kubernetes.watch.BOOKMARK_EVERY", 0.05)
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.01)
    cluster.api.break_connections()
    seen = bell.times
    cluster.api.install(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "elsewhere"}}
    )
    version = cluster.store.get(("", "namespaces", "", "elsewhere"))["metadata"]["resourceVersion"]
    await eventually(
        partial(now, lambda: int(watch.version or 0)), lambda found: found >= int(version)
    )
    assert bell.times == seen


async def test_an_expired_token_is_renewed(
    cluster: Any, provider: Any, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.01)
    bell = Bell()
    run = await start(wake=bell)
    asked: list[bool] = []
    cluster.api.fail(operation="watch networkchaos", error="Unauthorized", status=401)
    reached = await run.session.cluster(run.record.state["cluster"])
    honest = type(reached).watch

    def noted(self: Any, *args: Any, **how: Any) -> Any:
        asked.append(how["renew"])
        return honest(self, *args, **how)

    monkeypatch.setattr(type(reached), "watch", noted)
    await run.start()
    await eventually(partial(now, lambda: len(asked)), lambda count: count >= 2)
    await bell.heard()
    assert asked[:2] == [False, True]


class Closing:
    """A cluster behind a proxy that ends every watch at once, without a word."""

    def __init__(self) -> None:
        self.opened = 0

    async def watch(self, *_: Any, **__: Any) -> AsyncIterator[dict[str, Any]]:
        self.opened += 1
        events: tuple[dict[str, Any], ...] = ()
        for event in events:
            yield event


async def test_a_watch_that_tells_nothing_is_opened_ever_more_seldom(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []
    enough = asyncio.Event()

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 12:
            enough.set()
            await asyncio.Event().wait()

    monkeypatch.setattr(module, "asyncio", SimpleNamespace(**{**vars(asyncio), "sleep": sleep}))
    monkeypatch.setattr("random.uniform", lambda *_: 1.0)
    watches, cluster = module.Watches(), Closing()
    scope = Scope(cloud="aws", account="123456789012", region="eu-west-1")
    caller = Caller(scope, None, "EXP1", "here")
    watches.follow(caller, cast("Cluster", cluster), resource(), Bell())
    await asyncio.wait_for(enough.wait(), 10)
    await watches.close()
    assert pauses[:3] == [1.0, 2.0, 4.0]
    assert pauses[-1] == module.LONGEST_PAUSE
    assert cluster.opened == 12


async def settled(cluster: Any, watch: Any) -> None:
    """Wait until the controllers have come to rest, and the watch has heard of all of it."""

    async def quiet() -> bool:
        before = cluster.one()["metadata"]["resourceVersion"]
        await asyncio.sleep(0.1)  # many of the controllers' rounds
        return bool(before == cluster.one()["metadata"]["resourceVersion"] == watch.version)

    await eventually(quiet, bool)


async def now(look: Callable[[], Any]) -> Any:
    """Look at something that needs no waiting, as ``eventually`` wants it."""
    return look()


def touch(cluster: Any, run: Any) -> None:
    """Change a resource from outside."""
    key = ("chaos-mesh.org", "networkchaos", "default", run.record.state["name"])
    changed = cluster.store.get(key)
    annotations = changed["metadata"]["annotations"]
    annotations["touched"] = annotations.get("touched", "") + "x"
    cluster.store.update(key, changed)
