"""StopInstances: stopped, seen, started again; and what is left, refused or gone."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from bridge.sandbox.gcp import GcpEmulator, VirtualClock
from providers.contract import FenceLostError, Guard, Timing, Undo
from providers.gcp.instances import StopInstances
from providers.gcp.session import GcpSession
from providers.refusals import DeniedError
from tests.gcp_faults.conftest import Calls, Launch, OpenSession
from tests.gcp_faults.records import kinds, reasons, records_of, resources_of

FAULT = StopInstances()
NONE = FAULT.Parameters()


def states(gcp: GcpEmulator) -> set[str]:
    return {gcp.instance(name)["status"] for name in gcp.names("instances")}


def test_parameters_read_as_in_fis() -> None:
    given = {"startInstancesAfterDuration": "PT5M", "discardLocalSsd": "true"}
    parameters = FAULT.Parameters.model_validate(given)
    assert FAULT.timing(parameters) == Timing.lasts(timedelta(minutes=5))
    assert FAULT.undo(parameters) is Undo.RESTORES
    assert parameters.discard_local_ssd is True
    assert (FAULT.timing(NONE), FAULT.undo(NONE)) == (Timing.instant(), Undo.LASTING)
    with pytest.raises(ValueError, match='neither "true" nor "false"'):
        FAULT.Parameters.model_validate({"discardLocalSsd": "yes"})


async def test_a_hundred_instances_are_read_in_one_call_and_changed_in_one_each(
    session: GcpSession, launch: Launch, gcp: GcpEmulator, calls: Calls
) -> None:
    records = records_of(FAULT, launch(100))
    calls()
    assert set(kinds(await FAULT.prepare(session, NONE, records), records)) == {"done"}
    assert set(kinds(await FAULT.inject(session, NONE, records), records)) == {"pending"}
    assert Counter(calls()) == {"instances.list": 1, "instances.stop": 100}
    assert set(kinds(await FAULT.observe(session, records), records)) == {"applying"}
    gcp.complete_transitions()
    assert set(kinds(await FAULT.observe(session, records), records)) == {"present"}
    assert states(gcp) == {"TERMINATED"}
    assert calls() == ["instances.list"] * 2

    assert set(kinds(await FAULT.revert(session, records), records)) == {"pending"}
    assert Counter(calls()) == {"instances.list": 1, "instances.start": 100}
    assert set(kinds(await FAULT.observe(session, records), records)) == {"lifting"}
    gcp.complete_transitions()
    calls()
    assert set(kinds(await FAULT.revert(session, records), records)) == {"done"}
    assert calls() == ["instances.list"]
    assert states(gcp) == {"RUNNING"}


async def test_every_step_may_be_repeated(
    session: GcpSession, launch: Launch, gcp: GcpEmulator, calls: Calls
) -> None:
    records = records_of(FAULT, launch())
    for _ in range(2):
        assert kinds(await FAULT.prepare(session, NONE, records), records) == ["done"]
    for _ in range(2):
        assert kinds(await FAULT.inject(session, NONE, records), records) == ["pending"]
    gcp.complete_transitions()
    assert kinds(await FAULT.inject(session, NONE, records), records) == ["pending"]
    calls()
    for _ in range(2):
        assert kinds(await FAULT.revert(session, records), records) == ["pending"]
    gcp.complete_transitions()
    for _ in range(2):
        assert kinds(await FAULT.revert(session, records), records) == ["done"]
    assert calls("instances.start") == ["instances.start"]
    assert states(gcp) == {"RUNNING"}


async def test_a_late_repeat_of_the_injection_stops_nothing_again(
    session: GcpSession, launch: Launch, gcp: GcpEmulator
) -> None:
    records = records_of(FAULT, launch())
    await FAULT.prepare(session, NONE, records)
    await FAULT.inject(session, NONE, records)
    gcp.complete_transitions()
    await FAULT.revert(session, records)
    gcp.complete_transitions()
    await FAULT.inject(session, NONE, records)  # by a worker that was frozen until now
    gcp.complete_transitions()
    assert states(gcp) == {"RUNNING"}


async def test_what_was_stopped_before_is_left_stopped(
    session: GcpSession, gcp: GcpEmulator
) -> None:
    names = [gcp.add_instance("off", status="TERMINATED"), gcp.add_instance("on")]
    away = records_of(FAULT, names[1:], action="before")
    await FAULT.prepare(session, NONE, away)
    await FAULT.inject(session, NONE, away)
    records = records_of(FAULT, names)
    assert kinds(await FAULT.prepare(session, NONE, records), records) == ["left", "left"]
    gcp.complete_transitions()
    assert kinds(await FAULT.revert(session, records), records) == ["done", "done"]
    assert states(gcp) == {"TERMINATED"}


async def test_what_cannot_be_brought_up_again_is_refused_with_the_mend(
    session: GcpSession, gcp: GcpEmulator
) -> None:
    names = [
        gcp.add_instance("young", status="STAGING"),
        gcp.add_instance("fast", local_ssd=True),
        gcp.add_instance("asleep", status="SUSPENDED"),
        gcp.add_instance("gone"),
    ]
    gcp.remove_instance("gone")
    records = records_of(FAULT, names)
    outcomes = await FAULT.prepare(session, NONE, records)
    assert kinds(outcomes, records) == ["rejected", "rejected", "rejected", "gone"]
    assert "status = RUNNING" in reasons(outcomes, records)[0]
    assert "set discardLocalSsd" in reasons(outcomes, records)[1]


@pytest.mark.parametrize("discard", ["true", "false"])
async def test_local_ssds_are_given_up_or_kept_as_the_template_says(
    session: GcpSession, gcp: GcpEmulator, discard: str
) -> None:
    parameters = FAULT.Parameters.model_validate({"discardLocalSsd": discard})
    records = records_of(FAULT, [gcp.add_instance("fast", local_ssd=True)])
    assert kinds(await FAULT.prepare(session, parameters, records), records) == ["done"]
    assert kinds(await FAULT.inject(session, parameters, records), records) == ["pending"]


async def test_a_key_that_the_bridge_has_not_is_refused(
    session: GcpSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def call(*_: Any, **__: Any) -> dict[str, Any]:
        key = {"sha256": "abc"}
        return {"status": "RUNNING", "disks": [{"deviceName": "d", "diskEncryptionKey": key}]}

    monkeypatch.setattr(GcpSession, "call", call)
    name = "//compute.googleapis.com/projects/p/zones/z/instances/i"
    records = records_of(FAULT, [name])
    outcomes = await FAULT.prepare(session, NONE, records)
    assert kinds(outcomes, records) == ["rejected"]
    assert "a key that you supply" in reasons(outcomes, records)[0]


async def test_one_that_is_gone_does_not_hold_up_the_others(
    session: GcpSession, launch: Launch, gcp: GcpEmulator
) -> None:
    names = launch(100)
    records = records_of(FAULT, names)
    await FAULT.prepare(session, NONE, records)
    gcp.remove_instance("worker-007")
    outcomes = await FAULT.inject(session, NONE, records)
    assert Counter(kinds(outcomes, records)) == {"pending": 99, "gone": 1}
    gcp.complete_transitions()
    gcp.remove_instance("worker-042")
    assert Counter(kinds(await FAULT.observe(session, records), records)) == {
        "present": 98,
        "gone": 2,
    }
    assert Counter(kinds(await FAULT.revert(session, records), records)) == {
        "pending": 98,
        "gone": 2,
    }
    gcp.complete_transitions()
    assert states(gcp) == {"RUNNING"}


async def test_a_project_that_cannot_be_read_does_not_hold_up_another(
    session: GcpSession, launch: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = "//compute.googleapis.com/projects/elsewhere/zones/us-central1-a/instances/i"
    records = records_of(FAULT, [*launch(2), elsewhere])
    await FAULT.prepare(session, NONE, records[:2])
    real = GcpSession.call

    async def call(self: GcpSession, kind: str, method: str, **given: Any) -> dict[str, Any]:
        if given["project"] == "elsewhere":
            raise DeniedError("No.")
        return await real(self, kind, method, **given)

    monkeypatch.setattr(GcpSession, "call", call)
    assert set(await FAULT.observe(session, records)) == {one.id for one in records[:2]}
    assert set(await FAULT.revert(session, records)) == {one.id for one in records[:2]}
    with pytest.raises(DeniedError):
        await FAULT.observe(session, records[2:])


async def test_failed_late_is_told_with_googles_words(
    session: GcpSession, launch: Launch, gcp: GcpEmulator
) -> None:
    records = records_of(FAULT, launch(2))
    await FAULT.prepare(session, NONE, records)
    gcp.fail_late(operation="instances.stop", error="STOP_FAILED", message="It would not.")
    await FAULT.inject(session, NONE, records)
    gcp.complete_transitions()
    seen = await FAULT.observe(session, records)
    assert sorted(kinds(seen, records)) == ["failed", "present"]
    assert "the stop failed: It would not. (STOP_FAILED)" in reasons(seen, records)
    assert sorted(kinds(await FAULT.revert(session, records), records)) == ["done", "pending"]


async def test_a_start_that_failed_late_is_made_again_under_another_id(
    session: GcpSession, launch: Launch, gcp: GcpEmulator, calls: Calls
) -> None:
    records = records_of(FAULT, launch())
    await FAULT.prepare(session, NONE, records)
    await FAULT.inject(session, NONE, records)
    gcp.complete_transitions()
    gcp.fail_late(operation="instances.start", error="ZONE_RESOURCE_POOL_EXHAUSTED")
    assert kinds(await FAULT.revert(session, records), records) == ["pending"]
    gcp.complete_transitions()
    outcomes = await FAULT.revert(session, records)
    assert kinds(outcomes, records) == ["unknown"]
    assert "ZONE_RESOURCE_POOL_EXHAUSTED" in reasons(outcomes, records)[0]
    assert kinds(await FAULT.revert(session, records), records) == ["pending"]
    gcp.complete_transitions()
    assert states(gcp) == {"RUNNING"}


@pytest.mark.usefixtures("few_attempts")
async def test_a_lost_reply_is_noticed_and_its_repeat_is_the_same_request(
    session: GcpSession, launch: Launch, gcp: GcpEmulator
) -> None:
    records = records_of(FAULT, launch())
    await FAULT.prepare(session, NONE, records)
    gcp.lose_reply(operation="instances.stop")
    outcomes = await FAULT.inject(session, NONE, records)
    assert kinds(outcomes, records) == ["unknown"]
    assert "did not answer compute.instances.stop" in reasons(outcomes, records)[0]
    assert kinds(await FAULT.observe(session, records), records) == ["applying"]
    assert kinds(await FAULT.inject(session, NONE, records), records) == ["pending"]
    gcp.complete_transitions()
    assert kinds(await FAULT.observe(session, records), records) == ["present"]


async def test_the_sdk_repeats_a_call_whose_reply_was_lost_without_a_second_effect(
    session: GcpSession, launch: Launch, gcp: GcpEmulator, calls: Calls
) -> None:
    records = records_of(FAULT, launch())
    await FAULT.prepare(session, NONE, records)
    calls()
    gcp.lose_reply(operation="instances.stop")
    assert kinds(await FAULT.inject(session, NONE, records), records) == ["pending"]
    assert calls("instances.stop") == ["instances.stop"] * 2


async def test_a_failing_cloud_is_asked_again(
    session: GcpSession, launch: Launch, gcp: GcpEmulator, calls: Calls
) -> None:
    records = records_of(FAULT, launch())
    await FAULT.prepare(session, NONE, records)
    calls()
    for error, status in (("backendError", 503), ("internalError", 500), ("badGateway", 502)):
        gcp.fail(operation="instances.stop", error=error, status=status)
    assert kinds(await FAULT.inject(session, NONE, records), records) == ["pending"]
    assert len(calls("instances.stop")) == 4


async def test_a_throttling_cloud_is_asked_again(
    session: GcpSession, launch: Launch, gcp: GcpEmulator, calls: Calls
) -> None:
    records = records_of(FAULT, launch())
    gcp.throttle(operation="instances.get", times=2)
    await FAULT.prepare(session, NONE, records)
    calls()
    message = "Rate Limit Exceeded"
    gcp.fail(operation="instances.stop", error="rateLimitExceeded", status=403, message=message)
    assert kinds(await FAULT.inject(session, NONE, records), records) == ["pending"]
    assert len(calls("instances.stop")) == 2


async def test_an_undo_before_the_stop_shows_waits_for_it(
    session: GcpSession, launch: Launch, gcp: GcpEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = records_of(FAULT, launch())
    await FAULT.prepare(session, NONE, records)
    await FAULT.inject(session, NONE, records)
    real = GcpSession.call

    async def behind(self: GcpSession, kind: str, method: str, *rest: Any, **more: Any) -> Any:
        answer = await real(self, kind, method, *rest, **more)
        return {**answer, "status": "RUNNING"} if (kind, method) == ("instances", "get") else answer

    with monkeypatch.context() as patch:
        patch.setattr(GcpSession, "call", behind)
        assert kinds(await FAULT.observe(session, records), records) == ["applying"]
        assert kinds(await FAULT.revert(session, records), records) == ["pending"]
    gcp.complete_transitions()
    assert kinds(await FAULT.revert(session, records), records) == ["pending"]
    gcp.complete_transitions()
    assert states(gcp) == {"RUNNING"}


async def test_one_that_somebody_stops_during_the_undo_is_started_again(
    session: GcpSession, launch: Launch, gcp: GcpEmulator, open_session: OpenSession
) -> None:
    records = records_of(FAULT, launch())
    await FAULT.prepare(session, NONE, records)
    await FAULT.inject(session, NONE, records)
    gcp.complete_transitions()
    await FAULT.revert(session, records)
    gcp.complete_transitions()
    other = records_of(FAULT, [records[0].resource], action="other")
    await FAULT.prepare(session, NONE, other)
    await FAULT.inject(session, NONE, other)
    gcp.complete_transitions()
    for _ in range(2):  # first it is looked at again: the start might have ended after the look
        assert kinds(await FAULT.revert(session, records), records) == ["pending"]
    gcp.complete_transitions()
    assert states(gcp) == {"RUNNING"}


async def test_after_the_lease_nothing_is_sent(
    open_session: OpenSession, launch: Launch, calls: Calls
) -> None:
    guard = Guard(Guard.clock() + 60)
    session = await open_session(guard)
    records = records_of(FAULT, launch())
    await FAULT.prepare(session, NONE, records)
    guard.deadline = Guard.clock() - 1
    calls()
    with pytest.raises(FenceLostError):
        await FAULT.inject(session, NONE, records)
    with pytest.raises(FenceLostError):
        await FAULT.revert(session, records)
    assert calls() == []


async def test_the_lease_is_checked_before_the_second_attempt_too(
    open_session: OpenSession, launch: Launch, gcp: GcpEmulator, calls: Calls
) -> None:
    class TwoChecks(Guard):
        checks = 0

        def check(self) -> None:
            self.checks += 1
            if self.checks > 1:
                raise FenceLostError

    session = await open_session(TwoChecks(0))
    records = records_of(FAULT, launch())
    gcp.fail(operation="instances.stop", error="internalError", status=500)
    with pytest.raises(FenceLostError):
        await FAULT.inject(session, NONE, records)
    assert calls("instances.stop") == ["instances.stop"]


async def test_the_right_to_start_is_asked_for_before_anything_is_stopped(
    session: GcpSession, launch: Launch, allow: Any, calls: Calls
) -> None:
    resources = resources_of(launch(3))
    calls()
    assert await FAULT.review(session, NONE, resources) == []
    assert calls() == ["instances.testIamPermissions"]
    account = allow("compute.instances.get", "compute.instances.stop")
    (denial,) = await FAULT.review(session, NONE, resources)
    assert f"the service account {account} may not compute.instances.start" in denial.reason
    assert "--permissions=compute.instances.start" in denial.mend
    assert f"--member=serviceAccount:{account}" in denial.mend


async def test_a_denied_call_names_the_permission_and_who_lacks_it(
    session: GcpSession, launch: Launch, allow: Any
) -> None:
    records = records_of(FAULT, launch())
    account = allow("compute.instances.get")
    outcomes = await FAULT.inject(session, NONE, records)
    assert kinds(outcomes, records) == ["rejected"]
    reason = reasons(outcomes, records)[0]
    assert reason.startswith("Not authorized to perform the required action: ")
    assert f"the service account {account} may not compute.instances.stop on projects/" in reason


async def test_after_an_hour_a_request_is_a_new_one_and_still_harmless(
    session: GcpSession, launch: Launch, gcp: GcpEmulator, clock: VirtualClock
) -> None:
    records = records_of(FAULT, launch())
    await FAULT.prepare(session, NONE, records)
    await FAULT.inject(session, NONE, records)
    gcp.complete_transitions()
    clock.advance(4000)
    assert kinds(await FAULT.inject(session, NONE, records), records) == ["pending"]
    gcp.complete_transitions()
    assert kinds(await FAULT.observe(session, records), records) == ["present"]
