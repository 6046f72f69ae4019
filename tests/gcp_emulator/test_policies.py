"""Allow policies and custom roles, over google-auth's own session."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest
from google.auth.transport.requests import AuthorizedSession
from google.oauth2.credentials import Credentials

from bridge.sandbox.gcp import GcpEmulator

STOP: Final = "compute.instances.stop"
Http = Any


@pytest.fixture
def owner(gcp: GcpEmulator) -> Iterator[Http]:
    with AuthorizedSession(Credentials(gcp.owner_token)) as session:  # type: ignore[no-untyped-call] # google-auth annotates half of itself
        yield session


def token_of(owner: Http, gcp: GcpEmulator, account: str) -> Http:
    url = f"{gcp.url}/v1/projects/-/serviceAccounts/{account}:generateAccessToken"
    return owner.post(url, json={"scope": ["https://www.googleapis.com/auth/cloud-platform"]})


def policy(owner: Http, gcp: GcpEmulator, **options: Any) -> dict[str, Any]:
    url = f"{gcp.url}/v3/projects/{gcp.project}:getIamPolicy"
    found: dict[str, Any] = owner.post(url, json={"options": options} if options else {}).json()
    return found


def put(owner: Http, gcp: GcpEmulator, changed: dict[str, Any]) -> Any:
    url = f"{gcp.url}/v3/projects/{gcp.project}:setIamPolicy"
    return owner.post(url, json={"policy": changed})


def granted_of(gcp: GcpEmulator, token: str, *permissions: str) -> list[str]:
    with AuthorizedSession(Credentials(token)) as session:  # type: ignore[no-untyped-call] # as above
        url = f"{gcp.url}/v3/projects/{gcp.project}:testIamPermissions"
        answer = session.post(url, json={"permissions": list(permissions)})
        answer.raise_for_status()
        return list(answer.json().get("permissions", []))


def test_a_binding_gives_and_takes_what_its_role_holds(gcp: GcpEmulator, owner: Http) -> None:
    account = gcp.create_service_account("some", permissions=[])
    token = token_of(owner, gcp, account).json()["accessToken"]
    assert granted_of(gcp, token, STOP) == []
    made = owner.post(
        f"{gcp.url}/v1/projects/{gcp.project}/roles",
        json={"roleId": "stopping", "role": {"title": "s", "includedPermissions": [STOP]}},
    ).json()
    before = policy(owner, gcp)
    binding = {"role": made["name"], "members": [f"serviceAccount:{account}"]}
    after = put(owner, gcp, {**before, "bindings": [*before["bindings"], binding]})
    assert after.status_code == 200
    assert granted_of(gcp, token, STOP, "compute.instances.start") == [STOP]
    masked = {"updateMask": "includedPermissions"}
    changed = {"includedPermissions": [], "etag": made["etag"]}
    url = f"{gcp.url}/v1/{made['name']}"
    assert owner.patch(url, params=masked, json=changed).status_code == 200
    assert granted_of(gcp, token, STOP) == []
    # The etag was that of an older one, and says so.
    conflict = owner.patch(url, params=masked, json=changed)
    assert conflict.status_code == 409
    assert conflict.json()["error"]["status"] == "ABORTED"


def test_a_policy_upon_an_older_etag_is_refused(gcp: GcpEmulator, owner: Http) -> None:
    before = policy(owner, gcp)
    assert put(owner, gcp, before).status_code == 200
    refused = put(owner, gcp, before)
    assert refused.status_code == 409
    assert refused.json()["error"]["status"] == "ABORTED"
    assert "read-modify-write" in refused.json()["error"]["message"]


def test_conditions_want_version_three_and_hold_for_some_names_only(
    gcp: GcpEmulator, owner: Http
) -> None:
    gcp.create_service_account("holder", permissions=["compute.firewalls.list"])
    account = gcp.create_service_account("narrow", permissions=["compute.instances.get"])
    role = f"projects/{gcp.project}/roles/sandbox.holder"
    prefix = f"projects/{gcp.project}/global/firewalls"
    condition = {"title": "c", "expression": f'resource.name.startsWith("{prefix}")'}
    binding = {"role": role, "members": [f"serviceAccount:{account}"], "condition": condition}
    before = policy(owner, gcp, requestedPolicyVersion=3)
    wanted = {**before, "bindings": [*before["bindings"], binding]}
    assert "version must be 3" in put(owner, gcp, wanted).json()["error"]["message"]
    assert put(owner, gcp, {**wanted, "version": 3}).status_code == 200
    hidden = [one["role"] for one in policy(owner, gcp)["bindings"]]
    assert any(one.startswith(f"{role}_withcond_") for one in hidden)
    token = token_of(owner, gcp, account).json()["accessToken"]
    assert granted_of(gcp, token, "compute.firewalls.list") == []
    with AuthorizedSession(Credentials(token)) as session:  # type: ignore[no-untyped-call] # as above
        base = f"{gcp.url}/compute/v1/projects/{gcp.project}"
        assert session.get(f"{base}/global/firewalls").status_code == 200
        assert session.get(f"{base}/global/networks").status_code == 403


@pytest.mark.parametrize(
    "changed",
    [
        {"bindings": [{"role": "roles/editor", "members": ["serviceAccount:a@b.c"]}]},
        {"bindings": [{"role": "roles/owner", "members": ["group:all@example.com"]}]},
        {"auditConfigs": []},
        {
            "version": 3,
            "bindings": [
                {
                    "role": "roles/owner",
                    "members": ["serviceAccount:a@b.c"],
                    "condition": {"expression": "request.time < timestamp('2030-01-01')"},
                }
            ],
        },
    ],
)
def test_what_is_not_evaluated_is_refused_by_name(
    gcp: GcpEmulator, owner: Http, changed: dict[str, Any]
) -> None:
    refused = put(owner, gcp, changed)
    assert refused.status_code == 501
    assert "does not emulate" in refused.json()["error"]["message"]
    unknown = put(owner, gcp, {"bindings": [{"role": f"projects/{gcp.project}/roles/none"}]})
    assert unknown.status_code == 400


def test_who_may_not_read_or_write_is_refused(gcp: GcpEmulator, owner: Http) -> None:
    account = gcp.create_service_account("poor", permissions=[STOP])
    token = token_of(owner, gcp, account).json()["accessToken"]
    with AuthorizedSession(Credentials(token)) as session:  # type: ignore[no-untyped-call] # as above
        for path, right in (
            (f"v3/projects/{gcp.project}:getIamPolicy", "resourcemanager.projects.getIamPolicy"),
            (f"v3/projects/{gcp.project}:setIamPolicy", "resourcemanager.projects.setIamPolicy"),
            (f"v1/projects/{gcp.project}/roles", "iam.roles.create"),
            (
                f"v1/projects/-/serviceAccounts/{account}:setIamPolicy",
                "iam.serviceAccounts.setIamPolicy",
            ),
        ):
            refused = session.post(f"{gcp.url}/{path}", json={})
            assert refused.status_code == 403
            assert f"'{right}' denied" in refused.json()["error"]["message"]
        other = session.post(f"{gcp.url}/v3/projects/other:testIamPermissions", json={})
        assert other.status_code == 403


def test_an_accounts_own_policy_says_who_makes_its_tokens(gcp: GcpEmulator, owner: Http) -> None:
    account = gcp.create_service_account("mine", usable_by_owner=False)
    assert token_of(owner, gcp, account).status_code == 403
    url = f"{gcp.url}/v1/projects/-/serviceAccounts/{account}"
    before = owner.post(f"{url}:getIamPolicy").json()
    role = "roles/iam.serviceAccountTokenCreator"
    held = owner.get(f"{gcp.url}/v1/{role}").json()["includedPermissions"]
    assert "iam.serviceAccounts.getAccessToken" in held
    binding = {"role": role, "members": [f"serviceAccount:{gcp.owner}"]}
    after = owner.post(f"{url}:setIamPolicy", json={"policy": {**before, "bindings": [binding]}})
    assert after.status_code == 200
    assert token_of(owner, gcp, account).status_code == 200
