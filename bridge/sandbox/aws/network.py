"""Security groups and network interfaces over moto's, which let a group in use be deleted.

Codes: EC2 API error codes (``InvalidGroup.NotFound``, ``InvalidGroup.Duplicate``,
``InvalidGroup.Reserved``, ``DependencyViolation``, ``CannotDelete``, ``AuthFailure``).
"""

from __future__ import annotations

import itertools
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models.security_groups import SecurityGroup
from moto.ec2.responses.elastic_network_interfaces import ElasticNetworkInterfaces
from moto.ec2.responses.security_groups import SecurityGroups

from bridge.sandbox.aws.errors import AwsError
from bridge.sandbox.aws.tags import refuse_bad_tag


def all_groups(backend: Any) -> list[SecurityGroup]:
    """Answer every security group of the account and Region."""
    return [group for groups in backend.groups.values() for group in groups.values()]


def known_groups(backend: Any, group_ids: list[str], vpc_id: str) -> list[SecurityGroup]:
    """Answer the groups of a network, or refuse for one that is not in it."""
    known = {group.id: group for group in all_groups(backend) if group.vpc_id == vpc_id}
    for group_id in group_ids:
        if group_id not in known:
            message = f"The security group '{group_id}' does not exist in VPC '{vpc_id}'"
            raise AwsError("InvalidGroup.NotFound", message)
    return [known[group_id] for group_id in group_ids]


def refuse_in_use(backend: Any, group: SecurityGroup) -> None:
    """Refuse to delete a group that an interface bears or another group's rule names.

    EC2 API reference, DeleteSecurityGroup: "If you attempt to delete a security group that
    is associated with an instance or network interface, or is referenced by another security
    group in the same VPC, the operation fails with DependencyViolation".
    """
    borne = any(group in interface.group_set for interface in backend.enis.values())
    named = any(
        (rule.source_group or {}).get("GroupId") == group.id
        for other in all_groups(backend)
        if other is not group
        for rule in itertools.chain(other.ingress_rules, other.egress_rules)
    )
    if borne or named:
        message = f"resource {group.id} has a dependent object"
        raise AwsError("DependencyViolation", message)


class NetworkRules(ElasticNetworkInterfaces, SecurityGroups):
    """The operations on security groups and interfaces, with what depends on what."""

    def create_security_group(self) -> ActionResult:
        """Create a group, whose name is the only such one in its network."""
        for given in self._get_param("TagSpecifications", []):
            for tag in given.get("Tags", []):
                refuse_bad_tag(tag.get("Key", ""), tag.get("Value", ""))
        vpc_id = self._get_param("VpcId") or self.ec2_backend.default_vpc.id
        if vpc_id not in self.ec2_backend.vpcs:
            message = f"The vpc ID '{vpc_id}' does not exist"
            raise AwsError("InvalidVpcID.NotFound", message)
        name = self._get_param("GroupName")
        self.error_on_dryrun()
        if any(one.name == name and one.vpc_id == vpc_id for one in all_groups(self.ec2_backend)):
            message = f"The security group '{name}' already exists for VPC '{vpc_id}'"
            raise AwsError("InvalidGroup.Duplicate", message)
        return super().create_security_group()

    def delete_security_group(self) -> ActionResult:
        """Delete a group that nothing uses, together with its tags."""
        self.error_on_dryrun()
        backend = self.ec2_backend
        wanted = self._get_param("GroupId") or self._get_param("GroupName")
        group = backend.get_security_group_by_name_or_id(wanted)
        if group is not None:
            if group.is_default:
                message = f'the specified group: "{group.id}" name: "default" cannot be deleted'
                raise AwsError("CannotDelete", message)
            refuse_in_use(backend, group)
        result = super().delete_security_group()
        if group is not None:
            backend.tags.pop(group.id, None)
        return result

    def modify_network_interface_attribute(self) -> ActionResult:
        """Set an interface's groups to those given, and to no others.

        moto takes groups that do not exist, and shows those of the instance's launch beside
        the interface's own for ever. On EC2 the groups of an instance are those of its first
        interface (EC2 API reference, Instance).
        """
        self.error_on_dryrun()
        interface = self.ec2_backend.get_network_interface(self._get_param("NetworkInterfaceId"))
        if interface.requester_managed:
            message = "You do not have permission to access the specified resource."
            raise AwsError("AuthFailure", message, 403)
        known_groups(self.ec2_backend, self._get_param("Groups", []), interface.vpc_id)
        if interface.instance is not None:
            part_groups(interface.instance)
        result = super().modify_network_interface_attribute()
        if interface.instance is not None:
            first = interface.instance.nics[0]
            interface.instance.SecurityGroups = first.group_set  # what the answer is read from
        return result


def part_groups(instance: Any) -> None:
    """Give each interface of an instance groups of its own, apart from the launch's."""
    for interface in instance.nics.values():
        own = sorted(interface.group_set, key=lambda group: str(group.id))
        interface._group_set = own  # noqa: SLF001 - moto has no other way
    instance.security_groups = []
