"""Two bridges on one store hear the same signals at once."""

from __future__ import annotations

import asyncio

from bridge.engine import new_experiment
from bridge.model.experiment import ActionsMode
from bridge.model.moment import Micros
from bridge.model.signal import Signal, SignalState
from bridge.model.template import StopCondition
from bridge.store import Store
from tests.store.conftest import template


def _signals(count: int) -> list[Signal]:
    return [
        Signal(source="test:push", value="down", instance=str(n), state=SignalState.TRIGGERED)
        for n in range(count)
    ]


def _same(value: str, said: str) -> bool:
    return value == said


async def test_each_run_is_asked_once_and_each_signal_kept_once(database: str) -> None:
    stores = [Store.open(database) for _ in range(2)]
    first = stores[0]
    condition = StopCondition(source="test:push", value="down")
    runs = []
    for number in range(5):
        made = template(number).model_copy(update={"stop_conditions": (condition,)})
        run = new_experiment(made, now=first.now(), actions_mode=ActionsMode.RUN_ALL)
        await first.start_experiment(run)
        runs.append(run.id)
    signals = _signals(20)
    counted = await asyncio.gather(
        *(
            store.save_signals("test:push", said, oldest=Micros(0))
            for store in stores * 3
            for said in (signals, signals[::-1])
        )
    )
    assert len(counted) == 12
    heard = await first.heard("test:push", since=Micros(0))
    assert sorted(one.value for one in heard) == sorted(signal.key for signal in signals)
    stopped = await asyncio.gather(
        *(
            store.stop_watchers("test:push", signals[:2], _same, read_at_start=False)
            for store in stores * 5
        )
    )
    assert stopped == [[sorted(runs)] * 2] * 10
    inboxes = [await first.read_inbox(run) for run in runs]
    assert [[request.details["cause"] for request in box] for box in inboxes] == [["down"]] * 5
    for store in stores:
        await store.close()
