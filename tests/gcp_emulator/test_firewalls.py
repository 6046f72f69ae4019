"""Firewall rules: what may be written, and whom they cut off."""

from __future__ import annotations

from typing import Any

import pytest
from google.api_core import exceptions

from bridge.sandbox.gcp import GcpEmulator, VirtualClock
from tests.gcp_emulator.conftest import Client

DENY_ALL = {"denied": [{"I_p_protocol": "all"}]}
BOTH = {"INGRESS", "EGRESS"}


@pytest.fixture
def insert(gcp: GcpEmulator, client: Client, clock: VirtualClock) -> Any:
    """Insert a rule, let its operation end, and answer how."""

    def insert(name: str, **rule: Any) -> Any:
        operation = client("Firewalls").insert_unary(
            project=gcp.project, firewall_resource={"name": name, **rule}
        )
        clock.advance(1)
        return client("GlobalOperations").get(project=gcp.project, operation=operation.name)

    return insert


def test_rule_is_in_force_when_its_operation_is_done(
    gcp: GcpEmulator, client: Client, clock: VirtualClock
) -> None:
    gcp.add_instance("vm", tags=["cut"])
    gcp.add_instance("other")
    operation = client("Firewalls").insert_unary(
        project=gcp.project,
        firewall_resource={"name": "deny", "priority": 0, "target_tags": ["cut"], **DENY_ALL},
    )
    assert gcp.isolated("vm") == set()
    clock.advance(1)
    assert gcp.isolated("vm") == {"INGRESS"}
    assert gcp.isolated("other") == set()
    made = client("Firewalls").get(project=gcp.project, firewall="deny")
    assert operation.target_id == made.id
    assert (made.direction, made.priority, list(made.source_ranges)) == (
        "INGRESS",
        0,
        ["0.0.0.0/0"],
    )
    assert made.network.endswith("/global/networks/default")
    client("Firewalls").delete_unary(project=gcp.project, firewall="deny")
    assert gcp.isolated("vm") == {"INGRESS"}
    clock.advance(1)
    assert gcp.isolated("vm") == set()
    assert list(client("Firewalls").list(project=gcp.project)) == []


def test_both_directions_are_cut_by_two_rules(gcp: GcpEmulator, insert: Any) -> None:
    gcp.add_instance("vm")
    insert("in", **DENY_ALL)
    insert("out", direction="EGRESS", **DENY_ALL)
    assert gcp.isolated("vm") == BOTH


@pytest.mark.parametrize(
    ("allow", "deny", "cut"), [(900, 1000, False), (1000, 1000, True), (1001, 1000, True)]
)
def test_stronger_allow_wins_and_deny_wins_at_the_same_priority(
    gcp: GcpEmulator, insert: Any, allow: int, deny: int, cut: bool
) -> None:
    gcp.add_instance("vm")
    insert("deny", priority=deny, **DENY_ALL)
    insert("allow", priority=allow, allowed=[{"I_p_protocol": "tcp", "ports": ["22"]}])
    assert (gcp.isolated("vm") == {"INGRESS"}) is cut


@pytest.mark.parametrize(
    "rule",
    [
        {"denied": [{"I_p_protocol": "tcp"}]},
        {**DENY_ALL, "source_ranges": ["10.0.0.0/8"]},
        {**DENY_ALL, "disabled": True},
        {**DENY_ALL, "target_tags": ["others"]},
        {**DENY_ALL, "source_tags": ["others"]},
    ],
)
def test_narrower_rule_does_not_isolate(
    gcp: GcpEmulator, insert: Any, rule: dict[str, Any]
) -> None:
    gcp.add_instance("vm", tags=["cut"])
    assert insert("narrow", **rule).error.errors == []
    assert gcp.isolated("vm") == set()


@pytest.mark.parametrize(
    ("rule", "named"),
    [
        ({"name": "Bad_Name", **DENY_ALL}, "resource.name"),
        ({"network": "global/networks/none", **DENY_ALL}, "cannot be found"),
        ({"priority": 65536, **DENY_ALL}, "resource.priority"),
        ({"direction": "SIDEWAYS", **DENY_ALL}, "resource.direction"),
        ({}, "Exactly one of allowed and denied"),
        ({"allowed": [{"I_p_protocol": "tcp"}], **DENY_ALL}, "Exactly one"),
        ({"denied": [{"ports": ["1"]}]}, "IPProtocol"),
        ({"target_tags": ["Bad"], **DENY_ALL}, "resource.targetTags"),
        ({"source_ranges": ["10.0.0.1/8"], **DENY_ALL}, "CIDR"),
        ({"direction": "EGRESS", "source_tags": ["web"], **DENY_ALL}, "resource.sourceTags"),
    ],
)
def test_wrong_rule_is_refused(
    gcp: GcpEmulator, insert: Any, rule: dict[str, Any], named: str
) -> None:
    with pytest.raises(exceptions.BadRequest, match=named):
        insert(rule.pop("name", "rule"), **rule)
    assert gcp.names("firewalls") == []


def test_name_is_unique(gcp: GcpEmulator, client: Client, clock: VirtualClock) -> None:
    ask = {"project": gcp.project, "firewall_resource": {"name": "deny", **DENY_ALL}}
    client("Firewalls").insert_unary(**ask)
    second = client("Firewalls").insert_unary(**ask)
    clock.advance(1)
    ended = client("GlobalOperations").get(project=gcp.project, operation=second.name)
    assert [error.code for error in ended.error.errors] == ["RESOURCE_ALREADY_EXISTS"]
    with pytest.raises(exceptions.Conflict, match="already exists"):
        client("Firewalls").insert_unary(**ask)


def test_network_is_there(gcp: GcpEmulator, client: Client) -> None:
    assert [each.name for each in client("Networks").list(project=gcp.project)] == ["default"]
    with pytest.raises(exceptions.NotFound):
        client("Networks").get(project=gcp.project, network="none")
