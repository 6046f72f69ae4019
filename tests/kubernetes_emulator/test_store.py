"""The object store by itself: versions, history and subscriptions."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from bridge.sandbox.kubernetes.objects import (
    HistoryExpiredError,
    Key,
    ObjectConflictError,
    ObjectExistsError,
    ObjectNotFoundError,
    ObjectStore,
)

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
POD = Key("", "pods", "default", "a")


@pytest.fixture
def store() -> ObjectStore:
    return ObjectStore(lambda: NOON, history=4)


def test_objects_come_and_go_as_copies(store: ObjectStore) -> None:
    given = {"spec": {"x": [1]}}
    made = store.create(POD, given)
    given["spec"]["x"].append(2)
    made["spec"]["x"].append(3)
    kept = store.get(POD)
    assert kept is not None
    assert kept["spec"] == {"x": [1]}
    assert kept["metadata"]["creationTimestamp"] == "2026-01-02T12:00:00Z"
    store.list("", "pods")[0]["spec"]["x"].append(4)
    assert store.get(POD) == kept


def test_one_counter_for_all_objects(store: ObjectStore) -> None:
    versions = [
        store.create((group, "things", "", "a"), {})["metadata"]["resourceVersion"]
        for group in ("x", "y", "z")
    ]
    assert versions == ["2", "3", "4"]
    assert store.version == 4


def test_conflicts(store: ObjectStore) -> None:
    made = store.create(POD, {})
    with pytest.raises(ObjectExistsError):
        store.create(POD, {})
    store.update(POD, {**made, "spec": {}}, expected_version=made["metadata"]["resourceVersion"])
    with pytest.raises(ObjectConflictError):
        store.update(POD, made, expected_version=made["metadata"]["resourceVersion"])
    with pytest.raises(ObjectConflictError):
        store.update(POD, {"metadata": {"uid": "other"}})
    with pytest.raises(ObjectConflictError):
        store.delete(POD, uid="other")
    store.delete(POD)
    with pytest.raises(ObjectNotFoundError):
        store.delete(POD)
    with pytest.raises(ObjectNotFoundError):
        store.update(POD, made)


def test_dry_runs_leave_no_trace(store: ObjectStore) -> None:
    store.create(POD, {}, dry_run=True)
    assert store.get(POD) is None
    made = store.create(POD, {"metadata": {"finalizers": ["x/y"]}})
    store.update(POD, {**made, "spec": {"x": 1}}, dry_run=True)
    assert "deletionTimestamp" in store.delete(POD, dry_run=True)["metadata"]
    assert store.get(POD) == made
    assert store.version == 2


async def test_subscriber_sees_every_change_in_order(store: ObjectStore) -> None:
    with store.subscribe() as subscription:
        waiting = asyncio.ensure_future(anext(subscription))
        await asyncio.sleep(0)
        made = store.create(POD, {})
        store.update(POD, {**made, "spec": {}})
        store.delete(POD)
        changes = [await waiting, await anext(subscription), await anext(subscription)]
    assert [change.type for change in changes] == ["ADDED", "MODIFIED", "DELETED"]
    assert [change.version for change in changes] == [2, 3, 4]
    assert changes[1].previous == made
    with pytest.raises(StopAsyncIteration):
        await anext(subscription)


async def test_slow_subscriber_is_told_so(store: ObjectStore) -> None:
    with store.subscribe() as subscription:
        for name in "abcde":
            store.create(("", "pods", "default", name), {})
        with pytest.raises(HistoryExpiredError):
            await anext(subscription)
    with pytest.raises(HistoryExpiredError, match=r"too old resource version: 1 \(2\)"):
        store.subscribe(since=1)
    with store.subscribe(since=2) as subscription:
        assert (await anext(subscription)).key.name == "b"


def test_lists_of_the_past(store: ObjectStore) -> None:
    store.create(POD, {"spec": {"n": 1}})
    then = store.version
    store.update(POD, {"spec": {"n": 2}})
    store.create(POD._replace(name="b"), {})
    store.delete(POD)
    assert [obj["spec"]["n"] for obj in store.list("", "pods", at=then)] == [1]
    assert [obj["metadata"]["name"] for obj in store.list("", "pods")] == ["b"]
    store.compact()
    with pytest.raises(HistoryExpiredError):
        store.list("", "pods", at=then)
