"""Watches on a real API server, and the search for marks through every context."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from providers.contract import Effect
from providers.kubernetes import watches
from providers.kubernetes.cluster import Cluster
from providers.kubernetes.custom_resource import InjectCustomResource
from tests.kubernetes_faults.one_run import eventually

pytestmark = pytest.mark.real_cluster
Start = Callable[..., Any]
FAULT = InjectCustomResource()


class Bell:
    """Rung by a watch; waiting for it ends within ten seconds or fails."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def __call__(self) -> None:
        self._rung.set()

    async def heard(self) -> None:
        await asyncio.wait_for(self._rung.wait(), 10)
        self._rung.clear()


async def test_each_change_wakes_the_run(cluster: Any, start: Start) -> None:
    bell = Bell()
    run = await start(wake=bell)
    await run.start()
    await bell.heard()  # a watch begins with what there is
    made = cluster.one()
    cluster.controllers.take_up(made)
    await bell.heard()
    cluster.controllers.inject(made)
    while (await run.observe()).effect is not Effect.PRESENT:
        await bell.heard()
    await run.revert()
    while (await run.observe()).effect is not Effect.LIFTING:
        await bell.heard()
    cluster.controllers.let_go(made)
    while (await run.observe()).effect is not Effect.ABSENT:
        await bell.heard()


async def test_a_large_resource_does_not_break_the_watch(
    cluster: Any, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watches, "FIRST_PAUSE", 60.0)  # one that breaks is not opened again
    bell = Bell()
    run = await start(wake=bell)
    await run.start()
    await bell.heard()
    record = {"phase": "Injected", "injectedCount": 1, "selectorKey": "."}
    records = [{**record, "id": f"sock-shop/carts-{n:04d}/" + "x" * 900} for n in range(600)]
    status = {"experiment": {"desiredPhase": "Run", "containerRecords": records}}
    cluster.merge(cluster.one(), {"status": status})
    await bell.heard()
    assert (await run.observe()).effect is Effect.PRESENT
    cluster.controllers.inject(cluster.one())
    await bell.heard()


async def test_a_watch_that_the_server_ends_is_opened_again(
    cluster: Any, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watches, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(watches, "LASTING", 1)
    again, times, watch = asyncio.Event(), 0, Cluster.watch

    def opened(*args: Any, **options: Any) -> Any:
        nonlocal times
        times += 1
        if times > 1:
            again.set()
        return watch(*args, **options)

    monkeypatch.setattr(Cluster, "watch", opened)
    bell = Bell()
    await (await start(wake=bell)).start()
    await bell.heard()
    await asyncio.wait_for(again.wait(), 10)
    # It goes on where it was: only what changes now is told.
    cluster.controllers.take_up(cluster.one())
    await bell.heard()


async def test_marks_are_found_through_every_context_that_may_look(
    cluster: Any, provider: Any, start: Start, caller: Any, namespace: str
) -> None:
    run = await start(name="EXP9", context="admin", kubernetesNamespace=namespace)
    await run.start()
    cluster.controllers.take_up(cluster.one())
    cluster.controllers.inject(cluster.one())
    search = await provider.find_marks(caller("rescue"))
    through = {found.record.state["cluster"].rpartition("/")[2]: found for found in search.found}
    assert sorted(through) == ["admin", "certificate", "ops", "plugin"]
    assert any(
        said.startswith("k8s:context/stale as the bridge itself: ") for said in search.unsearched
    )
    assert any("networkchaos.chaos-mesh.org in nobody: " in said for said in search.unsearched)

    found = through["ops"]
    assert found.problem == ""
    assert found.mark.key == "faultbridge:here:EXP9/latency"
    assert found.record.state == {**run.record.state, "cluster": "k8s:context/ops"}
    session = await provider.session(caller("rescue"), None)
    seen = await FAULT.observe(session, [found.record])
    assert seen[found.record.id].effect is Effect.PRESENT
    await FAULT.revert(session, [found.record])
    cluster.controllers.let_go(cluster.one())

    async def undone() -> Any:
        return (await FAULT.revert(session, [found.record]))[found.record.id]

    assert (await eventually(undone, lambda outcome: outcome.kind == "done")).reason == ""
    assert (await provider.find_marks(caller("rescue"))).found == []


async def test_a_list_is_read_page_by_page(
    cluster: Any, start: Start, provider: Any, caller: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("providers.kubernetes.cluster.PAGE", 2)
    runs = [await start(name=f"EXP{number}") for number in range(5)]
    for run in runs:
        await run.start()
    seen = await FAULT.observe(runs[0].session, [run.record for run in runs])
    assert [look.effect for look in seen.values()] == [Effect.APPLYING] * 5
