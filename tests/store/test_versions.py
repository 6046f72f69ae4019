"""Old and new workers side by side: who may touch which run."""

from __future__ import annotations

import pytest

from bridge.model.experiment import RUN_VERSION
from bridge.model.moment import SECOND, Micros
from bridge.store import Change, Store
from bridge.store import experiments as started_by
from bridge.store import runs as committed_by
from bridge.store import schedule as found_by
from tests.store.conftest import Time, experiment

LEASE = Micros(15 * SECOND)


@pytest.fixture
def newer(store: Store, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Makes the store's code a version newer until it is undone."""
    for module in (committed_by, found_by, started_by):
        monkeypatch.setattr(module, "RUN_VERSION", RUN_VERSION + 1)
    return monkeypatch


async def test_a_new_worker_takes_an_old_run(
    store: Store, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await store.start_experiment(experiment(time))
    for module in (committed_by, found_by, started_by):
        monkeypatch.setattr(module, "RUN_VERSION", RUN_VERSION + 1)
    assert await store.due() == [run.id]
    assert await store.claim(run.id, owner="new", lease=LEASE) is not None


async def test_an_old_worker_leaves_a_run_that_a_new_process_started(
    store: Store, time: Time, newer: pytest.MonkeyPatch
) -> None:
    run = await store.start_experiment(experiment(time))
    newer.undo()
    assert await store.due() == []
    assert await store.next_due() is None
    assert await store.claim(run.id, owner="old", lease=LEASE) is None


async def test_an_old_worker_leaves_a_run_that_a_new_one_has_written(
    store: Store, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await store.start_experiment(experiment(time))
    for module in (committed_by, found_by):
        monkeypatch.setattr(module, "RUN_VERSION", RUN_VERSION + 1)
    claimed = await store.claim(run.id, owner="new", lease=LEASE)
    assert claimed is not None
    await store.commit(claimed.claim, Change(release_until=time.now))
    assert await store.due() == [run.id]
    monkeypatch.undo()
    assert await store.due() == []
    assert await store.claim(run.id, owner="old", lease=LEASE) is None
