"""How controllers are woken."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bridge.sandbox.kubernetes.control_loop import ChangedKeys, run_controllers, settle
from bridge.sandbox.kubernetes.objects import Key, ObjectStore


def key(name: str, resource: str = "pods") -> Key:
    return Key("", resource, "default", name)


class Counting:
    """A controller that is due once, at a time, and notes when it is stepped."""

    def __init__(self, due: datetime | None = None) -> None:
        self.due = due
        self.steps = 0
        self.stepped = asyncio.Event()

    def step(self) -> bool:
        self.steps += 1
        self.stepped.set()
        return False

    def next_due(self) -> datetime | None:
        return self.due

    async def next_step(self) -> None:
        self.stepped.clear()
        async with asyncio.timeout(3):
            await self.stepped.wait()


def now() -> datetime:
    return datetime.now(UTC)


async def test_a_change_wakes_them() -> None:
    store, controller = ObjectStore(), Counting()
    task = asyncio.create_task(run_controllers(store, [controller], now=now))
    await controller.next_step()
    store.create(key("a"), {})
    await controller.next_step()
    task.cancel()
    await asyncio.wait([task])
    assert controller.steps == 2


async def test_a_deadline_wakes_them() -> None:
    controller = Counting(now() + timedelta(milliseconds=50))
    task = asyncio.create_task(run_controllers(ObjectStore(), [controller], now=now))
    await controller.next_step()
    await controller.next_step()
    task.cancel()
    await asyncio.wait([task])


def test_all_get_their_turn() -> None:
    class Busy(Counting):
        def step(self) -> bool:
            super().step()
            return self.steps < 3

    early, late = Busy(now()), Counting(now() + timedelta(hours=1))
    assert settle([early, late]) == early.due
    assert late.steps == 3


def test_settling_ends() -> None:
    class Restless(Counting):
        def step(self) -> bool:
            return True

    with pytest.raises(RuntimeError, match="still busy"):
        settle([Restless()])


def test_changed_keys() -> None:
    store = ObjectStore(history=2)
    store.create(key("a"), {})
    changed = ChangedKeys(store, lambda each: each.resource == "pods")
    assert changed.take() == {key("a")}
    assert changed.take() == set()
    store.create(key("b"), {})
    store.create(key("c", "secrets"), {})
    assert changed.take() == {key("b")}
    store.delete(key("a"))
    assert changed.take() == {key("a")}


def test_after_a_gap_everything_counts_as_changed() -> None:
    store = ObjectStore(history=2)
    changed = ChangedKeys(store, lambda _key: True)
    changed.take()
    for name in "abcd":
        store.create(key(name), {})
    assert changed.take() == {key(name) for name in "abcd"}
