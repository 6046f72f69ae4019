"""Resources come with their tags, for the guardrails; so does what is touched on the way."""

from __future__ import annotations

from bridge.model.template import TemplateTarget
from bridge.sandbox.azure import AzureEmulator
from providers.azure.disks import DetachDisks
from providers.azure.resolvers import DiskResolver, VmResolver
from providers.azure.session import AzureSession
from providers.contract import Resource
from tests.azure_faults.records import disk_id, vm_id


async def test_machines_and_disks_with_their_tags(
    session: AzureSession, azure: AzureEmulator
) -> None:
    azure.add_vm("web", tags={"Env": "Prod"})
    azure.add_vm("bare")
    azure.add_disk("data", vm="web", lun=1)
    machines = TemplateTarget(
        resource_type="azure:compute:vm", resource_arns=(vm_id("web"), vm_id("bare"))
    )
    found = (await VmResolver().resolve(session, machines)).found
    assert {one.id: one.tags for one in found} == {vm_id("web"): {"Env": "Prod"}, vm_id("bare"): {}}
    disks = TemplateTarget(resource_type="azure:compute:disk", resource_arns=(disk_id("data"),))
    (volume,) = (await DiskResolver().resolve(session, disks)).found
    assert volume.tags == {}
    fault = DetachDisks()
    five = fault.Parameters.model_validate({"duration": "PT5M"})
    (group,) = await fault.reached(session, five, [volume])
    assert not group.inside
    assert group.found == [Resource("azure:compute:vm", vm_id("web"), {}, {"Env": "Prod"})]
