"""DetachDisks: taken away, and put back with all their settings."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from bridge.sandbox.gcp import GcpEmulator, inventory
from providers.contract import Resource
from providers.gcp.attachments import Attachment
from providers.gcp.disks import DetachDisks
from providers.gcp.session import GcpSession
from tests.gcp_faults.conftest import Calls, Launch
from tests.gcp_faults.records import kinds, reasons, records_of

FAULT = DetachDisks()
MINUTE = FAULT.Parameters.model_validate({"duration": "PT1M"})
COMPARED = ("mode", "boot", "autoDelete", "deviceName", "interface", "type", "source")


def attached(gcp: GcpEmulator, instance: str, device: str) -> dict[str, Any]:
    disks = gcp.instance(instance)["disks"]
    return next((one for one in disks if one["deviceName"] == device), {})


def add(gcp: GcpEmulator, count: int = 1, instance: str = "worker-000") -> list[str]:
    return [
        gcp.add_disk(
            f"data-{number}",
            instance=instance,
            device_name=f"dev-{number}",
            auto_delete=True,
            mode="READ_ONLY" if number else "READ_WRITE",
            interface="NVME",
        )
        for number in range(count)
    ]


async def test_detached_and_attached_again_with_every_setting(
    session: GcpSession, launch: Launch, gcp: GcpEmulator, calls: Calls
) -> None:
    (host,) = launch()
    records = records_of(FAULT, add(gcp, 2))
    before = [attached(gcp, "worker-000", f"dev-{number}") for number in (0, 1)]
    assert kinds(await FAULT.prepare(session, MINUTE, records), records) == ["done"] * 2
    assert [record.touches for record in records] == [(host,)] * 2
    calls()
    assert kinds(await FAULT.inject(session, MINUTE, records), records) == ["pending"] * 2
    assert calls() == ["instances.detachDisk"] * 2
    assert kinds(await FAULT.observe(session, records), records) == ["applying"] * 2
    gcp.complete_transitions()
    assert kinds(await FAULT.observe(session, records), records) == ["present"] * 2
    assert "users" not in gcp.disk("data-0")
    calls()
    assert kinds(await FAULT.revert(session, records), records) == ["pending"] * 2
    assert Counter(calls()) == {"disks.get": 2, "instances.get": 1, "instances.attachDisk": 2}
    assert kinds(await FAULT.revert(session, records), records) == ["pending"] * 2
    assert calls("instances.attachDisk") == []  # those under way are waited for
    gcp.complete_transitions()
    for _ in range(2):
        assert kinds(await FAULT.revert(session, records), records) == ["done"] * 2
    after = [attached(gcp, "worker-000", f"dev-{number}") for number in (0, 1)]
    for old, new in zip(before, after, strict=True):
        assert {key: new[key] for key in COMPARED} == {key: old[key] for key in COMPARED}


async def test_the_whole_attachment_is_kept_in_the_record(
    session: GcpSession, launch: Launch, gcp: GcpEmulator
) -> None:
    launch()
    records = records_of(FAULT, add(gcp))
    await FAULT.prepare(session, MINUTE, records)
    assert records[0].state["attachment"]["disk"] == attached(gcp, "worker-000", "dev-0")


async def test_what_is_attached_nowhere_is_left_and_what_cannot_be_detached_refused(
    session: GcpSession, launch: Launch, gcp: GcpEmulator
) -> None:
    (host,) = launch()
    gcp.add_instance("other")
    shared = gcp.add_disk("shared", instance="worker-000", mode="READ_ONLY")
    gcp.add_disk("loose")
    with gcp._cloud.lock:
        paths = (gcp._path("instances", "other"), gcp._path("disks", "shared"))
        inventory.attach(gcp._cloud, *paths, mode="READ_ONLY")
    gone = gcp.add_disk("gone")
    gcp.remove_disk("gone")
    boot = host.replace("/instances/", "/disks/")
    loose = shared.replace("shared", "loose")
    records = records_of(FAULT, [loose, shared, boot, gone])
    outcomes = await FAULT.prepare(session, MINUTE, records)
    assert kinds(outcomes, records) == ["left", "rejected", "rejected", "gone"]
    assert "attached to 2 instances" in reasons(outcomes, records)[1]
    assert "the boot disk of worker-000, which is RUNNING" in reasons(outcomes, records)[2]


async def test_the_boot_disk_of_a_stopped_instance_comes_back_as_boot_disk(
    session: GcpSession, gcp: GcpEmulator
) -> None:
    host = gcp.add_instance("off", status="TERMINATED")
    records = records_of(FAULT, [host.replace("/instances/", "/disks/")])
    assert kinds(await FAULT.prepare(session, MINUTE, records), records) == ["done"]
    await FAULT.inject(session, MINUTE, records)
    gcp.complete_transitions()
    assert gcp.instance("off")["disks"] == []
    await FAULT.revert(session, records)
    gcp.complete_transitions()
    assert kinds(await FAULT.revert(session, records), records) == ["done"]
    assert gcp.instance("off")["disks"][0]["boot"] is True


async def test_one_bad_disk_does_not_hold_up_the_others(
    session: GcpSession, launch: Launch, gcp: GcpEmulator
) -> None:
    launch()
    records = records_of(FAULT, add(gcp, 20))
    await FAULT.prepare(session, MINUTE, records)
    gcp.remove_disk("data-3")
    await FAULT.inject(session, MINUTE, records)
    gcp.complete_transitions()
    seen = await FAULT.observe(session, records)
    assert Counter(kinds(seen, records)) == {"present": 19, "gone": 1}
    outcomes = await FAULT.revert(session, records)
    assert Counter(kinds(outcomes, records)) == {"pending": 19, "gone": 1}
    gcp.complete_transitions()
    outcomes = await FAULT.revert(session, records)
    assert Counter(kinds(outcomes, records)) == {"done": 19, "gone": 1}


async def test_a_disk_whose_instance_is_gone_or_that_serves_another_is_told(
    session: GcpSession, launch: Launch, gcp: GcpEmulator
) -> None:
    launch(2)
    (first,) = add(gcp)
    second = gcp.add_disk("more", instance="worker-001", device_name="more")
    records = records_of(FAULT, [first, second])
    await FAULT.prepare(session, MINUTE, records)
    await FAULT.inject(session, MINUTE, records)
    gcp.complete_transitions()
    gcp.remove_instance("worker-001")
    thief = Attachment.of(records[0])
    gcp.add_instance("thief")
    host = thief.instance.replace("worker-000", "thief")
    stolen = records[0].model_copy(update={"state": Attachment(host, thief.disk).state()})
    await FAULT.revert(session, [stolen])
    gcp.complete_transitions()
    outcomes = await FAULT.revert(session, records)
    assert kinds(outcomes, records) == ["rejected", "gone"]
    assert "it was attached to thief meanwhile" in reasons(outcomes, records)[0]


async def test_a_disk_that_came_back_otherwise_is_told_field_by_field(
    session: GcpSession, launch: Launch, gcp: GcpEmulator
) -> None:
    launch()
    records = records_of(FAULT, add(gcp))
    await FAULT.prepare(session, MINUTE, records)
    records[0].state["attachment"]["disk"] |= {"mode": "READ_ONLY", "autoDelete": False}
    outcomes = await FAULT.revert(session, records)
    assert kinds(outcomes, records) == ["rejected"]
    assert 'mode is "READ_WRITE" and was "READ_ONLY"' in reasons(outcomes, records)[0]
    assert "autoDelete is true and was false" in reasons(outcomes, records)[0]


async def test_an_undo_before_the_detachment_shows_waits_for_it(
    session: GcpSession, launch: Launch, gcp: GcpEmulator
) -> None:
    launch()
    records = records_of(FAULT, add(gcp))
    await FAULT.prepare(session, MINUTE, records)
    await FAULT.inject(session, MINUTE, records)
    assert kinds(await FAULT.revert(session, records), records) == ["pending"]
    gcp.complete_transitions()
    assert kinds(await FAULT.revert(session, records), records) == ["pending"]
    gcp.complete_transitions()
    assert kinds(await FAULT.revert(session, records), records) == ["done"]
    assert attached(gcp, "worker-000", "dev-0")


@pytest.mark.usefixtures("few_attempts")
async def test_a_detachment_whose_reply_was_lost_is_noticed_at_once(
    session: GcpSession, launch: Launch, gcp: GcpEmulator
) -> None:
    launch()
    records = records_of(FAULT, add(gcp))
    await FAULT.prepare(session, MINUTE, records)
    gcp.lose_reply(operation="instances.detachDisk")
    assert kinds(await FAULT.inject(session, MINUTE, records), records) == ["unknown"]
    assert kinds(await FAULT.observe(session, records), records) == ["applying"]
    gcp.complete_transitions()
    assert kinds(await FAULT.observe(session, records), records) == ["present"]


async def test_a_detachment_that_failed_late_is_told_and_leaves_nothing_to_undo(
    session: GcpSession, launch: Launch, gcp: GcpEmulator
) -> None:
    launch()
    records = records_of(FAULT, add(gcp))
    await FAULT.prepare(session, MINUTE, records)
    gcp.fail_late(operation="instances.detachDisk", error="DETACH_FAILED")
    await FAULT.inject(session, MINUTE, records)
    gcp.complete_transitions()
    assert kinds(await FAULT.observe(session, records), records) == ["failed"]
    assert kinds(await FAULT.revert(session, records), records) == ["done"]


async def test_rights_are_asked_for_on_the_disk_and_on_its_instance(
    session: GcpSession, launch: Launch, gcp: GcpEmulator, allow: Any
) -> None:
    launch()
    resources = [Resource("gcp:compute:disk", one) for one in add(gcp)]
    assert await FAULT.review(session, MINUTE, resources) == []
    allow("compute.disks.get", "compute.instances.detachDisk")
    denials = await FAULT.review(session, MINUTE, resources)
    assert ["compute.disks.use" in denials[0].mend, "attachDisk" in denials[1].mend] == [True] * 2
