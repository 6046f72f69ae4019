"""Attaching and detaching: what is kept, what is refused, and what one disk has for users."""

from __future__ import annotations

from typing import Any

import pytest
from google.api_core import exceptions

from bridge.sandbox.gcp import GcpEmulator
from tests.gcp_emulator.conftest import Client, Life


def _attach(client: Client, where: dict[str, str], instance: str = "vm", **settings: Any) -> Any:
    return client("Instances").attach_disk_unary(
        instance=instance, attached_disk_resource=settings, **where
    )


def _detach(client: Client, where: dict[str, str], name: str, instance: str = "vm") -> Any:
    return client("Instances").detach_disk_unary(instance=instance, device_name=name, **where)


def test_detached_and_attached_again_is_as_before(
    gcp: GcpEmulator, client: Client, where: dict[str, str], done: Life
) -> None:
    gcp.add_instance("vm")
    for name, more in (("one", {"auto_delete": True}), ("two", {"interface": "NVME"})):
        gcp.add_disk(name, instance="vm", device_name=f"data-{name}", **more)
    before = gcp.instance("vm")["disks"]
    kept = client("Instances").get(instance="vm", **where).disks[1]
    operation = _detach(client, where, "data-one")
    assert gcp.instance("vm")["disks"] == before
    done(operation)
    assert [disk["deviceName"] for disk in gcp.instance("vm")["disks"]] == [
        "persistent-disk-0",
        "data-two",
    ]
    assert "users" not in gcp.disk("one")
    again = client("Instances").attach_disk_unary(
        instance="vm", attached_disk_resource=kept, **where
    )
    assert done(again).error.errors == []
    assert gcp.instance("vm")["disks"] == before
    assert gcp.disk("one")["users"] == [gcp.instance("vm")["selfLink"]]


def test_attachment_has_the_documented_defaults(
    gcp: GcpEmulator, client: Client, where: dict[str, str], done: Life
) -> None:
    gcp.add_instance("vm")
    gcp.add_disk("data")
    done(_attach(client, where, source="zones/us-central1-a/disks/data"))
    assert gcp.instance("vm")["disks"][1] == {
        "kind": "compute#attachedDisk",
        "type": "PERSISTENT",
        "mode": "READ_WRITE",
        "source": gcp.disk("data")["selfLink"],
        "deviceName": "persistent-disk-1",
        "index": 1,
        "boot": False,
        "autoDelete": False,
        "interface": "SCSI",
        "diskSizeGb": "20",
    }


def test_disk_in_use_is_not_attached_elsewhere(
    gcp: GcpEmulator, client: Client, where: dict[str, str]
) -> None:
    gcp.add_instance("vm")
    gcp.add_instance("holder")
    gcp.add_disk("data", instance="holder")
    for mode in ("READ_WRITE", "READ_ONLY"):
        with pytest.raises(exceptions.BadRequest, match="already being used by") as refused:
            _attach(client, where, source=gcp.disk("data")["selfLink"], mode=mode)
        assert refused.value.errors[0]["reason"] == "resourceInUseByAnotherResource"
    with pytest.raises(exceptions.BadRequest, match="already being used by"):
        client("Disks").delete_unary(disk="data", **where)


def test_read_only_disk_is_shared(
    gcp: GcpEmulator, client: Client, where: dict[str, str], done: Life
) -> None:
    gcp.add_instance("vm")
    gcp.add_instance("holder")
    gcp.add_disk("data", instance="holder", mode="READ_ONLY")
    done(_attach(client, where, source=gcp.disk("data")["selfLink"], mode="READ_ONLY"))
    assert len(gcp.disk("data")["users"]) == 2
    done(_detach(client, where, "data", "holder"))
    assert gcp.disk("data")["users"] == [gcp.instance("vm")["selfLink"]]


def test_of_two_attachments_at_once_the_second_fails_late(
    gcp: GcpEmulator, client: Client, where: dict[str, str], done: Life
) -> None:
    gcp.add_instance("vm")
    gcp.add_instance("other")
    gcp.add_disk("data")
    source = gcp.disk("data")["selfLink"]
    first = _attach(client, where, source=source)
    second = _attach(client, where, "other", source=source)
    assert done(first).error.errors == []
    codes = [error.code for error in done(second).error.errors]
    assert codes == ["RESOURCE_IN_USE_BY_ANOTHER_RESOURCE"]
    assert len(gcp.instance("other")["disks"]) == 1


def test_boot_disk_leaves_only_a_stopped_instance(
    gcp: GcpEmulator, client: Client, where: dict[str, str], done: Life
) -> None:
    gcp.add_instance("vm")
    with pytest.raises(exceptions.BadRequest, match="boot disk"):
        _detach(client, where, "persistent-disk-0")
    done(client("Instances").stop_unary(instance="vm", **where))
    done(_detach(client, where, "persistent-disk-0"))
    assert gcp.instance("vm")["disks"] == []
    source = gcp.disk("vm")["selfLink"]
    done(_attach(client, where, source=source, boot=True, auto_delete=True))
    done(client("Instances").start_unary(instance="vm", **where))
    assert gcp.instance("vm")["status"] == "RUNNING"


def test_unknown_device_disk_and_zone_are_refused(
    gcp: GcpEmulator, client: Client, where: dict[str, str]
) -> None:
    gcp.add_instance("vm")
    gcp.add_disk("data", instance="vm")
    gcp.add_disk("spare")
    gcp.add_disk("far", zone="us-central1-b")
    with pytest.raises(exceptions.BadRequest, match="No attached disk found with device name"):
        _detach(client, where, "nothing")
    with pytest.raises(exceptions.BadRequest, match="same zone"):
        _attach(client, where, source=gcp.disk("far")["selfLink"])
    with pytest.raises(exceptions.NotFound, match="disks/none"):
        _attach(client, where, source="zones/us-central1-a/disks/none")
    with pytest.raises(exceptions.BadRequest, match="malformed"):
        _attach(client, where, source="spare")
    source = gcp.disk("spare")["selfLink"]
    with pytest.raises(exceptions.BadRequest, match="already in use"):
        _attach(client, where, source=source, device_name="data")
    with pytest.raises(exceptions.MethodNotImplemented, match="initializeParams"):
        _attach(client, where, source=source, initialize_params={"disk_name": "x"})


def test_auto_delete_is_set_by_device_name(
    gcp: GcpEmulator, client: Client, where: dict[str, str], done: Life
) -> None:
    gcp.add_instance("vm")
    gcp.add_disk("data", instance="vm", device_name="d")
    operation = client("Instances").set_disk_auto_delete_unary(
        instance="vm", device_name="d", auto_delete=True, **where
    )
    assert gcp.instance("vm")["disks"][1]["autoDelete"] is False
    done(operation)
    assert gcp.instance("vm")["disks"][1]["autoDelete"] is True


def test_unused_disk_is_deleted(
    gcp: GcpEmulator, client: Client, where: dict[str, str], done: Life
) -> None:
    gcp.add_disk("data")
    operation = client("Disks").delete_unary(disk="data", **where)
    assert client("Disks").get(disk="data", **where).status == "DELETING"
    done(operation)
    assert gcp.names("disks") == []
