"""The undo as tags: written, read back after the database is lost, and removed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model.moment import SECOND, Micros
from bridge.sandbox.azure import AzureEmulator
from bridge.settings import Settings
from providers.azure.disks import DetachDisks
from providers.azure.marks import mark_key, marks_among, tag_name, written
from providers.azure.provider import AzureProvider
from providers.azure.session import AzureSession
from providers.azure.virtual_machines import PowerOffVms
from providers.contract import Caller, Mark
from tests.azure_faults.conftest import Calls
from tests.azure_faults.records import EXPERIMENT, ROLE, SCOPE, disk_id, kinds, records_of, vm_id

OFF, DETACH = PowerOffVms(), DetachDisks()
NONE = OFF.Parameters()
READER = Caller(SCOPE, None, "reader", "lab")
DEADLINE = Micros(1_900_000_000 * SECOND)


def mark_of(fault: Any, action: str = "act") -> Mark:
    return Mark("lab", EXPERIMENT, action, fault.id, DEADLINE, ROLE)


@given(st.text(min_size=1, max_size=64))
def test_any_actions_name_fits_into_a_tags_name(action: str) -> None:
    key = Mark("lab", EXPERIMENT, action, "f", None, "r").key
    name = tag_name(key)
    assert mark_key(name) == key
    assert not set(name) & set("<>%&\\?/#")


@given(st.text(max_size=768))
def test_words_are_cut_over_tags_and_joined(text: str) -> None:
    tags = written("faultbridge:lab:EXP:act", text)
    assert tags is not None
    assert max(map(len, tags.values()), default=0) <= 256
    assert dict(marks_among(tags)) == ({"faultbridge:lab:EXP/act": text} if text else {})


def test_more_than_three_tags_hold_is_not_written() -> None:
    assert written("faultbridge:lab:EXP:act", "x" * 769) is None


async def test_machines_are_started_from_their_marks_alone(
    session: AzureSession, provider: AzureProvider, azure: AzureEmulator, calls: Calls
) -> None:
    for name in ("web", "db"):
        azure.add_vm(name, tags={"mine": "1"})
    azure.add_vm("web", resource_group="other", tags={"mine": "1"})
    ids = [vm_id("web"), vm_id("db"), vm_id("web").replace("/sandbox/", "/other/")]
    records = records_of(OFF, ids)
    await OFF.prepare(session, NONE, records)
    calls()
    for _ in range(2):
        assert kinds(await OFF.mark(session, mark_of(OFF), records), records) == ["done"] * 3
    assert calls() == ["Tags_UpdateAtScope"] * 6
    assert azure._cloud.get(ids[0]).body["tags"] == {
        "mine": "1",
        f"faultbridge:lab:{EXPERIMENT}:act": "v=1 fault=azure:compute:power-off-vms "
        f"until=2030-03-17T17:46:40Z as={ROLE} prior=running",
    }
    await OFF.inject(session, NONE, records)
    azure.complete_transitions()

    search = await provider.find_marks(READER)
    assert (len(search.found), list(search.unsearched)) == (3, [])
    assert {one.mark for one in search.found} == {mark_of(OFF)}
    assert [one.problem for one in search.found] == [""] * 3
    rebuilt = [one.record for one in search.found]
    assert len({record.id for record in rebuilt}) == 3
    assert {record.resource for record in rebuilt} == set(ids)
    assert kinds(await OFF.revert(session, rebuilt), rebuilt) == ["pending"] * 3
    azure.complete_transitions()
    assert kinds(await OFF.revert(session, rebuilt), rebuilt) == ["done"] * 3
    calls()
    for _ in range(2):
        done = await OFF.unmark(session, mark_of(OFF), rebuilt)
        assert kinds(done, rebuilt) == ["done"] * 3
    assert calls() == ["Tags_UpdateAtScope"] * 6
    assert {one: azure._cloud.get(one).body["tags"]["mine"] for one in ids} == dict.fromkeys(
        ids, "1"
    )
    assert (await provider.find_marks(READER)).found == []


async def test_a_disk_is_attached_from_its_mark_alone(
    session: AzureSession, provider: AzureProvider, azure: AzureEmulator
) -> None:
    azure.add_vm("web")
    azure.add_disk("data", vm="web", lun=2, caching="ReadWrite", deleteOption="Delete")
    before = azure.snapshot()
    given = DETACH.Parameters.model_validate({"duration": "PT1M"})
    records = records_of(DETACH, [disk_id("data")])
    await DETACH.prepare(session, given, records)
    attachment = records[0].state["attachment"]
    await DETACH.mark(session, mark_of(DETACH), records)
    await DETACH.inject(session, given, records)
    azure.complete_transitions()
    (found,) = (await provider.find_marks(READER)).found
    assert (found.problem, found.record.touches) == ("", (vm_id("web"),))
    assert found.record.state == {"attachment": attachment}
    await DETACH.revert(session, [found.record])
    azure.complete_transitions()
    assert kinds(await DETACH.revert(session, [found.record]), [found.record]) == ["done"]
    await DETACH.unmark(session, mark_of(DETACH), [found.record])
    assert azure.snapshot() == before


async def test_a_mark_with_other_words_is_removed_too(
    session: AzureSession, azure: AzureEmulator, calls: Calls
) -> None:
    name = f"faultbridge:lab:{EXPERIMENT}:act"
    azure.add_vm("web", tags={name: "v=1 other=words", f"{name}#2": "more", "mine": "1"})
    records = records_of(OFF, [vm_id("web"), vm_id("ghost")])
    for record in records:
        record.state["prior"] = "running"
    calls()
    assert kinds(await OFF.unmark(session, mark_of(OFF), records), records) == ["done", "gone"]
    assert azure._cloud.get(vm_id("web")).body["tags"] == {"mine": "1"}
    assert calls() == ["Tags_UpdateAtScope"] * 3


async def test_without_the_right_the_role_is_named(
    session: AzureSession, azure: AzureEmulator, allow: Any
) -> None:
    azure.add_vm("web")
    records = records_of(OFF, [vm_id("web")])
    await OFF.prepare(session, NONE, records)
    allow("Microsoft.Compute/*")
    outcomes = await OFF.mark(session, mark_of(OFF), records)
    assert kinds(outcomes, records) == ["rejected"]
    assert "az role assignment create" in outcomes[records[0].id].reason


@pytest.mark.parametrize(
    ("name", "foreign"),
    [
        (f"faultbridge:lab:{EXPERIMENT}:other", False),
        (f"faultbridge:lab:{EXPERIMENT}x:act", True),
        (f"faultbridge:other:{EXPERIMENT}:act", True),
        ("faultbridge-notes", False),
    ],
)
async def test_marks_of_others_are_foreign(
    session: AzureSession, azure: AzureEmulator, name: str, foreign: bool
) -> None:
    azure.add_vm("web", tags={name: "x"})
    records = records_of(OFF, [vm_id("web")])
    await OFF.prepare(session, NONE, records)
    assert OFF.foreign_mark(records[0]) == (mark_key(name) if foreign else None)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("v=2 fault=x as=y", "its version is 2"),
        ("v=1 as=r fault=azure:compute:power-off-vms prior=x", "cannot be read"),
        ("v=1 as=r fault=azure:compute:detach-disks vm=web lun=1", "cannot be read"),
        ("v=1 as=r fault=azure:compute:isolate-vms nsg=a nics=b", "cannot be read"),
    ],
)
async def test_a_mark_that_cannot_be_read_says_why(
    provider: AzureProvider, azure: AzureEmulator, value: str, problem: str
) -> None:
    azure.add_vm("web", tags={"faultbridge:a:b:c": value, "Name": "web"})
    (found,) = (await provider.find_marks(READER)).found
    assert found.record.resource == vm_id("web")
    assert problem in found.problem


async def test_where_it_cannot_look_is_said(
    azure: AzureEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FAULTBRIDGE_AZURE_SUBSCRIPTIONS")
    search = await AzureProvider(Settings()).find_marks(READER)
    assert list(search.unsearched) == [
        "Azure: no subscription is set in FAULTBRIDGE_AZURE_SUBSCRIPTIONS"
    ]
    provider = AzureProvider(Settings(azure_subscriptions=("mine",)))
    (why,) = (await provider.find_marks(READER)).unsearched
    assert "write the GUID" in why
    await provider.close()
