"""Targets: by ids, tags, places; narrowed by filters and parameters; what is missing is named."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.model.template import Filter, TemplateTarget
from bridge.sandbox.azure import AzureEmulator
from providers.azure.clients import Clients
from providers.azure.resolvers import DiskResolver, ScaleSetInstanceResolver, VmResolver
from providers.azure.session import AzureSession
from providers.contract import AccessDeniedError, Resolution, Resolver
from tests.azure_faults.conftest import Calls
from tests.azure_faults.records import GROUP_ID, SUBSCRIPTION, disk_id, instance_id, vm_id

VMS, INSTANCES, DISKS = VmResolver(), ScaleSetInstanceResolver(), DiskResolver()
SCALE_SET = f"{GROUP_ID}/providers/Microsoft.Compute/virtualMachineScaleSets/web"
HERE = {"subscription": SUBSCRIPTION}


def target(resolver: Resolver, **given: Any) -> TemplateTarget:
    return TemplateTarget(resource_type=resolver.resource_type, **given)


def names(resolution: Resolution) -> list[str]:
    return [resource.id.rpartition("/")[2] for resource in resolution.found]


async def test_machines_by_id_in_any_spelling_with_the_missing_one(
    session: AzureSession, azure: AzureEmulator
) -> None:
    for name in ("Web", "db"):
        azure.add_vm(name)
    asked = (vm_id("DB").upper(), vm_id("web"), vm_id("Ghost"))
    found = await VMS.resolve(session, target(VMS, resource_arns=asked))
    assert [one.id for one in found.found] == [vm_id("db"), vm_id("web")]
    assert found.found[0].information == {"arn": vm_id("db"), "location": "eastus"}
    assert list(found.missing) == [vm_id("Ghost")]


async def test_tags_zone_group_and_filters_narrow(
    session: AzureSession, azure: AzureEmulator, calls: Calls
) -> None:
    azure.add_vm("a", tags={"Chaos": "ready"}, zone="1")
    azure.add_vm("b", tags={"chaos": "ready", "x": "y"}, zone="2")
    azure.add_vm("c", tags={"chaos": "Ready"}, zone="1")
    azure.add_vm("d", tags={"chaos": "ready"}, zone="1", resource_group="other")

    async def found(tags: dict[str, str], *filters: Filter, **more: str) -> list[str]:
        parameters = {**HERE, **more}
        wanted = target(VMS, resource_tags=tags, filters=filters, parameters=parameters)
        return names(await VMS.resolve(session, wanted))

    ready = {"CHAOS": "ready"}
    assert await found(ready) == ["d", "a", "b"]
    assert await found({**ready, "x": "y"}) == ["b"]
    assert await found(ready, zone="1") == ["d", "a"]
    calls()
    assert await found(ready, resourceGroup="OTHER") == ["d"]
    assert calls() == ["VirtualMachines_List"]
    assert await found({}, zone="2") == ["b"]
    size = azure.vm("a")["properties"]["hardwareProfile"]["vmSize"]
    path = "properties.hardwareProfile.vmSize"
    assert await found(ready, Filter(path=path, values=(size,)), zone="2") == ["b"]
    assert await found(ready, Filter(path=path, values=("Huge",))) == []


async def test_instances_of_a_scale_set_by_zone_and_id(
    session: AzureSession, azure: AzureEmulator
) -> None:
    azure.add_scale_set("web", zones=["1", "2", "1"])
    parameters = {"scaleSet": SCALE_SET.upper(), "zone": "1"}
    found = await INSTANCES.resolve(session, target(INSTANCES, parameters=parameters))
    assert [one.id for one in found.found] == [instance_id("web", 0), instance_id("web", 2)]
    arns = (instance_id("web", 1), instance_id("web", 9))
    found = await INSTANCES.resolve(session, target(INSTANCES, resource_arns=arns))
    assert (names(found), list(found.missing)) == (["1"], [arns[1]])
    gone = {"scaleSet": SCALE_SET.replace("web", "ghost")}
    assert names(await INSTANCES.resolve(session, target(INSTANCES, parameters=gone))) == []


async def test_disks_of_a_machine_by_lun_and_name(
    session: AzureSession, azure: AzureEmulator
) -> None:
    azure.add_vm("web")
    for lun, name in enumerate(("logs", "data", "cache")):
        azure.add_disk(name, vm="web", lun=lun)
    azure.add_disk("free", zone="2")

    async def found(**parameters: str) -> list[str]:
        return names(await DISKS.resolve(session, target(DISKS, parameters=parameters)))

    host = vm_id("web")
    assert await found(virtualMachine=host) == ["cache", "data", "logs"]
    assert await found(virtualMachine=host, luns="0, 2") == ["cache", "logs"]
    assert await found(virtualMachine=host, diskNames="DATA,logs", luns="1") == ["data"]
    assert await found(virtualMachine=vm_id("ghost")) == []
    assert await found(**HERE, zone="2") == ["free"]
    found_ = await DISKS.resolve(session, target(DISKS, resource_arns=(disk_id("free"),)))
    assert names(found_) == ["free"]


async def test_pages_are_followed(
    session: AzureSession, azure: AzureEmulator, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(7):
        azure.add_vm(f"vm-{number}")
    monkeypatch.setattr(azure._cloud, "page_size", 3)
    found = await VMS.resolve(session, target(VMS, parameters=HERE))
    assert names(found) == [f"vm-{number}" for number in range(7)]
    assert calls() == ["VirtualMachines_ListAll"] * 3


async def test_many_are_read_one_by_one_where_listing_is_denied(
    session: AzureSession, azure: AzureEmulator, calls: Calls
) -> None:
    arns = tuple(azure.add_vm(f"vm-{number}") for number in range(12))
    azure.fail(operation="VirtualMachines_ListAll", error="AuthorizationFailed", status=403)
    found = await VMS.resolve(session, target(VMS, resource_arns=arns))
    assert len(found.found) == 12
    assert calls("VirtualMachines_Get") == ["VirtualMachines_Get"] * 12


async def test_who_is_in_no_list_is_asked_for_by_name(
    session: AzureSession, azure: AzureEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    arns = tuple(azure.add_vm(f"vm-{number}") for number in range(12))
    read = Clients.page

    def partly(self: Clients, *given: Any) -> Any:
        items, link = read(self, *given)
        return items[1:], link

    monkeypatch.setattr(Clients, "page", partly)
    found = await VMS.resolve(session, target(VMS, resource_arns=arns))
    assert len(found.found) == 12


async def test_without_the_right_the_action_is_named(session: AzureSession, allow: Any) -> None:
    allow("Microsoft.Compute/disks/*")
    with pytest.raises(AccessDeniedError, match=r"may not Microsoft\.Compute/virtualMachines/read"):
        await VMS.resolve(session, target(VMS, parameters=HERE))


@pytest.mark.parametrize(
    ("resolver", "given", "path", "words"),
    [
        (VMS, {}, "t.parameters", 'add "subscription"'),
        (VMS, {"parameters": {"zone": "1"}}, "t.parameters", "where to look"),
        (VMS, {"parameters": {"subscription": "mine"}}, "t.parameters.subscription", "GUID"),
        (INSTANCES, {}, "t.parameters", 'add "scaleSet"'),
        (INSTANCES, {"parameters": {"scaleSet": "web"}}, "t.parameters.scaleSet", "write"),
        (DISKS, {"parameters": {**HERE, "luns": "0"}}, "t.parameters.luns", "virtualMachine"),
        (
            DISKS,
            {"parameters": {"virtualMachine": vm_id("web"), "luns": "a"}},
            "t.parameters.luns",
            "numbers",
        ),
        (DISKS, {}, "t.parameters", '"subscription" or "virtualMachine"'),
    ],
)
def test_what_is_wrong_between_fields_is_named(
    resolver: Resolver, given: dict[str, Any], path: str, words: str
) -> None:
    (problem,) = resolver.check(target(resolver, **given), "t")
    assert problem.path == path
    assert words in problem.message


def test_what_names_its_resources_needs_no_place() -> None:
    assert VMS.check(target(VMS, resource_arns=(vm_id("web"),)), "t") == []
    assert DISKS.check(target(DISKS, parameters={"virtualMachine": vm_id("web")}), "t") == []


@pytest.mark.parametrize(
    ("resolver", "right", "wrong"),
    [
        (VMS, vm_id("web").upper(), "web"),
        (VMS, vm_id("web"), disk_id("web")),
        (INSTANCES, instance_id("web", 3), SCALE_SET),
        (DISKS, disk_id("data"), vm_id("data")),
    ],
)
def test_the_form_of_ids_is_checked(resolver: Resolver, right: str, wrong: str) -> None:
    assert resolver.check_id(right) is None
    assert "write " in (resolver.check_id(wrong) or "")
