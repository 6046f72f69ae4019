"""Resources come with their labels, for the guardrails; so does what is touched on the way."""

from __future__ import annotations

from bridge.model.template import TemplateTarget
from bridge.sandbox.gcp import GcpEmulator
from providers.contract import Resource
from providers.gcp.disks import DetachDisks
from providers.gcp.resolvers import DiskResolver, InstanceResolver
from providers.gcp.session import GcpSession


async def test_instances_and_disks_with_their_labels(session: GcpSession, gcp: GcpEmulator) -> None:
    gcp.add_instance("web", labels={"env": "prod"})
    gcp.add_instance("bare")
    in_project = {"parameters": {"project": gcp.project}}
    target = TemplateTarget.model_validate({"resourceType": "gcp:compute:instance", **in_project})
    found = (await InstanceResolver().resolve(session, target)).found
    assert {one.id.rpartition("/")[2]: one.tags for one in found} == {
        "web": {"env": "prod"},
        "bare": {},
    }
    disk = gcp.add_disk("data", instance="web", device_name="dev")
    by_name = TemplateTarget(resource_type="gcp:compute:disk", resource_arns=(disk,))
    (volume,) = (await DiskResolver().resolve(session, by_name)).found
    assert volume.tags == {}
    fault = DetachDisks()
    minute = fault.Parameters.model_validate({"duration": "PT1M"})
    (group,) = await fault.reached(session, minute, [volume])
    (web,) = [one.id for one in found if one.id.endswith("/web")]
    assert not group.inside
    assert group.found == [Resource("gcp:compute:instance", web, {}, {"env": "prod"})]
