"""Managed instance groups: instances deleted and the size given back, or recreated."""

from __future__ import annotations

from collections import Counter

import pytest

from bridge.sandbox.gcp import GcpEmulator
from bridge.sandbox.gcp.cloud import REGION
from providers.contract import Undo
from providers.gcp.deletion import DeleteManagedInstances
from providers.gcp.recreation import RecreateManagedInstances
from providers.gcp.session import GcpSession
from tests.gcp_faults.conftest import Calls
from tests.gcp_faults.records import kinds, mark_of, reasons, records_of

DELETE = DeleteManagedInstances()
RECREATE = RecreateManagedInstances()
LASTING = DELETE.Parameters()
NONE = RECREATE.Parameters()
PLACES = pytest.mark.parametrize("region", [None, REGION])


def members(gcp: GcpEmulator, group: str = "web") -> list[str]:
    names = gcp.group_instances(group)
    links = [gcp.instance(name)["selfLink"] for name in names]
    return ["//compute.googleapis.com/" + link.partition("/v1/")[2] for link in links]


def test_the_size_comes_back_after_a_duration_only() -> None:
    parameters = DELETE.Parameters.model_validate({"resizeAfterDuration": "PT5M"})
    assert DELETE.undo(parameters) is Undo.RESTORES
    assert DELETE.undo(LASTING) is Undo.LASTING


@PLACES
async def test_deleted_in_one_call_and_the_size_given_back(
    session: GcpSession, gcp: GcpEmulator, calls: Calls, region: str | None
) -> None:
    group = gcp.add_group("web", size=5, region=region)
    doomed = members(gcp)[:3]
    records = records_of(DELETE, doomed, LASTING, instanceGroupManager=group)
    assert [record.resource for record in records] == [group]
    assert records[0].touches == tuple(doomed)
    for _ in range(2):
        assert kinds(await DELETE.prepare(session, LASTING, records), records) == ["done"]
    calls()
    assert kinds(await DELETE.inject(session, LASTING, records), records) == ["pending"]
    prefix = "regionInstanceGroupManagers" if region else "instanceGroupManagers"
    assert calls() == [f"{prefix}.deleteInstances"]
    assert kinds(await DELETE.observe(session, records), records) == ["applying"]
    assert kinds(await DELETE.revert(session, records), records) == ["pending"]
    gcp.complete_transitions()
    assert kinds(await DELETE.observe(session, records), records) == ["present"]
    assert (gcp.group("web")["targetSize"], len(members(gcp))) == (2, 2)
    calls()
    assert kinds(await DELETE.revert(session, records), records) == ["pending"]
    assert kinds(await DELETE.revert(session, records), records) == ["pending"]
    gcp.complete_transitions()
    assert kinds(await DELETE.revert(session, records), records) == ["done"]
    assert calls(f"{prefix}.resize") == [f"{prefix}.resize"]
    assert (gcp.group("web")["targetSize"], len(members(gcp))) == (5, 5)


async def test_what_is_no_member_is_refused_or_told_as_skipped(
    session: GcpSession, gcp: GcpEmulator
) -> None:
    group = gcp.add_group("web", size=2)
    stray = gcp.add_instance("stray")
    one, other = members(gcp)
    records = records_of(DELETE, [stray, one], LASTING, instanceGroupManager=group)
    assert kinds(await DELETE.prepare(session, LASTING, records), records) == ["done"]
    await DELETE.inject(session, LASTING, records)
    gcp.complete_transitions()
    seen = await DELETE.observe(session, records)
    assert kinds(seen, records) == ["present"]
    assert "Google skipped stray" in reasons(seen, records)[0]
    assert members(gcp) == [other]

    strays = records_of(DELETE, [stray], LASTING, instanceGroupManager=group)
    assert kinds(await DELETE.prepare(session, LASTING, strays), strays) == ["rejected"]
    alone = records_of(DELETE, [stray], LASTING)
    outcomes = await DELETE.prepare(session, LASTING, alone)
    assert "belongs to no managed instance group" in reasons(outcomes, alone)[0]


async def test_one_that_is_going_already_is_left(session: GcpSession, gcp: GcpEmulator) -> None:
    group = gcp.add_group("web", size=2)
    records = records_of(DELETE, members(gcp)[:1], LASTING, instanceGroupManager=group)
    await DELETE.prepare(session, LASTING, records)
    await DELETE.inject(session, LASTING, records)
    again = records_of(DELETE, members(gcp)[:1], LASTING, "again", instanceGroupManager=group)
    assert kinds(await DELETE.prepare(session, LASTING, again), again) == ["left"]


async def test_a_group_that_grew_meanwhile_is_left_so_and_an_autoscaled_one_too(
    session: GcpSession, gcp: GcpEmulator, calls: Calls
) -> None:
    group = gcp.add_group("web", size=3)
    records = records_of(DELETE, members(gcp)[:1], LASTING, instanceGroupManager=group)
    await DELETE.prepare(session, LASTING, records)
    await DELETE.inject(session, LASTING, records)
    gcp.complete_transitions()
    calls()
    records[0].state["autoscaled"] = True
    outcomes = await DELETE.revert(session, records)
    assert kinds(outcomes, records) == ["done"]
    assert "autoscaler" in reasons(outcomes, records)[0]
    records[0].state |= {"autoscaled": False, "size": 1}
    assert kinds(await DELETE.revert(session, records), records) == ["done"]
    assert calls("instanceGroupManagers.resize") == []


async def test_a_deletion_that_failed_late_is_told(session: GcpSession, gcp: GcpEmulator) -> None:
    group = gcp.add_group("web", size=2)
    records = records_of(DELETE, members(gcp), LASTING, instanceGroupManager=group)
    await DELETE.prepare(session, LASTING, records)
    operation = "instanceGroupManagers.deleteInstances"
    gcp.fail_late(operation=operation, error="DELETE_FAILED")
    await DELETE.inject(session, LASTING, records)
    gcp.complete_transitions()
    assert kinds(await DELETE.observe(session, records), records) == ["failed"]
    assert kinds(await DELETE.revert(session, records), records) == ["done"]


async def test_a_thousand_go_in_one_call(
    session: GcpSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    async def call(_self: object, _kind: str, _method: str, body: object, **_: object) -> object:
        asked.append(len(body.content["instances"]))  # type: ignore[attr-defined] # a Body
        return {"selfLink": "projects/p/zones/z/operations/o"}

    monkeypatch.setattr(GcpSession, "call", call)
    place = "//compute.googleapis.com/projects/p/zones/z"
    names = [f"{place}/instances/i{number}" for number in range(2001)]
    records = records_of(
        DELETE, names, LASTING, instanceGroupManager=f"{place}/instanceGroupManagers/g"
    )
    assert kinds(await DELETE.inject(session, LASTING, records), records) == ["pending"]
    assert asked == [1000, 1000, 1]


async def test_groups_bear_no_marks(session: GcpSession, gcp: GcpEmulator) -> None:
    group = gcp.add_group("web", size=2)
    records = records_of(DELETE, members(gcp), LASTING, instanceGroupManager=group)
    outcomes = await DELETE.mark(session, mark_of(DELETE), records)
    assert kinds(outcomes, records) == ["rejected"]
    assert reasons(outcomes, records)[0].startswith("not marked: ")


@PLACES
async def test_recreated_in_one_call_and_told_by_their_new_ids(
    session: GcpSession, gcp: GcpEmulator, calls: Calls, region: str | None
) -> None:
    group = gcp.add_group("web", size=8, region=region)
    names = members(gcp)
    records = records_of(RECREATE, names, NONE, instanceGroupManager=group)
    assert RECREATE.undo(NONE) is Undo.NONE
    assert set(kinds(await RECREATE.prepare(session, NONE, records), records)) == {"done"}
    assert set(kinds(await RECREATE.observe(session, records), records)) == {"absent"}
    calls()
    for _ in range(2):
        assert set(kinds(await RECREATE.inject(session, NONE, records), records)) == {"pending"}
    prefix = "regionInstanceGroupManagers" if region else "instanceGroupManagers"
    assert calls() == [f"{prefix}.recreateInstances"] * 2
    assert set(kinds(await RECREATE.observe(session, records), records)) == {"applying"}
    gcp.complete_transitions()
    assert set(kinds(await RECREATE.observe(session, records), records)) == {"present"}
    assert members(gcp) == names
    assert set(kinds(await RECREATE.revert(session, records), records)) == {"done"}


async def test_one_that_left_its_group_does_not_hold_up_the_others(
    session: GcpSession, gcp: GcpEmulator
) -> None:
    group = gcp.add_group("web", size=20)
    records = records_of(RECREATE, members(gcp), NONE, instanceGroupManager=group)
    await RECREATE.prepare(session, NONE, records)
    gcp.remove_instance(records[3].resource.rpartition("/")[2])
    outcomes = await RECREATE.inject(session, NONE, records)
    assert Counter(kinds(outcomes, records)) == {"pending": 19, "rejected": 1}
    gcp.complete_transitions()
    seen = await RECREATE.observe(session, records)
    assert Counter(kinds(seen, records)) == {"present": 19, "gone": 1}


async def test_only_members_are_recreated(session: GcpSession, gcp: GcpEmulator) -> None:
    stray = gcp.add_instance("stray")
    group = gcp.add_group("web", size=1)
    names = [stray, members(gcp)[0]]
    records = records_of(RECREATE, names, NONE, instanceGroupManager=group)
    assert kinds(await RECREATE.prepare(session, NONE, records), records) == ["rejected", "done"]
    alone = records_of(RECREATE, [stray], NONE)
    outcomes = await RECREATE.prepare(session, NONE, alone)
    assert "which alone can recreate it" in reasons(outcomes, alone)[0]


@pytest.mark.usefixtures("few_attempts")
async def test_a_recreation_whose_reply_was_lost_is_noticed(
    session: GcpSession, gcp: GcpEmulator
) -> None:
    group = gcp.add_group("web", size=2)
    records = records_of(RECREATE, members(gcp), NONE, instanceGroupManager=group)
    await RECREATE.prepare(session, NONE, records)
    gcp.lose_reply(operation="instanceGroupManagers.recreateInstances")
    assert kinds(await RECREATE.inject(session, NONE, records), records) == ["unknown"] * 2
    assert kinds(await RECREATE.observe(session, records), records) == ["applying"] * 2


async def test_a_recreation_that_failed_late_is_told(session: GcpSession, gcp: GcpEmulator) -> None:
    group = gcp.add_group("web", size=7)
    records = records_of(RECREATE, members(gcp), NONE, instanceGroupManager=group)
    await RECREATE.prepare(session, NONE, records)
    gcp.fail_late(operation="instanceGroupManagers.recreateInstances", error="NO_TEMPLATE")
    await RECREATE.inject(session, NONE, records)
    gcp.complete_transitions()
    seen = await RECREATE.observe(session, records)
    assert set(kinds(seen, records)) == {"failed"}
    assert "NO_TEMPLATE" in reasons(seen, records)[6]
