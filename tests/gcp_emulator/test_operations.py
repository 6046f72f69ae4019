"""What a change answers, how its operation proceeds, and that a repeated request does nothing."""

from __future__ import annotations

import uuid

import pytest
from google.api_core import exceptions

from bridge.sandbox.gcp import GcpEmulator, VirtualClock
from tests.gcp_emulator.conftest import Client, Life


def test_operation_proceeds_with_the_clock(
    gcp: GcpEmulator, client: Client, where: dict[str, str], clock: VirtualClock
) -> None:
    gcp.add_instance("vm")
    operation = client("Instances").stop_unary(instance="vm", **where)
    seen = []
    for _ in range(4):
        now = client("ZoneOperations").get(operation=operation.name, **where)
        seen.append((now.status.name, now.progress, bool(now.start_time), bool(now.end_time)))
        clock.advance(0.4)
    assert seen == [
        ("PENDING", 0, False, False),
        ("RUNNING", 40, True, False),
        ("RUNNING", 80, True, False),
        ("DONE", 100, True, True),
    ]


def test_operation_tells_what_it_is_about(
    gcp: GcpEmulator, client: Client, where: dict[str, str]
) -> None:
    gcp.add_instance("vm")
    number, request_id = gcp.instance("vm")["id"], str(uuid.uuid4())
    operation = client("Instances").stop_unary(
        {"instance": "vm", "request_id": request_id, **where}
    )
    assert operation.operation_type == "stop"
    assert operation.target_link == gcp.instance("vm")["selfLink"]
    assert str(operation.target_id) == number
    assert operation.user == gcp.owner
    assert operation.client_operation_id == request_id
    assert operation.zone.endswith("/zones/us-central1-a")
    listed = list(client("ZoneOperations").list(**where))
    assert [each.name for each in listed] == [operation.name]
    assert [each["name"] for each in gcp.operations()] == [operation.name]


def test_extended_operation_of_the_sdk_ends(
    gcp: GcpEmulator, client: Client, where: dict[str, str], clock: VirtualClock
) -> None:
    """``done`` asks the configured endpoint once the poller is ours."""
    gcp.add_instance("vm")
    instances = client("Instances")
    instances.transport._extended_operations_services["zone_operations"] = client("ZoneOperations")
    operation = instances.stop(instance="vm", **where)
    assert not operation.done()
    clock.advance(1)
    assert operation.done()


def test_same_request_id_does_nothing_twice(
    gcp: GcpEmulator, client: Client, where: dict[str, str], clock: VirtualClock, done: Life
) -> None:
    gcp.add_instance("vm")
    request = dict(instance="vm", request_id=str(uuid.uuid4()), **where)
    stop = client("Instances").stop_unary
    first = stop(request)
    done(first)
    done(client("Instances").start_unary(instance="vm", **where))
    again = stop(request)
    assert (again.name, again.status.name) == (first.name, "DONE")
    assert gcp.instance("vm")["status"] == "RUNNING"
    with pytest.raises(exceptions.BadRequest, match="another request"):
        client("Instances").reset_unary(
            {"instance": "vm", "request_id": request["request_id"], **where}
        )
    clock.advance(60 * 60)
    assert stop(request).name != first.name
    assert gcp.instance("vm")["status"] == "STOPPING"


@pytest.mark.parametrize("bad", ["once", "00000000-0000-0000-0000-000000000000"])
def test_request_id_must_be_a_uuid(
    gcp: GcpEmulator, client: Client, where: dict[str, str], bad: str
) -> None:
    gcp.add_instance("vm")
    with pytest.raises(exceptions.BadRequest, match="requestId"):
        client("Instances").stop_unary({"instance": "vm", "request_id": bad, **where})
    assert gcp.instance("vm")["status"] == "RUNNING"


def test_unknown_operation_is_404(gcp: GcpEmulator, client: Client, where: dict[str, str]) -> None:
    with pytest.raises(exceptions.NotFound):
        client("ZoneOperations").get(operation="operation-1", **where)


def test_target_that_goes_meanwhile_fails_the_operation(
    gcp: GcpEmulator, client: Client, where: dict[str, str], done: Life
) -> None:
    gcp.add_instance("vm")
    operation = client("Instances").stop_unary(instance="vm", **where)
    gcp.remove_instance("vm")
    ended = done(operation)
    assert [error.code for error in ended.error.errors] == ["RESOURCE_NOT_FOUND"]
    assert (ended.status.name, ended.http_error_status_code) == ("DONE", 404)


def test_transitions_can_be_completed_at_once(
    gcp: GcpEmulator, client: Client, where: dict[str, str]
) -> None:
    gcp.add_instance("vm")
    operation = client("Instances").stop_unary(instance="vm", **where)
    gcp.complete_transitions()
    assert gcp.instance("vm")["status"] == "TERMINATED"
    assert client("ZoneOperations").get(operation=operation.name, **where).status.name == "DONE"
