"""What a request for a new firewall rule may say, and what it leaves to defaults.

Compute Engine API reference, the fields of firewalls; VPC, "VPC firewall rules".
"""

from __future__ import annotations

import ipaddress
import re

from bridge.sandbox.gcp.cloud import Cloud, Resource, link, path_of
from bridge.sandbox.gcp.errors import invalid, not_emulated
from bridge.sandbox.gcp.labels import refuse_bad_tags
from bridge.sandbox.gcp.request import GcpRequest

DIRECTIONS = ("INGRESS", "EGRESS")
EVERYWHERE = "0.0.0.0/0"
LOWEST_PRIORITY = 65535
_DEFAULT_PRIORITY = 1000
_NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_FIELDS = (
    "kind",
    "name",
    "description",
    "network",
    "priority",
    "direction",
    "allowed",
    "denied",
    "sourceRanges",
    "destinationRanges",
    "sourceTags",
    "targetTags",
    "targetServiceAccounts",
    "disabled",
    "logConfig",
)
_LEFT_OUT = ("sourceServiceAccounts", "params")


def read(cloud: Cloud, asked: GcpRequest) -> Resource:
    """Answer the rule that a request asks for, with its defaults. Raises `GoogleError` 400."""
    body = asked.taken(*_FIELDS, *_LEFT_OUT)
    for field in _LEFT_OUT:
        if body.get(field):
            raise not_emulated(f"{field} of firewalls.insert")
    name = str(body.get("name", ""))
    if not _NAME.fullmatch(name):
        raise invalid("resource.name", name, f"Must be a match of regex '{_NAME.pattern}'")
    direction = body.setdefault("direction", "INGRESS")
    if direction not in DIRECTIONS:
        raise invalid("resource.direction", str(direction), f"Choose of {DIRECTIONS}.")
    priority = body.setdefault("priority", _DEFAULT_PRIORITY)
    if not isinstance(priority, int) or not 0 <= priority <= LOWEST_PRIORITY:
        reason = f"It must be between 0 and {LOWEST_PRIORITY}."
        raise invalid("resource.priority", str(priority), reason)
    _read_protocols(body)
    _read_ends(body)
    return {
        **{key: value for key, value in body.items() if value != []},
        "kind": "compute#firewall",
        "network": _network(cloud, str(body.get("network") or "global/networks/default")),
        "disabled": body.get("disabled", False),
        "logConfig": body.get("logConfig", {"enable": False}),
    }


def _network(cloud: Cloud, reference: str) -> str:
    path = path_of(reference, "resource.network", f"projects/{cloud.project}/")
    if cloud.find(path) is None:
        reason = "The referenced network resource cannot be found."
        raise invalid("resource.network", reference, reason)
    return link(path)


def _read_protocols(body: Resource) -> None:
    if bool(body.get("allowed")) == bool(body.get("denied")):
        reason = "Exactly one of allowed and denied must be given."
        raise invalid("resource.allowed", "", reason)
    for rule in body.get("allowed") or body["denied"]:
        if not rule.get("IPProtocol"):
            raise invalid("resource.IPProtocol", "", "It must be given.")


def _read_ends(body: Resource) -> None:
    """Check ranges and tags; without any, a rule is about everywhere."""
    for field in ("sourceTags", "targetTags"):
        refuse_bad_tags(body.get(field, []), f"resource.{field}")
    if body.get("targetTags") and body.get("targetServiceAccounts"):
        reason = "Target tags cannot be combined with target service accounts."
        raise invalid("resource.targetServiceAccounts", "", reason)
    if body["direction"] == "EGRESS" and body.get("sourceTags"):
        raise invalid("resource.sourceTags", "", "They are for INGRESS only.")
    ranges = "sourceRanges" if body["direction"] == "INGRESS" else "destinationRanges"
    if not body.get(ranges) and not body.get("sourceTags"):
        body[ranges] = [EVERYWHERE]
    for field in ("sourceRanges", "destinationRanges"):
        for each in body.get(field, []):
            try:
                ipaddress.ip_network(each)
            except ValueError:
                reason = "Must be a valid CIDR address range."
                raise invalid(f"resource.{field}", each, reason) from None
