"""Security rules: which are valid, and what they let through."""

from __future__ import annotations

from typing import Any

from bridge.sandbox.azure.errors import ArmError

DIRECTIONS = ("Inbound", "Outbound")
_LOWEST, _HIGHEST = 100, 4096
_ANY = {"*", "0.0.0.0/0", "any", "0-65535"}
_MATCHED = (
    "protocol",
    "sourceAddressPrefix",
    "sourcePortRange",
    "destinationAddressPrefix",
    "destinationPortRange",
)


def _default(
    name: str, priority: int, direction: str, access: str, *, ends: tuple[str, str]
) -> dict[str, Any]:
    return {
        "name": name,
        "properties": {
            "priority": priority,
            "direction": direction,
            "access": access,
            "protocol": "*",
            "sourceAddressPrefix": ends[0],
            "sourcePortRange": "*",
            "destinationAddressPrefix": ends[1],
            "destinationPortRange": "*",
        },
    }


_NET, _ALL = "VirtualNetwork", "*"
DEFAULT_RULES = [
    _default("AllowVnetInBound", 65000, "Inbound", "Allow", ends=(_NET, _NET)),
    _default(
        "AllowAzureLoadBalancerInBound", 65001, "Inbound", "Allow", ends=("AzureLoadBalancer", _ALL)
    ),
    _default("DenyAllInBound", 65500, "Inbound", "Deny", ends=(_ALL, _ALL)),
    _default("AllowVnetOutBound", 65000, "Outbound", "Allow", ends=(_NET, _NET)),
    _default("AllowInternetOutBound", 65001, "Outbound", "Allow", ends=(_ALL, "Internet")),
    _default("DenyAllOutBound", 65500, "Outbound", "Deny", ends=(_ALL, _ALL)),
]
"""What every group ends with ("Network security groups", "Default security rules")."""


def refuse_bad_rules(group_id: str, rules: list[dict[str, Any]]) -> None:
    """Refuse rules that Microsoft.Network does: priorities of 100 to 4096, each once a direction.

    Raises ``ArmError``.
    """
    seen: dict[tuple[str, int], str] = {}
    for rule in rules:
        name, properties = rule.get("name", ""), rule.get("properties") or {}
        where = f"{group_id}/securityRules/{name}"
        for field in ("priority", "direction", "access", "protocol"):
            if not name or properties.get(field) is None:
                message = (
                    f"Required security rule parameters are missing for security rule {where}."
                )
                raise ArmError("SecurityRuleParameterMissing", message)
        priority, direction = properties["priority"], properties["direction"]
        if not _LOWEST <= priority <= _HIGHEST:
            message = (
                f"Security rule has invalid Priority. Value provided: {priority} Allowed range "
                f"{_LOWEST}-{_HIGHEST}. Rule: {where}."
            )
            raise ArmError("SecurityRuleInvalidPriority", message)
        other = seen.setdefault((direction.lower(), priority), name)
        if other != name:
            message = (
                f"Security rule {name} conflicts with rule {other}. Rules cannot have the same "
                "Priority and Direction."
            )
            raise ArmError("SecurityRuleConflict", message)


def cut_off(rules: list[dict[str, Any]]) -> frozenset[str]:
    """Answer the directions in which rules let nothing through.

    Rules are looked at by priority, and the first that matches decides: a direction is cut off
    where a rule that denies everything stands before each that allows anything.
    """
    return frozenset(direction for direction in DIRECTIONS if _denies_all(rules, direction))


def _denies_all(rules: list[dict[str, Any]], direction: str) -> bool:
    of_direction = [
        rule["properties"]
        for rule in rules
        if rule["properties"]["direction"].lower() == direction.lower()
    ]
    for properties in sorted(of_direction, key=lambda each: int(each["priority"])):
        if properties["access"].lower() == "allow":
            return False
        if all(str(properties.get(field, "")).lower() in _ANY for field in _MATCHED):
            return True
    return False
