"""Managed instance groups: their members, and deleting, recreating and resizing."""

from __future__ import annotations

from typing import Any

import pytest
from google.api_core import exceptions

from bridge.sandbox.gcp import GcpEmulator, VirtualClock
from tests.gcp_emulator.conftest import Client

KINDS = ["InstanceGroupManagers", "RegionInstanceGroupManagers"]


class Group:
    """The zonal or the regional group ``web``, asked through the SDK."""

    def __init__(self, gcp: GcpEmulator, client: Client, kind: str) -> None:
        self.regional = kind.startswith("Region")
        place = {"region": "us-central1"} if self.regional else {"zone": "us-central1-a"}
        self.where = {"project": gcp.project, **place}
        self.sdk = client(kind)
        self.operations = client("RegionOperations" if self.regional else "ZoneOperations")
        gcp.add_group("web", size=3, region="us-central1" if self.regional else None)

    def named(self, *instances: str, skip: bool = False) -> dict[str, Any]:
        kind = "region_" if self.regional else ""
        field = f"{kind}instance_group_managers_delete_instances_request_resource"
        body = {"instances": list(instances), "skip_instances_on_validation_error": skip}
        return {field: body, **self.target}

    def again(self, *instances: str) -> dict[str, Any]:
        kind = "region_" if self.regional else ""
        word = "recreate" if self.regional else "recreate_instances"
        field = f"{kind}instance_group_managers_{word}_request_resource"
        return {field: {"instances": list(instances)}, **self.target}

    @property
    def target(self) -> dict[str, Any]:
        return {"instance_group_manager": "web", **self.where}

    def members(self) -> dict[str, tuple[str, str]]:
        listed = self.sdk.list_managed_instances(**self.target)
        return {each.instance: (each.current_action, each.instance_status) for each in listed}

    def get(self) -> Any:
        return self.sdk.get(**self.target)

    def ended(self, operation: Any) -> Any:
        return self.operations.get(operation=operation.name, **self.where)


@pytest.fixture(params=KINDS)
def group(request: pytest.FixtureRequest, gcp: GcpEmulator, client: Client) -> Group:
    return Group(gcp, client, request.param)


def test_group_is_stable_with_its_instances_running(gcp: GcpEmulator, group: Group) -> None:
    found = group.get()
    assert (found.target_size, found.current_actions.none) == (3, 3)
    assert found.status.is_stable
    assert set(group.members().values()) == {("NONE", "RUNNING")}
    name = gcp.group_instances("web")[0]
    (item,) = gcp.instance(name)["metadata"]["items"]
    assert item["key"] == "created-by"
    assert item["value"].endswith("/instanceGroupManagers/web")


def test_deleted_instances_lower_the_target_size(
    gcp: GcpEmulator, group: Group, clock: VirtualClock
) -> None:
    first, *others = group.members()
    operation = group.sdk.delete_instances_unary(**group.named(first))
    assert (group.get().target_size, group.members()[first]) == (2, ("DELETING", "RUNNING"))
    clock.advance(1)
    assert group.ended(operation).status.name == "DONE"
    assert group.members()[first] == ("DELETING", "STOPPING")
    assert not group.get().status.is_stable
    clock.advance(1)
    assert sorted(group.members()) == sorted(others)
    assert first.rsplit("/", 1)[-1] not in gcp.names("instances") + gcp.names("disks")
    assert group.get().status.is_stable


def test_recreated_instance_keeps_its_name_and_gets_another_id(
    gcp: GcpEmulator, group: Group, clock: VirtualClock
) -> None:
    first = next(iter(group.members()))
    name = first.rsplit("/", 1)[-1]
    before = gcp.instance(name)["id"]
    operation = group.sdk.recreate_instances_unary(**group.again(first))
    clock.advance(1)
    assert group.ended(operation).status.name == "DONE"
    assert group.members()[first] == ("RECREATING", "STOPPING")
    clock.advance(1)
    assert group.members()[first] == ("RECREATING", "PROVISIONING")
    clock.advance(1)
    assert group.members()[first] == ("NONE", "RUNNING")
    assert gcp.instance(name)["id"] != before
    assert group.get().target_size == 3


def test_resize_makes_and_deletes_instances(
    gcp: GcpEmulator, group: Group, clock: VirtualClock
) -> None:
    before = gcp.group_instances("web")
    group.sdk.resize_unary(size=5, **group.target)
    assert (group.get().target_size, len(group.members())) == (5, 3)
    clock.advance(1)
    assert sorted(group.members().values())[:2] == [("CREATING", "PROVISIONING")] * 2
    clock.advance(1)
    assert set(group.members().values()) == {("NONE", "RUNNING")}
    group.sdk.resize_unary(size=3, **group.target)
    clock.advance(2)
    assert gcp.group_instances("web") == before


def test_what_is_not_a_member_refuses_all_unless_skipped(
    gcp: GcpEmulator, group: Group, clock: VirtualClock
) -> None:
    gcp.add_instance("stranger")
    stranger = gcp.instance("stranger")["selfLink"]
    first = next(iter(group.members()))
    with pytest.raises(exceptions.BadRequest, match="not a member"):
        group.sdk.delete_instances_unary(**group.named(first, stranger))
    assert group.get().target_size == 3
    with pytest.raises(exceptions.BadRequest, match="not a member"):
        group.sdk.recreate_instances_unary(**group.again(first, stranger))
    group.sdk.delete_instances_unary(**group.named(first, stranger, skip=True))
    with pytest.raises(exceptions.BadRequest, match="malformed"):
        group.sdk.delete_instances_unary(**group.named("stranger", skip=True))
    clock.advance(2)
    assert group.get().target_size == len(group.members()) == 2
    assert gcp.instance("stranger")["status"] == "RUNNING"


def test_instance_on_its_way_out_is_not_deleted_twice(group: Group) -> None:
    first = next(iter(group.members()))
    group.sdk.delete_instances_unary(**group.named(first))
    with pytest.raises(exceptions.BadRequest, match="already being deleted"):
        group.sdk.delete_instances_unary(**group.named(first))
    group.sdk.delete_instances_unary(**group.named(first, skip=True))
    assert group.get().target_size == 2


@pytest.mark.parametrize("change", ["delete", "recreate", "grow", "shrink"])
def test_operation_that_fails_late_leaves_the_group_as_it_was(
    gcp: GcpEmulator, group: Group, clock: VirtualClock, change: str
) -> None:
    before = {name: gcp.instance(name) for name in gcp.group_instances("web")}
    first = next(iter(group.members()))
    gcp.fail_late(service="compute", error="QUOTA_EXCEEDED")
    operation = {
        "delete": lambda: group.sdk.delete_instances_unary(**group.named(first)),
        "recreate": lambda: group.sdk.recreate_instances_unary(**group.again(first)),
        "grow": lambda: group.sdk.resize_unary(size=5, **group.target),
        "shrink": lambda: group.sdk.resize_unary(size=1, **group.target),
    }[change]()
    clock.advance(5)
    ended = group.ended(operation)
    assert [error.code for error in ended.error.errors] == ["QUOTA_EXCEEDED"]
    assert {name: gcp.instance(name) for name in gcp.group_instances("web")} == before
    assert (group.get().target_size, group.get().status.is_stable) == (3, True)


def test_groups_of_every_scope_are_listed(gcp: GcpEmulator, client: Client) -> None:
    gcp.add_group("zonal")
    gcp.add_group("regional", region="us-central1")
    found = client("InstanceGroupManagers").aggregated_list(project=gcp.project)
    named = {scope: [each.name for each in rows.instance_group_managers] for scope, rows in found}
    assert named == {
        "zones/us-central1-a": ["zonal"],
        "zones/us-central1-b": [],
        "regions/us-central1": ["regional"],
    }
    region = {"project": gcp.project, "region": "us-central1"}
    listed = client("RegionInstanceGroupManagers").list(**region)
    assert [each.name for each in listed] == ["regional"]


def test_instance_that_is_gone_is_no_member(gcp: GcpEmulator, group: Group) -> None:
    gone, *others = gcp.group_instances("web")
    gcp.remove_instance(gone)
    assert gcp.group_instances("web") == others
    assert len(group.members()) == 2
    assert (group.get().target_size, group.get().status.is_stable) == (3, False)
