"""What the emulator can be told to do wrong, as the SDK meets it."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import requests
from google.api_core import exceptions

from bridge.sandbox.gcp import GcpEmulator
from tests.gcp_emulator.conftest import Client, Life


@pytest.fixture
def stop(gcp: GcpEmulator, client: Client, where: dict[str, str]) -> Any:
    """Stop the instance ``vm``, which runs."""
    gcp.add_instance("vm")

    def stop() -> Any:
        return client("Instances").stop_unary(instance="vm", **where)

    return stop


def test_fail_answers_an_error_in_googles_shape(gcp: GcpEmulator, stop: Any) -> None:
    gcp.fail(operation="instances.stop", error="backendError", message="Told to.", status=503)
    with pytest.raises(exceptions.ServiceUnavailable, match="Told to") as failed:
        stop()
    assert failed.value.errors[0]["reason"] == "backendError"
    assert gcp.instance("vm")["status"] == "RUNNING"
    stop()
    assert gcp.instance("vm")["status"] == "STOPPING"


def test_throttle_is_429_without_effect(gcp: GcpEmulator, stop: Any) -> None:
    gcp.throttle(service="compute")
    with pytest.raises(exceptions.TooManyRequests) as throttled:
        stop()
    assert throttled.value.errors[0] == {
        "message": throttled.value.errors[0]["message"],
        "domain": "usageLimits",
        "reason": "rateLimitExceeded",
    }
    assert gcp.instance("vm")["status"] == "RUNNING"


def test_lost_reply_has_its_effect(gcp: GcpEmulator, stop: Any) -> None:
    gcp.lose_reply(operation="instances.stop")
    with pytest.raises((requests.ConnectionError, exceptions.GoogleAPICallError)):
        stop()
    assert gcp.instance("vm")["status"] == "STOPPING"
    assert gcp.calls[-1].status == 0


def test_delay_is_answered_late(gcp: GcpEmulator, stop: Any) -> None:
    gcp.delay(seconds=0.05, operation="instances.stop")
    stop()
    assert gcp.calls[-1].total >= 0.05


def test_hanging_call_ends_without_effect(gcp: GcpEmulator, stop: Any) -> None:
    gcp.hang(operation="instances.stop")
    failed: list[Exception] = []

    def wait() -> None:
        try:
            stop()
        except (requests.ConnectionError, exceptions.GoogleAPICallError) as error:
            failed.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    thread.join(0.1)
    assert thread.is_alive()
    gcp.behave()
    thread.join(5)
    assert len(failed) == 1
    assert gcp.instance("vm")["status"] == "RUNNING"


@pytest.mark.parametrize(
    ("method", "before"),
    [
        ("stop", "RUNNING"),
        ("start", "TERMINATED"),
        ("suspend", "RUNNING"),
        ("resume", "SUSPENDED"),
        ("delete", "RUNNING"),
    ],
)
def test_change_that_fails_late_goes_back(  # noqa: PLR0917 - a table's columns beside the fixtures
    gcp: GcpEmulator, client: Client, where: dict[str, str], done: Life, method: str, before: str
) -> None:
    gcp.add_instance("vm", status=before)
    gcp.fail_late(operation=f"instances.{method}", error="ZONE_RESOURCE_POOL_EXHAUSTED")
    operation = getattr(client("Instances"), f"{method}_unary")(instance="vm", **where)
    assert operation.error.errors == []
    ended = done(operation)
    assert ended.status.name == "DONE"
    assert [error.code for error in ended.error.errors] == ["ZONE_RESOURCE_POOL_EXHAUSTED"]
    assert (ended.http_error_status_code, ended.http_error_message) == (
        500,
        "INTERNAL SERVER ERROR",
    )
    assert gcp.instance("vm")["status"] == before


def test_disk_and_firewall_changes_fail_late(
    gcp: GcpEmulator, client: Client, where: dict[str, str], done: Life
) -> None:
    gcp.add_instance("vm")
    gcp.add_disk("data", instance="vm")
    before = gcp.instance("vm")
    gcp.fail_late(service="compute", times=3)
    detach = client("Instances").detach_disk_unary(instance="vm", device_name="data", **where)
    tags = client("Instances").set_tags_unary(
        instance="vm",
        tags_resource={"items": ["x"], "fingerprint": before["tags"]["fingerprint"]},
        **where,
    )
    client("Firewalls").insert_unary(
        project=gcp.project,
        firewall_resource={"name": "deny", "denied": [{"I_p_protocol": "all"}]},
    )
    assert done(detach).error.errors
    assert done(tags).error.errors
    assert gcp.instance("vm") == before
    assert gcp.names("firewalls") == []


def test_vanished_instance_is_gone_when_asked_for(gcp: GcpEmulator, stop: Any) -> None:
    gcp.vanish(operation="instances.stop")
    with pytest.raises(exceptions.NotFound):
        stop()
    assert gcp.names("instances") == []


def test_vanish_takes_all_that_is_named(
    gcp: GcpEmulator, client: Client, where: dict[str, str]
) -> None:
    instances = client("Instances")
    gcp.add_instance("vm")
    gcp.add_disk("data")
    gcp.add_instance("holder")
    gcp.add_disk("held", instance="holder")
    gcp.add_group("web")
    member = gcp.instance(gcp.group_instances("web")[0])["selfLink"]
    gcp.vanish(service="compute", times=3)
    with pytest.raises(exceptions.NotFound):
        instances.attach_disk_unary(
            instance="vm", attached_disk_resource={"source": gcp.disk("data")["selfLink"]}, **where
        )
    with pytest.raises(exceptions.NotFound):
        instances.detach_disk_unary(instance="holder", device_name="held", **where)
    with pytest.raises(exceptions.NotFound):
        client("InstanceGroupManagers").recreate_instances_unary(
            instance_group_manager="web",
            instance_group_managers_recreate_instances_request_resource={"instances": [member]},
            **where,
        )
    assert list(gcp.snapshot()) == ["networks"]


def test_vanish_takes_nothing_where_nothing_is_named(
    gcp: GcpEmulator, client: Client, where: dict[str, str]
) -> None:
    gcp.add_instance("vm")
    gcp.vanish(operation="instances.list")
    assert [each.name for each in client("Instances").list(**where)] == ["vm"]


def test_removed_disk_leaves_its_instance(gcp: GcpEmulator) -> None:
    gcp.add_instance("vm")
    gcp.add_disk("data", instance="vm")
    gcp.remove_disk("data")
    assert [disk["deviceName"] for disk in gcp.instance("vm")["disks"]] == ["persistent-disk-0"]


def test_misbehaviour_can_be_asked_for_over_http(gcp: GcpEmulator, stop: Any) -> None:
    requests.post(
        f"{gcp.url}/_faultbridge/faults",
        json={"kind": "throttle", "operation": "instances.stop"},
        timeout=10,
    )
    with pytest.raises(exceptions.TooManyRequests):
        stop()
