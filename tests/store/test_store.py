"""Templates, tokens, leases and fences, inbox, overlap, stop readings."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.model.event import Event, EventType
from bridge.model.inbox import Request, RequestKind
from bridge.model.moment import SECOND, Micros
from bridge.model.record import Phase, Record
from bridge.model.scope import Scope
from bridge.store import (
    Change,
    DataDirectory,
    DirectoryInUseError,
    LeaseLostError,
    OverlapError,
    Store,
    Token,
    TokenConflictError,
    sqlite_url,
)
from tests.store.conftest import SCOPE, Time, experiment, template

LEASE = Micros(15 * SECOND)
ELSEWHERE = Scope(cloud="aws", account="123456789012", region="us-east-1")


def _record(run: str, number: int = 0, **fields: object) -> Record:
    return Record.model_validate(
        {
            "id": f"{run}/halt/{number}",
            "action": "halt",
            "holders": ["halt"],
            "fault": "test:halt",
            "resource": f"thing-{number}",
            "effect": "power",
            **fields,
        }
    )


def _stop(run: str, time: Time) -> Request:
    return Request(experiment=run, kind=RequestKind.STOP, at=time.now, details={"reason": "x"})


# --- templates and tokens -------------------------------------------------------------------


async def test_templates_are_listed_in_order_and_paged(store: Store) -> None:
    for number in (3, 1, 2):
        await store.create_template(template(number))
    first = await store.templates(SCOPE, limit=2)
    assert [one.id for one in first] == ["EXT0001", "EXT0002"]
    rest = await store.templates(SCOPE, after="EXT0002")
    assert [one.id for one in rest] == ["EXT0003"]


async def test_nothing_is_seen_from_another_scope(store: Store, time: Time) -> None:
    await store.create_template(template())
    run = await store.start_experiment(experiment(time))
    assert await store.template(ELSEWHERE, "EXT0001") is None
    assert await store.templates(ELSEWHERE) == []
    assert await store.experiment(ELSEWHERE, run.id) is None
    assert await store.delete_template(ELSEWHERE, "EXT0001") is None
    assert await store.template(SCOPE, "EXT0001") is not None


async def test_a_deleted_template_is_gone_and_stays_gone(store: Store) -> None:
    made = await store.create_template(template())
    assert await store.delete_template(SCOPE, made.id) == made
    changed = made.model_copy(update={"description": "back?"})
    assert not await store.update_template(changed, before=made)
    assert await store.template(SCOPE, made.id) is None


async def test_of_two_changes_to_the_same_template_one_is_told_to_look_again(
    store: Store,
) -> None:
    made = await store.create_template(template())
    first, second = (made.model_copy(update={"description": text}) for text in ("one", "two"))
    assert await store.update_template(first, before=made)
    assert not await store.update_template(second, before=made)
    assert await store.template(SCOPE, made.id) == first


async def test_a_repeated_token_answers_what_the_first_one_made(store: Store) -> None:
    token = Token("create", "once", "same")
    made = await store.create_template(template(1), token)
    assert (await store.create_template(template(2), token)).id == made.id
    assert len(await store.templates(SCOPE)) == 1


async def test_a_token_for_another_request_is_refused_and_nothing_is_stored(store: Store) -> None:
    await store.create_template(template(1), Token("create", "once", "one"))
    with pytest.raises(TokenConflictError):
        await store.create_template(template(2), Token("create", "once", "another"))
    assert len(await store.templates(SCOPE)) == 1


# --- leases and fences ----------------------------------------------------------------------


async def test_a_run_has_one_worker_at_a_time(store: Store, time: Time) -> None:
    run = await store.start_experiment(experiment(time))
    assert await store.due() == [run.id]
    first = await store.claim(run.id, owner="one", lease=LEASE)
    assert first is not None
    assert await store.claim(run.id, owner="two", lease=LEASE) is None
    assert await store.due() == []
    time.now = Micros(time.now + LEASE)
    assert await store.next_due() == time.now
    second = await store.claim(run.id, owner="two", lease=LEASE)
    assert second is not None
    assert second.claim.fence > first.claim.fence


async def test_who_has_lost_the_run_writes_nothing(store: Store, time: Time) -> None:
    run = await store.start_experiment(experiment(time))
    first = await store.claim(run.id, owner="one", lease=LEASE)
    assert first is not None
    time.now = Micros(time.now + LEASE)
    await store.claim(run.id, owner="two", lease=LEASE)
    first.experiment.reason = "overwritten"
    event = Event(experiment=run.id, type=EventType.STATE_CHANGE, at=time.now)
    with pytest.raises(LeaseLostError):
        await store.commit(
            first.claim,
            Change(experiment=first.experiment, added=[_record(run.id)], events=[event]),
        )
    with pytest.raises(LeaseLostError):
        await store.renew(first.claim, LEASE)
    stored = await store.experiment(SCOPE, run.id)
    assert stored is not None
    assert stored.reason == "Experiment is initiating."
    assert await store.records(run.id) == []
    assert await store.journal(run.id) == []


async def test_a_renewed_lease_holds_on(store: Store, time: Time) -> None:
    run = await store.start_experiment(experiment(time))
    claimed = await store.claim(run.id, owner="one", lease=LEASE)
    assert claimed is not None
    time.now = Micros(time.now + LEASE - SECOND)
    await store.renew(claimed.claim, LEASE)
    time.now = Micros(time.now + LEASE - SECOND)
    assert await store.claim(run.id, owner="two", lease=LEASE) is None


async def test_tags_change_without_taking_the_run_from_its_worker(store: Store, time: Time) -> None:
    run = await store.start_experiment(experiment(time))
    claimed = await store.claim(run.id, owner="one", lease=LEASE)
    assert claimed is not None
    assert await store.set_experiment_tags(run, {"team": "shop"})
    assert not await store.set_experiment_tags(run, {"team": "lost"})
    claimed.experiment.reason = "going on"
    await store.commit(claimed.claim, Change(experiment=claimed.experiment))
    stored = await store.experiment(SCOPE, run.id)
    assert stored is not None
    assert (stored.tags, stored.reason) == ({"team": "shop"}, "going on")


async def test_a_dead_predecessors_leases_are_free_at_once(store: Store, time: Time) -> None:
    run = await store.start_experiment(experiment(time))
    await store.claim(run.id, owner="dead", lease=LEASE)
    assert await store.take_over() == 1
    assert await store.claim(run.id, owner="heir", lease=LEASE) is not None


async def test_many_claims_at_once_have_one_winner(store: Store, time: Time) -> None:
    run = await store.start_experiment(experiment(time))
    claims = await asyncio.gather(
        *(store.claim(run.id, owner=str(n), lease=LEASE) for n in range(20))
    )
    assert sum(claim is not None for claim in claims) == 1


# --- the inbox ------------------------------------------------------------------------------


async def test_a_request_makes_a_sleeping_run_due(store: Store, time: Time) -> None:
    run = await store.start_experiment(experiment(time))
    claimed = await store.claim(run.id, owner="one", lease=LEASE)
    assert claimed is not None
    later = Micros(time.now + 3600 * SECOND)
    await store.commit(claimed.claim, Change(release_until=later))
    assert await store.due() == []
    await store.append(_stop(run.id, time))
    assert await store.due() == [run.id]


async def test_a_request_that_came_in_during_the_last_commit_is_not_slept_over(
    store: Store, time: Time
) -> None:
    run = await store.start_experiment(experiment(time))
    claimed = await store.claim(run.id, owner="one", lease=LEASE)
    assert claimed is not None
    await store.append(_stop(run.id, time))
    await store.commit(claimed.claim, Change(release_until=Micros(time.now + 3600 * SECOND)))
    assert await store.due() == [run.id]
    (request,) = await store.read_inbox(run.id)
    claimed = await store.claim(run.id, owner="one", lease=LEASE)
    assert claimed is not None
    await store.commit(claimed.claim, Change(inbox_read=request.sequence, close=True))
    assert await store.read_inbox(run.id) == []
    assert await store.next_due() is None


async def test_a_request_to_a_closed_run_opens_it_again(store: Store, time: Time) -> None:
    run = await store.start_experiment(experiment(time))
    claimed = await store.claim(run.id, owner="one", lease=LEASE)
    assert claimed is not None
    await store.commit(claimed.claim, Change(close=True))
    assert await store.next_due() is None
    await store.append(_stop(run.id, time))
    assert await store.due() == [run.id]


async def test_every_open_run_is_asked_to_stop_after_a_restore(store: Store, time: Time) -> None:
    runs = [(await store.start_experiment(experiment(time))).id for _ in range(3)]
    assert await store.raise_epoch(0, _stop("", time)) == 0
    assert await store.raise_epoch(1, _stop("", time)) == 3
    assert await store.raise_epoch(1, _stop("", time)) == 0
    for run in runs:
        (request,) = await store.read_inbox(run)
        assert request.kind is RequestKind.STOP


# --- overlap --------------------------------------------------------------------------------


async def test_a_resource_has_one_live_record_per_effect(store: Store, time: Time) -> None:
    one = await store.start_experiment(experiment(time))
    two = await store.start_experiment(experiment(time))
    first = await store.claim(one.id, owner="w", lease=LEASE)
    second = await store.claim(two.id, owner="w", lease=LEASE)
    assert first is not None
    assert second is not None
    held = _record(one.id)
    await store.commit(first.claim, Change(added=[held]))
    wanted = _record(two.id)
    with pytest.raises(OverlapError, match=one.id) as refusal:
        await store.commit(second.claim, Change(added=[_record(two.id, 7), wanted]))
    assert refusal.value.holder == one.id
    assert await store.records(two.id) == []
    assert await store.holders(SCOPE, [wanted]) == {("thing-0", "power"): one.id}
    # Another effect, none at all, or the same after the end: nothing stands in the way.
    free = [_record(two.id, 1, resource="thing-0", effect="disk")]
    free.append(_record(two.id, 2, resource="thing-0", effect=None))
    await store.commit(second.claim, Change(added=free))
    held.phase = Phase.REVERTED
    await store.commit(first.claim, Change(changed=[held]))
    await store.commit(second.claim, Change(added=[_record(two.id, 3, resource="thing-0")]))


# --- stop conditions ------------------------------------------------------------------------


async def test_open_runs_and_only_those_are_watched(store: Store, time: Time) -> None:
    one = await store.start_experiment(experiment(time, alarm="a"))
    two = await store.start_experiment(experiment(time, alarm="a"))
    assert await store.watched() == {(SCOPE, "alarm"): ["a"]}
    assert await store.watchers(SCOPE, "alarm", "a") == [one.id, two.id]
    claimed = await store.claim(one.id, owner="w", lease=LEASE)
    assert claimed is not None
    await store.commit(claimed.claim, Change(close=True))
    assert await store.watchers(SCOPE, "alarm", "a") == [two.id]


async def test_one_process_polls_per_interval(store: Store, time: Time) -> None:
    every = Micros(5 * SECOND)
    polls = [await store.claim_poll(SCOPE, "alarm", every=every) for _ in range(3)]
    assert polls == [True, False, False]
    time.now = Micros(time.now + every)
    assert await store.claim_poll(SCOPE, "alarm", every=every)


async def test_an_unreadable_condition_keeps_the_time_of_its_last_reading(
    store: Store, time: Time
) -> None:
    await store.save_readings(SCOPE, "alarm", {"a": "clear"}, unreadable="unreadable")
    read_at = time.now
    time.now = Micros(time.now + SECOND)
    await store.save_readings(
        SCOPE, "alarm", {"a": "unreadable", "b": "unreadable"}, unreadable="unreadable"
    )
    readings = await store.readings(SCOPE, "alarm", ["a", "b", "c"])
    assert (readings["a"].state, readings["a"].read_at) == ("unreadable", read_at)
    assert readings["b"].read_at is None
    assert "c" not in readings


# --- the data directory ---------------------------------------------------------------------


def test_a_data_directory_has_one_bridge(tmp_path: Path) -> None:
    held = DataDirectory(tmp_path / "data")
    attempt = [
        sys.executable,
        "-c",
        (
            "import sys; from pathlib import Path; from bridge.store import DataDirectory;"
            "DataDirectory(Path(sys.argv[1]))"
        ),
        str(tmp_path / "data"),
    ]
    refused = subprocess.run(attempt, capture_output=True, text=True, check=False)
    assert DirectoryInUseError.__name__ in refused.stderr
    held.close()
    assert subprocess.run(attempt, check=False).returncode == 0


async def test_a_commit_survives_in_the_file(tmp_path: Path, time: Time) -> None:
    store = Store.open(sqlite_url(tmp_path), clock=time)
    run = await store.start_experiment(experiment(time))
    await store.close()
    again = Store.open(sqlite_url(tmp_path), clock=time)
    assert await again.experiment(SCOPE, run.id) == run
    await again.close()
