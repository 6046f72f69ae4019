"""Start, stop, suspend, resume, reset, delete: states, what is refused, what is a no-op."""

from __future__ import annotations

from typing import Any

import pytest
from google.api_core import exceptions

from bridge.sandbox.gcp import GcpEmulator, VirtualClock
from tests.gcp_emulator.conftest import Client, Life


def _asked(client: Client, where: dict[str, str], method: str, **more: Any) -> Any:
    return getattr(client("Instances"), f"{method}_unary")(instance="vm", **where, **more)


@pytest.mark.parametrize(
    ("method", "before", "through", "after"),
    [
        ("stop", "RUNNING", "STOPPING", "TERMINATED"),
        ("stop", "SUSPENDED", "STOPPING", "TERMINATED"),
        ("start", "TERMINATED", "PROVISIONING", "RUNNING"),
        ("suspend", "RUNNING", "SUSPENDING", "SUSPENDED"),
        ("resume", "SUSPENDED", "PROVISIONING", "RUNNING"),
        ("reset", "RUNNING", "RUNNING", "RUNNING"),
        ("stop", "TERMINATED", "TERMINATED", "TERMINATED"),
        ("start", "RUNNING", "RUNNING", "RUNNING"),
    ],
)
def test_change_takes_its_time(  # noqa: PLR0917 - a table's columns beside the fixtures
    gcp: GcpEmulator,
    client: Client,
    where: dict[str, str],
    done: Life,
    method: str,
    before: str,
    through: str,
    after: str,
) -> None:
    gcp.add_instance("vm", status=before)
    operation = _asked(client, where, method)
    assert gcp.instance("vm")["status"] == through
    ended = done(operation)
    assert (ended.status.name, ended.error.errors, ended.progress) == ("DONE", [], 100)
    assert client("Instances").get(instance="vm", **where).status == after


@pytest.mark.parametrize(
    ("method", "status"),
    [
        ("start", "SUSPENDED"),
        ("start", "STOPPING"),
        ("stop", "STAGING"),
        ("suspend", "TERMINATED"),
        ("suspend", "SUSPENDED"),
        ("resume", "RUNNING"),
        ("resume", "TERMINATED"),
        ("reset", "TERMINATED"),
        ("reset", "SUSPENDED"),
    ],
)
def test_wrong_state_is_refused_and_changes_nothing(
    gcp: GcpEmulator, client: Client, where: dict[str, str], method: str, status: str
) -> None:
    gcp.add_instance("vm", status=status)
    with pytest.raises(exceptions.BadRequest, match="is not ready") as refused:
        _asked(client, where, method)
    assert refused.value.errors[0]["reason"] == "resourceNotReady"
    assert gcp.instance("vm")["status"] == status


def test_starting_passes_through_staging(
    gcp: GcpEmulator, client: Client, where: dict[str, str], clock: VirtualClock
) -> None:
    gcp.add_instance("vm", status="TERMINATED")
    _asked(client, where, "start")
    clock.advance(0.6)
    assert gcp.instance("vm")["status"] == "STAGING"


def test_second_stop_while_stopping_is_accepted(
    gcp: GcpEmulator, client: Client, where: dict[str, str], done: Life
) -> None:
    gcp.add_instance("vm")
    first, second = _asked(client, where, "stop"), _asked(client, where, "stop")
    assert first.name != second.name
    assert done(second).status.name == "DONE"
    assert gcp.instance("vm")["status"] == "TERMINATED"


def test_local_ssd_asks_what_becomes_of_it(
    gcp: GcpEmulator, client: Client, where: dict[str, str], done: Life
) -> None:
    gcp.add_instance("vm", local_ssd=True)
    with pytest.raises(exceptions.BadRequest, match="discardLocalSsd"):
        _asked(client, where, "stop")
    request = {"instance": "vm", "discard_local_ssd": True, **where}
    done(client("Instances").stop_unary(request))
    assert gcp.instance("vm")["status"] == "TERMINATED"


def test_instance_without_boot_disk_does_not_start(
    gcp: GcpEmulator, client: Client, where: dict[str, str], done: Life
) -> None:
    gcp.add_instance("vm", status="TERMINATED")
    done(
        client("Instances").detach_disk_unary(
            instance="vm", device_name="persistent-disk-0", **where
        )
    )
    with pytest.raises(exceptions.BadRequest, match="not ready"):
        _asked(client, where, "start")


def test_delete_takes_along_the_disks_that_are_to_go(
    gcp: GcpEmulator, client: Client, where: dict[str, str], done: Life
) -> None:
    gcp.add_instance("vm")
    gcp.add_disk("stays", instance="vm")
    operation = _asked(client, where, "delete")
    assert gcp.names("instances") == ["vm"]
    assert done(operation).error.errors == []
    assert gcp.names("instances") == []
    assert gcp.names("disks") == ["stays"]
    assert "users" not in gcp.disk("stays")


def test_unknown_instance_is_404(gcp: GcpEmulator, client: Client, where: dict[str, str]) -> None:
    with pytest.raises(exceptions.NotFound, match="zones/us-central1-a/instances/vm' was not"):
        _asked(client, where, "stop")


def test_what_is_not_emulated_says_so(
    gcp: GcpEmulator, client: Client, where: dict[str, str]
) -> None:
    gcp.add_instance("vm")
    with pytest.raises(exceptions.MethodNotImplemented, match=r"instances\.setMachineType"):
        _asked(client, where, "set_machine_type", instances_set_machine_type_request_resource={})
    with pytest.raises(exceptions.BadRequest, match="orderBy"):
        list(client("Instances").list({"order_by": "creationTimestamp desc", **where}))
