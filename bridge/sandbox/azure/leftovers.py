"""What a fault could leave behind in a subscription."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from bridge.sandbox.azure.data_disks import attached
from bridge.sandbox.azure.network_interfaces import group_of
from bridge.sandbox.azure.subscription import INSTANCE, NIC, NSG, VM, Subscription

_NO_FAULTS = ("provisioningState", "virtualMachine")


def snapshot(subscription: Subscription) -> dict[str, Any]:
    """Answer what faults change, each by "<lower-case id> <what>".

    Power states, data disks with all their settings, interfaces with everything in them, the
    security groups that exist with the names of their rules, and all tags.
    """
    facts: dict[str, Any] = {}
    for key, resource in subscription.resources.items():
        kind = resource.body["type"]
        if kind in (VM, INSTANCE):
            facts[f"{key} power"] = resource.power
        if kind == VM:
            disks = sorted(deepcopy(attached(resource)), key=lambda each: int(each["lun"]))
            facts[f"{key} dataDisks"] = disks
        if kind == NIC:
            kept = {
                name: value for name, value in resource.properties.items() if name not in _NO_FAULTS
            }
            kept["networkSecurityGroup"] = group_of(resource.properties).lower()
            facts[f"{key} interface"] = deepcopy(kept)
        if kind == NSG:
            facts[f"{key} securityRules"] = [
                rule["name"] for rule in resource.properties["securityRules"]
            ]
        facts[f"{key} tags"] = dict(resource.body.get("tags") or {})
    return facts
