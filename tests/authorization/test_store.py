"""Policies and the log, on each database: changed by one at a time, seen by all at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bridge.model.moment import Micros
from bridge.model.scope import Scope
from bridge.store import Store, TooManyError
from bridge.store import policies as stored_policies
from iam.policy import Attachment, AuditEntry, StoredPolicy

HERE = Scope(cloud="aws", account="123456789012", region="us-east-1")
THERE = Scope(cloud="aws", account="210987654321", region="us-east-1")
POLICY = StoredPolicy("p", "é", {"a": ["ü"]}, Attachment(("x*",), ("g",)), Micros(1), Micros(2))


@pytest.fixture
async def store(database: str) -> AsyncIterator[Store]:
    opened = Store.open(database)
    yield opened
    await opened.close()


async def test_what_is_stored_reads_back_in_its_scope_only(store: Store) -> None:
    assert await store.change_policy(HERE, "p", lambda before: POLICY) == POLICY
    assert await store.policies(HERE) == [POLICY]
    assert await store.policies(THERE) == []
    assert await store.change_policy(HERE, "p", lambda before: None) is None
    assert await store.policies(HERE) == []


async def test_the_number_changes_with_every_change_and_with_nothing_else(store: Store) -> None:
    seen = [await store.policy_generation(HERE)]
    for change in (POLICY, replace(POLICY, description="x"), None, POLICY):
        await store.change_policy(HERE, "p", lambda _, change=change: change)  # type: ignore[misc]
        seen.append(await store.policy_generation(HERE))
    assert sorted(set(seen)) == seen
    await store.change_policy(HERE, "p", lambda _: POLICY)
    assert await store.policy_generation(HERE) == seen[-1]
    assert await store.policy_generation(THERE) == 0


async def test_two_who_attach_at_once_both_do(store: Store, database: str) -> None:
    other = Store.open(database)
    await store.change_policy(HERE, "p", lambda _: replace(POLICY, attachment=Attachment()))

    async def attach(at: Store, group: str) -> None:
        def change(before: StoredPolicy | None) -> StoredPolicy:
            assert before is not None
            return replace(before, attachment=before.attachment.added(Attachment(groups=(group,))))

        await at.change_policy(HERE, "p", change)

    groups = [f"g{number}" for number in range(20)]
    await asyncio.gather(
        *(attach(store if n % 2 else other, group) for n, group in enumerate(groups))
    )
    (found,) = await store.policies(HERE)
    assert set(found.attachment.groups) == set(groups)
    await other.close()


async def test_a_change_that_is_refused_changes_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: StoredPolicy | None) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await store.change_policy(HERE, "p", refuse)
    monkeypatch.setattr(stored_policies, "MOST", 1)
    await store.change_policy(HERE, "p", lambda _: POLICY)
    before = await store.policy_generation(HERE)
    with pytest.raises(TooManyError, match="delete some first"):
        await store.change_policy(HERE, "q", lambda _: replace(POLICY, name="q"))
    await store.change_policy(THERE, "q", lambda _: replace(POLICY, name="q"))
    assert await store.policy_generation(HERE) == before
    assert [one.name for one in await store.policies(HERE)] == ["p"]


async def test_the_log_is_appended_to_and_read_from_its_end(store: Store) -> None:
    def entry(at: int, principal: str = "a", outcome: str = "allowed") -> AuditEntry:
        return AuditEntry(
            at=Micros(at),
            principal=principal,
            action="fis:StopExperiment",
            resource="*",
            outcome=outcome,
            statement="p/s" * 200,
            request_id="r",
            address="::1",
            details={"near": ["ü"]},
        )

    await store.append_audit(HERE, [entry(1), entry(2, "b", "implicitDeny")])
    await store.append_audit(THERE, [entry(3)])
    newest, oldest = await store.audit(HERE, before=None, limit=10)
    assert (newest.at, oldest.at) == (2, 1)
    assert newest.details == {"near": ["ü"]}
    assert [one.at for one in await store.audit(HERE, before=newest.sequence, limit=10)] == [1]
    assert [one.at for one in await store.audit(HERE, before=None, limit=10, principal="b")] == [2]
    assert [one.at for one in await store.audit(HERE, before=None, limit=10, denied=True)] == [2]
    assert await store.prune_audit(Micros(3)) == 2
    assert await store.audit(HERE, before=None, limit=10) == []
    assert len(await store.audit(THERE, before=None, limit=10)) == 1
