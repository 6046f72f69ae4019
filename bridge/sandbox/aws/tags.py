"""EC2's limits on tags. moto counts them, but takes them of any length."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.responses.tags import TagResponse

from bridge.sandbox.aws.errors import AwsError
from bridge.sandbox.aws.instance_rules import known_instances
from bridge.sandbox.aws.volumes import known_volumes

LONGEST_KEY = 128
LONGEST_VALUE = 256


def refuse_bad_tag(key: str, value: str) -> None:
    """Refuse a tag that is too long or that only AWS may set.

    EC2 User Guide, "Tag restrictions": key at most 128 characters, value at most 256, the
    prefix ``aws:`` reserved. The limit of 50 per resource is moto's own check.
    """
    if not key or key.startswith("aws:"):
        message = (
            "Tag keys starting with 'aws:' are reserved for internal use"
            if key
            else "Tag key cannot be empty"
        )
        raise AwsError("InvalidParameterValue", message)
    if len(key) > LONGEST_KEY:
        message = f"Tag key exceeds the maximum length of {LONGEST_KEY} characters"
        raise AwsError("InvalidParameterValue", message)
    if len(value) > LONGEST_VALUE:
        message = f"Tag value exceeds the maximum length of {LONGEST_VALUE} characters"
        raise AwsError("InvalidParameterValue", message)


def refuse_unknown_resources(backend: Any, resource_ids: list[str]) -> None:
    """Refuse the batch for one resource that is not there; moto tags it anyway.

    EC2 API error codes, ``InvalidInstanceID.NotFound``, ``InvalidVolume.NotFound`` and
    ``InvalidGroup.NotFound``.
    """
    instances = [each for each in resource_ids if each.startswith("i-")]
    if instances:
        known_instances(backend, instances)
    known_volumes(backend, [each for each in resource_ids if each.startswith("vol-")])
    for each in resource_ids:
        if each.startswith("sg-") and backend.get_security_group_from_id(each) is None:
            message = f"The security group '{each}' does not exist"
            raise AwsError("InvalidGroup.NotFound", message)


class TagRules(TagResponse):
    """The tag operations with EC2's limits."""

    def create_tags(self) -> ActionResult:
        """Set tags on all the resources or, where one tag or resource is wrong, on none."""
        for tag in self._get_param("Tags", []):
            refuse_bad_tag(tag.get("Key", ""), tag.get("Value", ""))
        refuse_unknown_resources(self.ec2_backend, self._get_param("Resources", []))
        return super().create_tags()

    def delete_tags(self) -> ActionResult:
        """Take tags off resources that are all there."""
        refuse_unknown_resources(self.ec2_backend, self._get_param("Resources", []))
        return super().delete_tags()
