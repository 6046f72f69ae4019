"""SuspendInstances and ResetInstances: what stands still, and what starts anew."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from bridge.sandbox.gcp import GcpEmulator
from providers.contract import Timing, Undo
from providers.gcp.instances import ResetInstances, SuspendInstances
from providers.gcp.session import GcpSession
from tests.gcp_faults.conftest import Calls, Launch
from tests.gcp_faults.records import kinds, reasons, records_of

SUSPEND = SuspendInstances()
RESET = ResetInstances()
LASTING = SUSPEND.Parameters()
NONE = RESET.Parameters()


def test_suspended_for_a_duration_or_for_good() -> None:
    parameters = SUSPEND.Parameters.model_validate({"resumeInstancesAfterDuration": "PT5M"})
    assert SUSPEND.timing(parameters) == Timing.lasts(timedelta(minutes=5))
    assert SUSPEND.undo(parameters) is Undo.RESTORES
    assert SUSPEND.undo(LASTING) is Undo.LASTING


async def test_suspended_and_resumed(
    session: GcpSession, launch: Launch, gcp: GcpEmulator, calls: Calls
) -> None:
    records = records_of(SUSPEND, launch(7))
    assert set(kinds(await SUSPEND.prepare(session, LASTING, records), records)) == {"done"}
    calls()
    assert set(kinds(await SUSPEND.inject(session, LASTING, records), records)) == {"pending"}
    assert calls() == ["instances.suspend"] * 7
    assert set(kinds(await SUSPEND.observe(session, records), records)) == {"applying"}
    gcp.complete_transitions()
    assert set(kinds(await SUSPEND.observe(session, records), records)) == {"present"}
    again = records_of(SUSPEND, [one.resource for one in records], action="again")
    assert set(kinds(await SUSPEND.prepare(session, LASTING, again), again)) == {"left"}
    calls()
    assert set(kinds(await SUSPEND.revert(session, records), records)) == {"pending"}
    assert Counter(calls()) == {"instances.list": 1, "instances.resume": 7}
    assert set(kinds(await SUSPEND.revert(session, records), records)) == {"pending"}
    gcp.complete_transitions()
    assert set(kinds(await SUSPEND.revert(session, records), records)) == {"done"}


async def test_one_that_somebody_stopped_meanwhile_is_told(
    session: GcpSession, gcp: GcpEmulator
) -> None:
    records = records_of(SUSPEND, [gcp.add_instance("off", status="TERMINATED")])
    records[0].state["prior"] = "RUNNING"
    assert kinds(await SUSPEND.observe(session, records), records) == ["failed"]
    outcomes = await SUSPEND.revert(session, records)
    assert kinds(outcomes, records) == ["rejected"]
    assert "start it, or release the record" in reasons(outcomes, records)[0]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"guestAccelerators": [{"acceleratorCount": 1}]}, "it has GPUs"),
        ({"disks": [{"type": "SCRATCH"}]}, "it has Local SSDs"),
        ({"confidentialInstanceConfig": {"enableConfidentialCompute": True}}, "a Confidential VM"),
        ({"disks": [{"diskEncryptionKey": {"sha256": "abc"}}]}, "a key that you supply"),
    ],
)
async def test_what_cannot_be_suspended_is_refused_before(
    session: GcpSession, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any], why: str
) -> None:
    async def call(*_: Any, **__: Any) -> dict[str, Any]:
        return {"status": "RUNNING", **more}

    monkeypatch.setattr(GcpSession, "call", call)
    records = records_of(SUSPEND, ["//compute.googleapis.com/projects/p/zones/z/instances/i"])
    outcomes = await SUSPEND.prepare(session, LASTING, records)
    assert kinds(outcomes, records) == ["rejected"]
    assert why in reasons(outcomes, records)[0]


async def test_a_key_of_cloud_kms_is_no_obstacle(
    session: GcpSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def call(*_: Any, **__: Any) -> dict[str, Any]:
        key = {"kmsKeyName": "projects/p/…", "sha256": "abc"}
        return {"status": "RUNNING", "disks": [{"diskEncryptionKey": key}]}

    monkeypatch.setattr(GcpSession, "call", call)
    records = records_of(SUSPEND, ["//compute.googleapis.com/projects/p/zones/z/instances/i"])
    assert kinds(await SUSPEND.prepare(session, LASTING, records), records) == ["done"]


async def test_a_reset_is_told_by_its_operation(
    session: GcpSession, launch: Launch, gcp: GcpEmulator, calls: Calls
) -> None:
    assert RESET.undo(NONE) is Undo.NONE
    records = records_of(RESET, launch(30))
    assert set(kinds(await RESET.prepare(session, NONE, records), records)) == {"done"}
    assert set(kinds(await RESET.inject(session, NONE, records), records)) == {"pending"}
    calls()
    assert set(kinds(await RESET.observe(session, records), records)) == {"applying"}
    assert Counter(calls()) == {"instances.list": 1, "zoneOperations.list": 2}
    gcp.complete_transitions()
    gcp.remove_instance("worker-003")
    seen = await RESET.observe(session, records)
    assert Counter(kinds(seen, records)) == {"present": 29, "gone": 1}
    assert set(kinds(await RESET.revert(session, records), records)) == {"done"}


@pytest.mark.usefixtures("few_attempts")
async def test_a_reset_whose_reply_was_lost_is_found_by_its_request_id(
    session: GcpSession, launch: Launch, gcp: GcpEmulator, calls: Calls
) -> None:
    records = records_of(RESET, launch(2))
    await RESET.prepare(session, NONE, records)
    gcp.lose_reply(operation="instances.reset")
    gcp.fail(operation="instances.reset", error="backendError", status=503)
    assert kinds(await RESET.inject(session, NONE, records), records) == ["unknown"] * 2
    assert sorted(kinds(await RESET.observe(session, records), records)) == ["absent", "applying"]
    gcp.complete_transitions()
    assert sorted(kinds(await RESET.observe(session, records), records)) == ["absent", "present"]
    # What the engine then does for the one that Google never heard of:
    calls()
    assert kinds(await RESET.inject(session, NONE, records), records) == ["pending"] * 2
    gcp.complete_transitions()
    assert kinds(await RESET.observe(session, records), records) == ["present"] * 2


async def test_a_reset_that_failed_late_is_told(
    session: GcpSession, launch: Launch, gcp: GcpEmulator
) -> None:
    records = records_of(RESET, launch())
    await RESET.prepare(session, NONE, records)
    gcp.fail_late(operation="instances.reset", error="RESET_FAILED")
    await RESET.inject(session, NONE, records)
    gcp.complete_transitions()
    seen = await RESET.observe(session, records)
    assert kinds(seen, records) == ["failed"]
    assert "RESET_FAILED" in reasons(seen, records)[0]


async def test_only_running_instances_are_reset(session: GcpSession, gcp: GcpEmulator) -> None:
    records = records_of(RESET, [gcp.add_instance("off", status="TERMINATED")])
    outcomes = await RESET.prepare(session, NONE, records)
    assert kinds(outcomes, records) == ["rejected"]
    assert "the instance is TERMINATED" in reasons(outcomes, records)[0]
