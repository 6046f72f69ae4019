"""Firewall rules of a network, and what they cut off.

Compute Engine API reference, firewalls; VPC, "VPC firewall rules" (priority, implied rules,
targets, and that deny wins over allow of the same priority).
"""

from __future__ import annotations

from typing import Any

from bridge.sandbox.gcp import listing
from bridge.sandbox.gcp.cloud import Cloud, Resource
from bridge.sandbox.gcp.errors import GoogleError
from bridge.sandbox.gcp.firewall_rules import DIRECTIONS, EVERYWHERE, LOWEST_PRIORITY, read
from bridge.sandbox.gcp.operations import Operation, begin, nothing
from bridge.sandbox.gcp.request import GcpRequest


def list_all(cloud: Cloud, asked: GcpRequest) -> Resource:
    """List the firewall rules of the project."""
    return listing.listed(asked, list(cloud.held("firewalls").values()), "compute#firewall")


def list_networks(cloud: Cloud, asked: GcpRequest) -> Resource:
    """List the networks of the project."""
    return listing.listed(asked, list(cloud.held("networks").values()), "compute#network")


def insert(cloud: Cloud, asked: GcpRequest) -> Operation:
    """Create a rule, in force when the operation is done."""
    rule = read(cloud, asked)
    path = cloud.path("global", "firewalls", rule["name"])
    if cloud.find(path) is not None:
        message = f"The resource '{path}' already exists"
        raise GoogleError(409, "alreadyExists", message)
    rule["id"] = cloud.new_id()

    def finish() -> None:
        cloud.put(path, rule)

    return begin(cloud, asked, finish, nothing, target=path, target_id=rule["id"])


def delete(cloud: Cloud, asked: GcpRequest) -> Operation:
    """Delete a rule, which stays in force until the operation is done."""
    cloud.get(asked.path)

    def finish() -> None:
        cloud.remove(asked.path)

    return begin(cloud, asked, finish, nothing)


def isolated(cloud: Cloud, instance: Resource) -> frozenset[str]:
    """Answer the directions in which an instance is cut off from everything over IPv4.

    That is where a rule in force denies all protocols everywhere, and no applicable rule of a
    stronger priority allows anything. The implied rules (deny ingress, allow egress) are not
    counted: they cut nothing off that was not before.
    """
    return frozenset(d for d in DIRECTIONS if _cut(cloud, instance, d))


def _cut(cloud: Cloud, instance: Resource, direction: str) -> bool:
    rules = [
        rule
        for rule in cloud.held("firewalls").values()
        if rule["direction"] == direction and not rule["disabled"] and _applies(rule, instance)
    ]
    denying = [rule["priority"] for rule in rules if _denies_all(rule)]
    allowing = [rule["priority"] for rule in rules if "allowed" in rule]
    return bool(denying) and min(denying) <= min(allowing, default=LOWEST_PRIORITY + 1)


def _applies(rule: Resource, instance: Resource) -> bool:
    networks = {interface["network"] for interface in instance["networkInterfaces"]}
    if rule["network"] not in networks or rule.get("targetServiceAccounts"):
        return False
    targets = rule.get("targetTags")
    return not targets or bool(set(targets) & set(instance["tags"].get("items", [])))


def _denies_all(rule: dict[str, Any]) -> bool:
    ranges = rule.get("sourceRanges" if rule["direction"] == "INGRESS" else "destinationRanges", [])
    denied = [each["IPProtocol"] for each in rule.get("denied", [])]
    return EVERYWHERE in ranges and "all" in denied
