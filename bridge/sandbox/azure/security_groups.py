"""Microsoft.Network/networkSecurityGroups and their rules."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from werkzeug.wrappers import Response

from bridge.sandbox.azure.errors import ArmError, answer
from bridge.sandbox.azure.network_interfaces import (
    etag,
    group_of,
    refuse_in_progress,
    refuse_other_version,
)
from bridge.sandbox.azure.operations import accepted, begin
from bridge.sandbox.azure.paging import page
from bridge.sandbox.azure.request import GROUP, SUBSCRIPTION, ArmRequest, Route
from bridge.sandbox.azure.security_rules import DEFAULT_RULES, refuse_bad_rules
from bridge.sandbox.azure.subscription import NIC, NSG, Resource, Subscription

_ALL = "/providers/Microsoft.Network/networkSecurityGroups"
_ONE = f"{GROUP}{_ALL}/{{name}}"
_RULES = f"{_ONE}/securityRules"
_RULE_RIGHT = f"{NSG}/securityRules"


def written_rules(
    group_id: str, rules: list[dict[str, Any]], *, collection: str, state: str
) -> list[dict[str, Any]]:
    """Answer rules with ids, entity tags and provisioning state."""
    return [
        {
            "name": rule["name"],
            "id": f"{group_id}/{collection}/{rule['name']}",
            "etag": etag(),
            "type": f"{NSG}/{collection}",
            "properties": {**rule["properties"], "provisioningState": state},
        }
        for rule in rules
    ]


def users(subscription: Subscription, group: Resource) -> list[str]:
    """Answer the ids of the interfaces that a security group is on."""
    return [
        nic.id
        for nic in subscription.of_type(NIC)
        if group_of(nic.properties).lower() == group.id.lower()
    ]


def _written(subscription: Subscription, group: Resource) -> dict[str, Any]:
    body = deepcopy(group.body)
    interfaces = [{"id": each} for each in users(subscription, group)]
    if interfaces:
        body["properties"]["networkInterfaces"] = interfaces
    return body


def _path(subscription: Subscription, asked: ArmRequest) -> str:
    return subscription.path(NSG, asked.parameters["group"], asked.parameters["name"])


def _get(subscription: Subscription, asked: ArmRequest) -> Response:
    return answer(_written(subscription, subscription.get(_path(subscription, asked))))


def _list(subscription: Subscription, asked: ArmRequest) -> Response:
    groups = subscription.of_group(NSG, asked.parameters["group"])
    return page(subscription, asked, [_written(subscription, each) for each in groups])


def _list_all(subscription: Subscription, asked: ArmRequest) -> Response:
    groups = subscription.of_type(NSG)
    return page(subscription, asked, [_written(subscription, each) for each in groups])


def _put(subscription: Subscription, asked: ArmRequest) -> Response:
    """Write a security group with all of its rules."""
    body = asked.body
    if not body.get("location"):
        message = "The location property is required for this definition."
        raise ArmError("LocationRequired", message)
    rules = deepcopy((body.get("properties") or {}).get("securityRules") or [])
    path = _path(subscription, asked)
    refuse_bad_rules(path, rules)
    present = subscription.resources.get(path.lower())
    refuse_other_version(asked, present)
    if present is not None:
        refuse_in_progress(present)
    else:
        subscription.of_group(NSG, asked.parameters["group"])  # which must exist
    before = deepcopy(present.body) if present else None
    group = present or subscription.put(
        NSG, asked.parameters["group"], asked.parameters["name"], location=body["location"]
    )
    group.body["tags"] = dict(body.get("tags") or {})
    group.body["properties"] = {}
    _fill(group, rules, "Updating")
    status = 200 if before is not None else 201
    return _begin(subscription, asked, group, before, status)


def _fill(group: Resource, rules: list[dict[str, Any]], state: str) -> None:
    group.body["etag"] = etag()
    group.body["properties"] |= {
        "provisioningState": state,
        "securityRules": written_rules(group.id, rules, collection="securityRules", state=state),
        "defaultSecurityRules": written_rules(
            group.id, DEFAULT_RULES, collection="defaultSecurityRules", state="Succeeded"
        ),
    }


def _begin(
    subscription: Subscription,
    asked: ArmRequest,
    group: Resource,
    before: dict[str, Any] | None,
    status: int,
) -> Response:
    def finish() -> None:
        group.properties["provisioningState"] = "Succeeded"
        for rule in group.properties["securityRules"]:
            rule["properties"]["provisioningState"] = "Succeeded"

    def fail() -> None:
        if before is None:
            subscription.remove(group)
        else:
            group.body = before
            group.properties["provisioningState"] = "Failed"

    def result() -> dict[str, Any]:
        name = asked.parameters.get("rule", "")
        return _rule(group, name) if name else _written(subscription, group)

    body = result() if status in (200, 201) else None
    operation = begin(
        subscription,
        asked,
        [group],
        finish=finish,
        fail=fail,
        result=result if body is not None else lambda: None,
    )
    return accepted(subscription, asked, operation, body, status)


def _delete(subscription: Subscription, asked: ArmRequest) -> Response:
    """Delete a security group that nothing uses."""
    group = subscription.resources.get(_path(subscription, asked).lower())
    if group is None:
        return answer(None, 204)
    refuse_other_version(asked, group)
    refuse_in_progress(group)
    used_by = users(subscription, group)
    if used_by:
        message = (
            f"Network security group {group.id} cannot be deleted because it is in use by the "
            f"following resources: {', '.join(used_by)}. In order to delete the Network security "
            "group, remove the association with the resource(s). To learn how to do this, see "
            "aka.ms/deletensg."
        )
        raise ArmError("InUseNetworkSecurityGroupCannotBeDeleted", message)
    group.properties["provisioningState"] = "Deleting"

    def fail() -> None:
        group.properties["provisioningState"] = "Failed"

    operation = begin(
        subscription, asked, [group], finish=lambda: subscription.remove(group), fail=fail
    )
    return accepted(subscription, asked, operation)


def _rule(group: Resource, name: str) -> dict[str, Any]:
    for rule in group.properties["securityRules"]:
        if rule["name"].lower() == name.lower():
            return deepcopy(rule)
    message = f"Resource {group.id}/securityRules/{name} not found."
    raise ArmError("NotFound", message, 404)


def _get_rule(subscription: Subscription, asked: ArmRequest) -> Response:
    group = subscription.get(_path(subscription, asked))
    return answer(_rule(group, asked.parameters["rule"]))


def _list_rules(subscription: Subscription, asked: ArmRequest) -> Response:
    group = subscription.get(_path(subscription, asked))
    return page(subscription, asked, deepcopy(group.properties["securityRules"]))


def _write_rules(subscription: Subscription, asked: ArmRequest) -> Response:
    """Put one rule in, or take one out."""
    group = subscription.get(_path(subscription, asked))
    refuse_in_progress(group)
    name, before = asked.parameters["rule"], deepcopy(group.body)
    others = [r for r in group.properties["securityRules"] if r["name"].lower() != name.lower()]
    known = len(others) < len(group.properties["securityRules"])
    if asked.method == "DELETE":
        if not known:
            return answer(None, 204)
        rules, status = others, 202
    else:
        rule = {"name": name, "properties": asked.body.get("properties") or {}}
        rules, status = [*others, rule], 200 if known else 201
        refuse_bad_rules(group.id, rules)
    _fill(group, rules, "Updating")
    return _begin(subscription, asked, group, before, status)


def _of_the_path(asked: ArmRequest) -> tuple[str, ...]:
    return (asked.path.lower().partition("/securityrules")[0],)


_RULE = f"{_RULES}/{{rule}}"
ROUTES = (
    Route("GET", _ONE, "NetworkSecurityGroups_Get", f"{NSG}/read", _get),
    Route("GET", f"{GROUP}{_ALL}", "NetworkSecurityGroups_List", f"{NSG}/read", _list),
    Route(
        "GET", f"{SUBSCRIPTION}{_ALL}", "NetworkSecurityGroups_ListAll", f"{NSG}/read", _list_all
    ),
    Route("PUT", _ONE, "NetworkSecurityGroups_CreateOrUpdate", f"{NSG}/write", _put),
    Route("DELETE", _ONE, "NetworkSecurityGroups_Delete", f"{NSG}/delete", _delete),
    Route(
        "GET", _RULES, "SecurityRules_List", f"{_RULE_RIGHT}/read", _list_rules, names=_of_the_path
    ),
    Route("GET", _RULE, "SecurityRules_Get", f"{_RULE_RIGHT}/read", _get_rule, names=_of_the_path),
    Route(
        "PUT",
        _RULE,
        "SecurityRules_CreateOrUpdate",
        f"{_RULE_RIGHT}/write",
        _write_rules,
        names=_of_the_path,
    ),
    Route(
        "DELETE",
        _RULE,
        "SecurityRules_Delete",
        f"{_RULE_RIGHT}/delete",
        _write_rules,
        names=_of_the_path,
    ),
)
