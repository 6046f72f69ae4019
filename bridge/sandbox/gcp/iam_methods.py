"""Resource Manager's and IAM's methods about who may do what in the project.

Resource Manager API reference v3 (projects: getIamPolicy, setIamPolicy, testIamPermissions), IAM
API reference v1 (projects.roles: get, create, patch; roles.get; projects.serviceAccounts:
getIamPolicy, setIamPolicy).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from bridge.sandbox.gcp.accounts import Accounts
from bridge.sandbox.gcp.errors import GoogleError, not_emulated
from bridge.sandbox.gcp.policies import PREDEFINED, Policy
from bridge.sandbox.gcp.request import GcpRequest

_ROLE_ID: Final = re.compile(r"[a-zA-Z0-9_.]{3,64}")
_FIELDS: Final = ("title", "description", "includedPermissions", "stage")
_ROLE: Final = (*_FIELDS, "name", "etag")
_TESTED: Final = 100


def answer(accounts: Accounts, asked: GcpRequest) -> dict[str, Any]:
    """Carry a method out, if the caller may. Raises `GoogleError`."""
    accounts.require(asked)
    method = _METHODS.get(asked.operation)
    if method is None:
        raise not_emulated(asked.operation or f"{asked.verb} {asked.http.path}")
    if asked.project not in ("-", accounts.project) or not all(map(asked.may, asked.rights)):
        # Resource Manager tells no strangers which projects there are.
        raise _denied(asked)
    return method(accounts, asked)


def _denied(asked: GcpRequest) -> GoogleError:
    right = next(iter(asked.rights), "resourcemanager.projects.get")
    message = f"Permission '{right}' denied on resource '{asked.path}' (or it may not exist)."
    return GoogleError(403, "forbidden", message)


def _policy(accounts: Accounts, asked: GcpRequest) -> Policy:
    if not asked.name:
        return accounts.policy
    account = accounts.by_email.get(asked.name)
    if account is None:
        raise GoogleError(404, "notFound", f"Service account {asked.name} does not exist.")
    return account.policy


def _get_policy(accounts: Accounts, asked: GcpRequest) -> dict[str, Any]:
    if asked.service == "iam":  # there the version is a parameter of the query
        version = asked.query.get("options.requestedPolicyVersion", "1")
    else:
        options = asked.taken("options").get("options") or {}
        version = str(options.get("requestedPolicyVersion", "1"))
    return _policy(accounts, asked).rendered(int(version) if version.isdigit() else 1)


def _set_policy(accounts: Accounts, asked: GcpRequest) -> dict[str, Any]:
    policy = _policy(accounts, asked)
    policy.replace(asked.taken("policy").get("policy") or {}, accounts.roles)
    return policy.rendered(3)


def _test(accounts: Accounts, asked: GcpRequest) -> dict[str, Any]:  # noqa: ARG001 - as the others
    wanted = asked.taken("permissions").get("permissions") or []
    if len(wanted) > _TESTED:
        raise GoogleError(400, "badRequest", "Too many permissions to test.")
    for permission in wanted:
        if not re.fullmatch(r"[a-z][a-zA-Z]*(\.[a-zA-Z]+){2}", permission):
            message = f"Permission {permission} is not valid for this resource."
            raise GoogleError(400, "badRequest", message)
    granted = [permission for permission in wanted if asked.may(permission)]
    return {"permissions": granted} if granted else {}


def _get_role(accounts: Accounts, asked: GcpRequest) -> dict[str, Any]:
    if asked.project == "-":
        name = f"roles/{asked.name}"
        if name not in PREDEFINED:
            raise not_emulated(f"the predefined role {name}")
        return {"name": name, "includedPermissions": list(PREDEFINED[name]), "stage": "GA"}
    return _role(accounts, asked)


def _role(accounts: Accounts, asked: GcpRequest) -> dict[str, Any]:
    role = accounts.roles.by_id.get(asked.name)
    if role is None:
        name = f"projects/{asked.project}/roles/{asked.name}"
        raise GoogleError(404, "notFound", f"The role named {name} was not found.")
    return role


def _create_role(accounts: Accounts, asked: GcpRequest) -> dict[str, Any]:
    body = asked.taken("roleId", "role")
    role_id, role = str(body.get("roleId", "")), body.get("role") or {}
    if not _ROLE_ID.fullmatch(role_id):
        raise GoogleError(400, "badRequest", f"The role_id {role_id!r} is not valid.")
    _known_fields(role, _FIELDS)
    if role_id in accounts.roles.by_id:
        message = f"A role named {role_id} in projects/{asked.project} already exists."
        raise GoogleError(409, "alreadyExists", message)
    return accounts.roles.put(role_id, role)


def _patch_role(accounts: Accounts, asked: GcpRequest) -> dict[str, Any]:
    role, given = _role(accounts, asked), asked.taken(*_ROLE)
    masked = [one for one in asked.query.get("updateMask", "").split(",") if one]
    _known_fields(dict.fromkeys(masked), _FIELDS)
    if given.get("etag", role["etag"]) != role["etag"]:
        message = "There were concurrent changes to the role."
        raise GoogleError(409, "aborted", message, canonical="ABORTED")
    changed = {one: given.get(one) for one in masked or _FIELDS if one in given or masked}
    return accounts.roles.put(asked.name, {**role, **changed})


def _known_fields(role: dict[str, Any], known: tuple[str, ...]) -> None:
    for key in role:
        if key not in known:
            raise not_emulated(f"the field {key} of a role")


_METHODS: Final[dict[str, Callable[[Accounts, GcpRequest], dict[str, Any]]]] = {
    "projects.getIamPolicy": _get_policy,
    "projects.setIamPolicy": _set_policy,
    "projects.testIamPermissions": _test,
    "projects.roles.get": _get_role,
    "projects.roles.create": _create_role,
    "projects.roles.patch": _patch_role,
    "projects.serviceAccounts.getIamPolicy": _get_policy,
    "projects.serviceAccounts.setIamPolicy": _set_policy,
}
