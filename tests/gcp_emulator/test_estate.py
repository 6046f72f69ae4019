"""The estate: what is in it, and that it notices what is not as built."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bridge.sandbox.gcp import Estate, GcpEmulator, VirtualClock, build
from bridge.sandbox.gcp.estate import FAULT_PERMISSIONS
from providers import registry
from tests.gcp_emulator.conftest import Client


@pytest.fixture
def estate(gcp: GcpEmulator) -> Estate:
    return build(gcp)


def test_estate_is_as_described(gcp: GcpEmulator, estate: Estate) -> None:
    prefix = f"//compute.googleapis.com/projects/{gcp.project}/zones/us-central1-a"
    assert estate.instances["carts-worker-1"] == f"{prefix}/instances/carts-worker-1"
    assert estate.disks == {f"carts-data-{n}": f"{prefix}/disks/carts-data-{n}" for n in (1, 2)}
    assert estate.group_name == f"{prefix}/instanceGroupManagers/web"
    assert estate.service_account == f"chaos@{gcp.project}.iam.gserviceaccount.com"
    ready = [
        name
        for name in gcp.names("instances")
        if gcp.instance(name).get("labels", {}).get("chaos") == "ready"
    ]
    assert ready == [f"carts-worker-{n}" for n in (1, 2, 3, 4)]
    assert len(gcp.group_instances("web")) == 3
    assert estate.left_behind(gcp) == []


def test_estate_is_as_large_as_asked(gcp: GcpEmulator) -> None:
    assert len(build(gcp, workers=7).instances) == 8


CHANGES: dict[str, Callable[[Client, dict[str, str], GcpEmulator], Any]] = {
    "status": lambda client, where, gcp: client("Instances").stop_unary(
        instance="carts-worker-1", **where
    ),
    "disk data-1": lambda client, where, gcp: client("Instances").detach_disk_unary(
        instance="carts-worker-1", device_name="data-1", **where
    ),
    "'autoDelete': False": lambda client, where, gcp: client(
        "Instances"
    ).set_disk_auto_delete_unary(
        instance="carts-worker-1", device_name="data-1", auto_delete=False, **where
    ),
    "tags": lambda client, where, gcp: client("Instances").set_tags_unary(
        instance="carts-worker-1",
        tags_resource={
            "items": ["fb-cut"],
            "fingerprint": gcp.instance("carts-worker-1")["tags"]["fingerprint"],
        },
        **where,
    ),
    "label faultbridge-x": lambda client, where, gcp: client("Instances").set_labels_unary(
        instance="carts-worker-1",
        instances_set_labels_request_resource={
            "labels": {"faultbridge-x": "1"},
            "label_fingerprint": gcp.instance("carts-worker-1")["labelFingerprint"],
        },
        **where,
    ),
    "firewall deny": lambda client, where, gcp: client("Firewalls").insert_unary(
        project=gcp.project,
        firewall_resource={"name": "deny", "denied": [{"I_p_protocol": "all"}]},
    ),
    "target size": lambda client, where, gcp: client("InstanceGroupManagers").resize_unary(
        instance_group_manager="web", size=2, **where
    ),
    "carts-worker-1 is gone": lambda client, where, gcp: client("Instances").delete_unary(
        instance="carts-worker-1", **where
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_every_change_is_noticed(  # noqa: PLR0917 - a table's columns beside the fixtures
    gcp: GcpEmulator,
    estate: Estate,
    client: Client,
    where: dict[str, str],
    clock: VirtualClock,
    what: str,
) -> None:
    CHANGES[what](client, where, gcp)
    clock.advance(1)
    assert what in " | ".join(estate.left_behind(gcp))


def test_account_has_every_right_that_the_faults_declare() -> None:
    declared = {
        permission.name
        for table, load in (
            (registry.FAULTS, registry.fault),
            (registry.RESOLVERS, registry.resolver),
        )
        for name in table
        if name.startswith("gcp:")
        for permission in load(name).permissions
    }
    assert "compute.instances.stop" in declared
    assert declared <= set(FAULT_PERMISSIONS)
