"""Marks as labels and in rules: written, read back, found by rescue, removed."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sandbox.gcp import GcpEmulator
from bridge.settings import Settings
from providers.contract import Caller, Fault, Mark, ProviderError
from providers.gcp.disks import DetachDisks
from providers.gcp.instances import StopInstances
from providers.gcp.isolation import IsolateInstances
from providers.gcp.marks import labels_of, texts_in, written
from providers.gcp.provider import GcpProvider
from providers.gcp.session import GcpSession
from tests.gcp_faults.conftest import Calls, Launch
from tests.gcp_faults.records import INSTALLATION, SCOPE, kinds, mark_of, reasons, records_of

STOP = StopInstances()
NONE = STOP.Parameters()
DETACH = DetachDisks()
ISOLATE = IsolateInstances()
READER = Caller(SCOPE, None, "rescue", INSTALLATION)
INSTALLATIONS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?", fullmatch=True)


@given(INSTALLATIONS, st.text(max_size=100), st.text("abc/:._-", max_size=200))
def test_any_mark_fits_the_syntax_of_labels_and_is_read_back(
    installation: str, action: str, role: str
) -> None:
    mark = Mark(installation, "EXP1", action, STOP.id, None, role)
    text = written(mark, {"prior": "RUNNING"})
    labels = labels_of(mark, text)
    for key, value in labels.items():
        assert re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", key)
        assert re.fullmatch(r"[a-z0-9_-]{0,63}", value)
    assert list(texts_in({"service": "carts", **labels}).values()) == [text]


@given(INSTALLATIONS, INSTALLATIONS)
def test_marks_of_several_stand_side_by_side(one: str, other: str) -> None:
    marks = [replace(mark_of(STOP), installation=one), replace(mark_of(DETACH), installation=other)]
    marks[1] = replace(marks[1], action="another")
    texts = [written(mark, {}) for mark in marks]
    labels = labels_of(marks[0], texts[0]) | labels_of(marks[1], texts[1])
    assert sorted(texts_in(labels).values()) == sorted(texts)


def test_labels_that_cannot_be_read_are_no_text() -> None:
    key = "faultbridge-lab-abcdefgh-0"
    assert texts_in({key: "1!"}) == {"faultbridge-lab-abcdefgh": ""}
    assert texts_in({"faultbridge-lab": "x"}) == {}


async def test_written_found_and_removed(
    session: GcpSession,
    launch: Launch,
    gcp: GcpEmulator,
    provider: GcpProvider,
    calls: Calls,
) -> None:
    names = launch(2, labels={"service": "carts"})
    disk = gcp.add_disk("data", instance="worker-000", device_name="dev", labels={"a": "b"})
    stopped, detached = records_of(STOP, names), records_of(DETACH, [disk], action="disks")
    await STOP.prepare(session, NONE, stopped)
    await DETACH.prepare(session, None, detached)  # type: ignore[arg-type] # it reads none of them
    calls()
    assert kinds(await STOP.mark(session, mark_of(STOP), stopped), stopped) == ["done"] * 2
    mark = mark_of(DETACH, "disks")
    assert kinds(await DETACH.mark(session, mark, detached), detached) == ["done"]
    gcp.complete_transitions()
    assert gcp.instance("worker-000")["labels"]["service"] == "carts"

    calls()
    search = await provider.find_marks(READER)
    assert sorted(calls()) == ["disks.aggregatedList", "firewalls.list", "instances.aggregatedList"]
    assert not search.unsearched
    found = {one.record.resource: one for one in search.found}
    assert sorted(found) == sorted([*names, disk])
    assert not any(one.problem for one in search.found)
    assert found[disk].mark == mark
    assert found[disk].record.touches == (names[0],)
    assert found[names[1]].record.state == {"prior": "RUNNING"}

    await DETACH.inject(session, None, detached)  # type: ignore[arg-type] # it reads none of them
    gcp.complete_transitions()
    rescued = [found[disk].record]
    assert kinds(await DETACH.revert(session, rescued), rescued) == ["pending"]
    gcp.complete_transitions()
    assert kinds(await DETACH.revert(session, rescued), rescued) == ["done"]

    assert kinds(await STOP.unmark(session, mark_of(STOP), stopped), stopped) == ["done"] * 2
    assert kinds(await DETACH.unmark(session, mark, detached), detached) == ["done"]
    gcp.complete_transitions()
    assert gcp.instance("worker-000")["labels"] == {"service": "carts"}
    assert gcp.disk("data")["labels"] == {"a": "b"}
    calls()
    assert kinds(await STOP.unmark(session, mark_of(STOP), stopped), stopped) == ["done"] * 2
    assert sorted(calls()) == ["instances.get"] * 2 + ["zoneOperations.get"] * 2


async def test_labels_that_are_still_being_written_are_waited_for(
    session: GcpSession, launch: Launch, gcp: GcpEmulator
) -> None:
    records = records_of(STOP, launch())
    await STOP.prepare(session, NONE, records)
    await STOP.mark(session, mark_of(STOP), records)
    outcomes = await STOP.unmark(session, mark_of(STOP), records)
    assert kinds(outcomes, records) == ["unknown"]
    gcp.complete_transitions()
    assert kinds(await STOP.unmark(session, mark_of(STOP), records), records) == ["done"]
    gcp.complete_transitions()
    assert "labels" not in gcp.instance("worker-000")


async def test_rescue_finds_the_rules_and_what_bears_their_tag(
    session: GcpSession, launch: Launch, gcp: GcpEmulator, provider: GcpProvider
) -> None:
    minute = ISOLATE.Parameters.model_validate({"duration": "PT1M"})
    network = f"//compute.googleapis.com/projects/{gcp.project}/global/networks/default"
    records = records_of(ISOLATE, launch(), minute, networks=network)
    await ISOLATE.prepare(session, minute, records)
    assert set(kinds(await ISOLATE.mark(session, mark_of(ISOLATE), records), records)) == {"done"}
    gcp.complete_transitions()
    await ISOLATE.inject(session, minute, records)
    gcp.complete_transitions()
    found = (await provider.find_marks(READER)).found
    assert [one.problem for one in found] == ["", ""]
    rescued = [one.record for one in found]
    assert {one.resource for one in rescued} == {one.resource for one in records}
    for _ in range(2):
        await ISOLATE.revert(session, rescued)
        gcp.complete_transitions()
    assert set(kinds(await ISOLATE.revert(session, rescued), rescued)) == {"done"}
    assert gcp.names("firewalls") == []
    assert set(kinds(await ISOLATE.unmark(session, mark_of(ISOLATE), records), records)) == {"done"}


async def test_a_rescue_that_is_run_twice_within_an_hour_acts_twice(
    session: GcpSession, launch: Launch, gcp: GcpEmulator, provider: GcpProvider
) -> None:
    records = records_of(STOP, launch())
    await STOP.prepare(session, NONE, records)
    await STOP.mark(session, mark_of(STOP), records)
    gcp.complete_transitions()
    for action in ("act", "again"):
        stopped = records_of(STOP, [records[0].resource], action=action)
        await STOP.inject(session, NONE, stopped)
        gcp.complete_transitions()
        rescued = [one.record for one in (await provider.find_marks(READER)).found]
        for _ in range(4):
            await STOP.revert(session, rescued)
            gcp.complete_transitions()
        assert gcp.instance("worker-000")["status"] == "RUNNING"


async def test_marks_are_optional_and_the_grant_is_told(
    session: GcpSession, launch: Launch, allow: Any
) -> None:
    records = records_of(STOP, launch())
    await STOP.prepare(session, NONE, records)
    allow("compute.instances.get")
    outcomes = await STOP.mark(session, mark_of(STOP), records)
    assert kinds(outcomes, records) == ["rejected"]
    assert "--permissions=compute.instances.setLabels" in reasons(outcomes, records)[0]


async def test_a_resource_without_room_stays_unmarked(
    session: GcpSession, gcp: GcpEmulator
) -> None:
    labels = {f"l{number}": "x" for number in range(62)}
    records = records_of(STOP, [gcp.add_instance("full", labels=labels)])
    await STOP.prepare(session, NONE, records)
    outcomes = await STOP.mark(session, mark_of(STOP), records)
    assert kinds(outcomes, records) == ["rejected"]
    assert reasons(outcomes, records)[0].startswith("not marked: 64 labels fit on it")


async def test_labels_that_somebody_changed_meanwhile_are_read_again(
    session: GcpSession, launch: Launch, gcp: GcpEmulator
) -> None:
    records = records_of(STOP, launch())
    await STOP.prepare(session, NONE, records)
    gcp.fail(operation="instances.setLabels", error="conditionNotMet", status=412, times=2)
    assert kinds(await STOP.mark(session, mark_of(STOP), records), records) == ["done"]
    gcp.complete_transitions()
    assert len(gcp.instance("worker-000")["labels"]) > 1


@pytest.mark.parametrize("own", [True, False])
async def test_a_foreign_mark_is_noted(
    session: GcpSession, launch: Launch, gcp: GcpEmulator, own: bool
) -> None:
    records = records_of(STOP, launch())
    await STOP.prepare(session, NONE, records)
    mark = mark_of(STOP) if own else replace(mark_of(STOP), installation="other")
    await STOP.mark(session, mark, records)
    gcp.complete_transitions()
    await STOP.prepare(session, NONE, records)
    assert STOP.foreign_mark(records[0]) == (None if own else mark.key)


async def test_what_cannot_be_read_is_found_with_the_problem(
    gcp: GcpEmulator, provider: GcpProvider
) -> None:
    gcp.add_instance("odd", labels={"faultbridge-lab-abcdefgh-0": "zzz"})
    (found,) = (await provider.find_marks(READER)).found
    assert "its key is not one of ours" in found.problem


async def test_what_could_not_be_searched_is_said(gcp: GcpEmulator, provider: GcpProvider) -> None:
    gcp.fail(operation="disks.aggregatedList", error="forbidden", status=403, message="No.")
    search = await provider.find_marks(READER)
    assert [one.partition(":")[0] for one in search.unsearched] == [
        f"Google Cloud, disks of {gcp.project}"
    ]
    gcp.fail(error="forbidden", status=403, message="No.", times=3)
    with pytest.raises(ProviderError):
        await provider.find_marks(READER)


async def test_without_projects_nothing_is_searched_and_said_only_where_google_is_used() -> None:
    search = await GcpProvider(Settings(gcp_identities=(("*", "x"),))).find_marks(READER)
    assert "FAULTBRIDGE_GCP_PROJECTS" in search.unsearched[0]
    assert not (await GcpProvider(Settings()).find_marks(READER)).unsearched


def test_a_bridge_without_google_does_not_load_its_sdk() -> None:
    script = (
        "import asyncio, sys\n"
        "before = set(sys.modules)\n"  # a library's .pth file makes the namespace, without code
        "from bridge.settings import Settings\n"
        "from providers import registry\n"
        "made = registry.provider_class('gcp')(Settings())\n"
        "asyncio.run(made.find_marks(None))\n"
        "[registry.fault(name) for name in registry.FAULTS if name.startswith('gcp')]\n"
        "[registry.resolver(name) for name in registry.RESOLVERS if name.startswith('gcp')]\n"
        "print(*(name for name in sys.modules if name not in before"
        " and name.split('.')[0] in ('google', 'requests')))\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []


@pytest.mark.parametrize("fault", [STOP, DETACH, ISOLATE])
def test_every_marked_fault_asks_for_the_right_to_label(fault: Fault) -> None:
    optional = {one.name for one in fault.permissions if one.need == "optional"}
    kind = "disks" if fault is DETACH else "instances"
    assert optional == {f"compute.{kind}.setLabels"}
