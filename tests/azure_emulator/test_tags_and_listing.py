"""Tags at a scope, the list of all resources, and pages."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from bridge.sandbox.azure import AzureEmulator, Estate


def patch(resource: Any, scope: str, operation: str, tags: dict[str, str]) -> dict[str, str]:
    body = {"operation": operation, "properties": {"tags": tags}}
    answered = resource.tags.begin_update_at_scope(scope, body).result()
    return dict(answered.properties.tags)


def test_tags_are_merged_replaced_and_deleted(emulator: AzureEmulator, resource: Any) -> None:
    vm = emulator.add_vm("a", tags={"Team": "x", "keep": "y"})
    assert patch(resource, vm, "Merge", {"team": "z", "new": "1"}) == {
        "Team": "z",
        "keep": "y",
        "new": "1",
    }
    assert patch(resource, vm, "Delete", {"KEEP": "other", "new": "1", "team": ""}) == {"keep": "y"}
    assert patch(resource, vm, "Replace", {"b": "2"}) == {"b": "2"}
    assert emulator.vm("a")["tags"] == {"b": "2"}
    read = resource.tags.get_at_scope(vm.upper())
    assert (read.name, read.properties.tags) == ("default", {"b": "2"})


def test_every_kind_of_resource_takes_tags(
    emulator: AzureEmulator, estate: Estate, resource: Any
) -> None:
    scopes = (
        estate.disk_ids["carts-data-1"],
        estate.scale_set_id,
        f"{estate.scale_set_id}/virtualMachines/1",
        emulator.interface("orders-db-1")["id"],
        estate.security_group_id,
    )
    for scope in scopes:
        assert patch(resource, scope, "Merge", {"faultbridge:x": "1"})["faultbridge:x"] == "1"
    left = estate.left_behind(emulator)
    assert len(left) == len(scopes)
    assert all("faultbridge:x" in each for each in left)
    with pytest.raises(ResourceNotFoundError):
        patch(resource, f"{estate.scale_set_id}/virtualMachines/7", "Merge", {"a": "b"})


@pytest.mark.parametrize(
    ("tags", "status"),
    [
        ({"faultbridge:lab:exp/act": "x"}, 400),
        ({"a" * 513: "x"}, 400),
        ({"a": "x" * 257}, 400),
        ({str(number): "x" for number in range(50)}, 400),
        ({"a" * 512: "x" * 256}, 200),
        ({str(number): "x" for number in range(49)}, 200),
    ],
)
def test_tags_have_limits(
    emulator: AzureEmulator, resource: Any, tags: dict[str, str], status: int
) -> None:
    vm = emulator.add_vm("a", tags={"one": "more"})
    if status == 400:
        with pytest.raises(HttpResponseError) as caught:
            patch(resource, vm, "Merge", tags)
        assert caught.value.status_code == 400
        assert emulator.vm("a")["tags"] == {"one": "more"}
    else:
        assert patch(resource, vm, "Merge", tags) == {"one": "more", **tags}


def test_an_unknown_tags_operation_is_refused(emulator: AzureEmulator, resource: Any) -> None:
    vm = emulator.add_vm("a")
    with pytest.raises(HttpResponseError, match="Merge, Replace, Delete"):
        patch(resource, vm, "Explode", {})


def test_resources_are_listed_by_type_and_by_tag(
    emulator: AzureEmulator, estate: Estate, resource: Any
) -> None:
    def names(**options: Any) -> set[str]:
        return {each.name for each in resource.resources.list(**options)}

    assert {"web", "carts-worker-1", "carts-data-1", "carts-nsg"} <= names()
    assert "web_0" not in names()
    disks = names(filter="resourceType eq 'microsoft.compute/DISKS'")
    assert disks == {f"{vm}-os" for vm in estate.vm_ids} | {"carts-data-1", "carts-data-2"}
    ready = names(filter="tagName eq 'CHAOS' and tagValue eq 'ready'")
    assert ready == (estate.vm_ids.keys() - {"orders-db-1"}) | estate.disk_ids.keys() | {"web"}
    assert names(filter="tagName eq 'chaos' and tagValue eq 'READY'") == set()
    assert names(filter="startswith(tagName, 'ser')") == estate.vm_ids.keys()
    assert names(filter="resourceType ne 'x' and name eq 'web'") == {"web"}
    in_group = resource.resources.list_by_resource_group("SANDBOX", filter="tagName eq 'service'")
    assert {each.name for each in in_group} == estate.vm_ids.keys()


def test_a_tag_name_and_value_as_filter_leaves_the_tags_out(
    emulator: AzureEmulator, estate: Estate, resource: Any
) -> None:
    by_value = resource.resources.list(filter="tagName eq 'chaos' and tagValue eq 'ready'")
    assert {each.tags is None for each in by_value} == {True}
    by_name = resource.resources.list(filter="tagName eq 'chaos'")
    assert {each.tags["chaos"] for each in by_name} == {"ready"}


@pytest.mark.parametrize(
    "text", ["name", "tagName eq 'a' and name eq 'b'", "colour eq 'red'", "tagValue eq 'a'"]
)
def test_a_filter_that_is_none_is_refused(
    emulator: AzureEmulator, resource: Any, text: str
) -> None:
    with pytest.raises(HttpResponseError, match="InvalidFilter"):
        list(resource.resources.list(filter=text))


def test_lists_come_in_pages(
    emulator: AzureEmulator, connect: Any, resource: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        emulator.add_disk(f"d{number}")
    pages = resource.resources.list(filter="resourceType eq 'Microsoft.Compute/disks'", top=2)
    assert [[each.name for each in page] for page in pages.by_page()] == [
        ["d0", "d1"],
        ["d2", "d3"],
        ["d4"],
    ]
    whole = resource.resources.list(filter="resourceType eq 'Microsoft.Compute/disks'", top=5)
    assert [len(list(page)) for page in whole.by_page()] == [5]
    monkeypatch.setattr(emulator._cloud, "page_size", 3)
    emulator.forget_calls()
    assert len(list(connect("compute").disks.list())) == 5
    assert [call.operation for call in emulator.calls] == ["Disks_List"] * 2


def test_a_filter_that_is_not_emulated_is_said_so(emulator: AzureEmulator, compute: Any) -> None:
    with pytest.raises(HttpResponseError, match="does not emulate") as caught:
        list(compute.virtual_machines.list_all(filter="'virtualMachineScaleSet/id' eq 'x'"))
    assert caught.value.status_code == 501
