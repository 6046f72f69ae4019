"""Role definitions and assignments, by the SDK: who may do what, and where."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError

from bridge.sandbox.azure import AzureEmulator
from tests.azure_emulator.conftest import Connect

GROUP = "shop"
START = "Microsoft.Compute/virtualMachines/start/action"
READ = "Microsoft.Compute/virtualMachines/read"
CLIENT = "22222222-0000-4000-8000-000000000001"


@pytest.fixture
def authorization(connect: Connect) -> Any:
    return connect("authorization")


def token_of(emulator: AzureEmulator) -> str:
    environment = emulator.environment()
    answer = httpx.get(
        environment["IDENTITY_ENDPOINT"],
        params={"client_id": CLIENT, "resource": "https://management.azure.com/"},
        headers={"X-IDENTITY-HEADER": environment["IDENTITY_HEADER"]},
    )
    return str(answer.json()["access_token"])


def scope_of(emulator: AzureEmulator, group: str = GROUP) -> str:
    return f"subscriptions/{emulator.subscription}/resourceGroups/{group}"


def define(authorization: Any, scope: str, name: str, *actions: str, **more: Any) -> Any:
    properties = {
        "roleName": name,
        "type": "CustomRole",
        "description": "",
        "assignableScopes": [f"/{scope}"],
        "permissions": [{"actions": list(actions), **more}],
    }
    guid = str(uuid.uuid5(uuid.NAMESPACE_URL, name))
    return authorization.role_definitions.create_or_update(scope, guid, _json(properties))


def assign(authorization: Any, scope: str, role: Any, principal: str, name: str = "") -> Any:
    properties = {"roleDefinitionId": role.id, "principalId": principal}
    name = name or str(uuid.uuid5(uuid.NAMESPACE_URL, f"{role.id}{principal}{scope}"))
    return authorization.role_assignments.create(scope, name, _json(properties))


def _json(properties: dict[str, Any]) -> bytes:
    return json.dumps({"properties": properties}).encode()


def refused(call: Any, *arguments: Any, **options: Any) -> str:
    with pytest.raises(HttpResponseError) as error:
        call(*arguments, **options)
    assert error.value.error is not None
    return str(error.value.error.code)


def test_a_role_counts_at_its_scope_and_below(emulator: AzureEmulator, connect: Connect) -> None:
    owner = connect("authorization")
    emulator.add_vm("vm1", resource_group=GROUP)
    emulator.add_vm("vm2", resource_group="bank")
    emulator.create_identity(CLIENT, actions=[])
    machines = connect("compute", token_of(emulator)).virtual_machines
    assert refused(machines.get, GROUP, "vm1") == "AuthorizationFailed"
    role = define(owner, scope_of(emulator), "reader", "Microsoft.Compute/*", notActions=[START])
    assign(owner, scope_of(emulator), role, emulator.object_id(CLIENT))
    assert machines.get(GROUP, "vm1").name == "vm1"
    assert refused(machines.get, "bank", "vm2") == "AuthorizationFailed"
    assert refused(machines.begin_start, GROUP, "vm1") == "AuthorizationFailed"
    # Roles add up: what one takes away another may give.
    both = define(owner, scope_of(emulator), "starter", START)
    assign(owner, scope_of(emulator), both, emulator.object_id(CLIENT))
    machines.begin_start(GROUP, "vm1", polling=False)


def test_what_applies_at_a_scope_is_listed_also_from_above(
    emulator: AzureEmulator, authorization: Any
) -> None:
    emulator.create_identity(CLIENT, actions=[READ])
    principal = emulator.object_id(CLIENT)
    filtered = f"atScope() and assignedTo('{principal}')"
    (above,) = authorization.role_assignments.list_for_scope(scope_of(emulator), filter=filtered)
    assert above.scope == f"/subscriptions/{emulator.subscription}"
    role = authorization.role_definitions.get_by_id(above.role_definition_id.lstrip("/"))
    assert role.permissions[0].actions == [READ]
    made = define(authorization, scope_of(emulator), "here", START)
    assign(authorization, scope_of(emulator), made, principal)
    listed = authorization.role_assignments.list_for_scope(scope_of(emulator), filter=filtered)
    assert len(list(listed)) == 2
    elsewhere = scope_of(emulator, "bank")
    assert len(list(authorization.role_assignments.list_for_scope(elsewhere, filter=filtered))) == 1
    names = authorization.role_definitions.list(scope_of(emulator), filter="roleName eq 'here'")
    assert [one.name for one in names] == [made.name]


def test_what_azure_refuses(emulator: AzureEmulator, authorization: Any) -> None:
    scope = scope_of(emulator)
    emulator.create_identity(CLIENT, actions=[])
    principal = emulator.object_id(CLIENT)
    role = define(authorization, scope, "one", READ)
    again = define(authorization, scope, "one", READ, START)  # the same guid: it is changed
    assert again.id == role.id
    other = str(uuid.uuid4())
    same_name = {"roleName": "one", "assignableScopes": [f"/{scope}"], "permissions": []}
    put = authorization.role_definitions.create_or_update
    assert refused(put, scope, other, _json(same_name)) == "RoleDefinitionWithSameNameExists"
    assign(authorization, scope, role, principal)
    twice = refused(assign, authorization, scope, role, principal, other)
    assert twice == "RoleAssignmentExists"
    nobody = refused(assign, authorization, scope, role, str(uuid.uuid4()))
    assert nobody == "PrincipalNotFound"
    outside = refused(assign, authorization, scope_of(emulator, "bank"), role, principal)
    assert outside == "RoleDefinitionNotAvailable"
    listing = authorization.role_assignments.list_for_scope
    with pytest.raises(HttpResponseError, match="does not emulate the filter"):
        list(listing(scope, filter="principalId ne 'x'"))


def test_who_may_not_is_refused(emulator: AzureEmulator, connect: Connect) -> None:
    emulator.create_identity(CLIENT, actions=["Microsoft.Compute/*"])
    mine = connect("authorization", token_of(emulator))
    scope = scope_of(emulator)
    with pytest.raises(HttpResponseError, match="roleAssignments/read"):
        list(mine.role_assignments.list_for_scope(scope))
    with pytest.raises(HttpResponseError, match="roleDefinitions/write"):
        define(mine, scope, "mine", READ)
