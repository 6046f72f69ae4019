"""Who may ask: key files, access tokens, impersonation, and IAM permissions."""

from __future__ import annotations

import json
import stat
import time
from pathlib import Path
from typing import Any

import google.auth
import pytest
import requests
from google.api_core import exceptions
from google.auth import crypt, impersonated_credentials, jwt
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.oauth2 import service_account

from bridge.sandbox.gcp import GcpEmulator, build
from tests.gcp_emulator.conftest import SCOPES, Client

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def _as(gcp: GcpEmulator, email: str) -> Any:
    source, _ = google.auth.default(scopes=SCOPES)
    endpoint = f"{gcp.url}/v1/projects/-/serviceAccounts/{email}:generateAccessToken"
    return impersonated_credentials.Credentials(  # type: ignore[no-untyped-call] # google-auth has no types
        source, email, SCOPES, iam_endpoint_override=endpoint
    )


def _key(gcp: GcpEmulator) -> dict[str, str]:
    path = Path(gcp.environment()["GOOGLE_APPLICATION_CREDENTIALS"])
    content: dict[str, str] = json.loads(path.read_text())
    return content


def test_key_file_is_private_and_goes_with_the_emulator() -> None:
    with GcpEmulator() as emulator:
        path = Path(emulator.environment()["GOOGLE_APPLICATION_CREDENTIALS"])
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert json.loads(path.read_text())["token_uri"] == f"{emulator.url}/token"
    assert not path.parent.exists()


def test_default_credentials_send_a_jwt_signed_by_the_owner(
    gcp: GcpEmulator, client: Client, where: dict[str, str]
) -> None:
    list(client("Instances").list(**where))
    (call,) = gcp.calls
    assert (call.service, call.operation, call.caller, call.status) == (
        "compute",
        "instances.list",
        gcp.owner,
        200,
    )
    assert call.rights == ("compute.instances.list",)


def test_access_token_of_the_token_endpoint_is_the_owner(gcp: GcpEmulator) -> None:
    path = gcp.environment()["GOOGLE_APPLICATION_CREDENTIALS"]
    credentials = service_account.Credentials.from_service_account_file(path, scopes=SCOPES)  # type: ignore[no-untyped-call] # google-auth has no types
    credentials.refresh(Request())
    answer = requests.get(
        f"{gcp.url}/compute/v1/projects/{gcp.project}/zones",
        headers={"Authorization": f"Bearer {credentials.token}"},
        timeout=10,
    )
    assert [zone["name"] for zone in answer.json()["items"]] == ["us-central1-a", "us-central1-b"]
    assert [call.operation for call in gcp.calls] == ["token", "zones.list"]


def test_owner_has_a_token_for_plain_http(gcp: GcpEmulator) -> None:
    answer = requests.get(
        f"{gcp.url}/compute/v1/projects/{gcp.project}/global/networks",
        headers={"Authorization": f"Bearer {gcp.owner_token}"},
        timeout=10,
    )
    assert answer.json()["kind"] == "compute#networkList"


def test_assertion_of_another_key_or_issuer_is_refused(gcp: GcpEmulator) -> None:
    with GcpEmulator() as other:
        stranger = crypt.RSASigner.from_service_account_info(_key(other))  # type: ignore[no-untyped-call] # google-auth has no types
    signer = crypt.RSASigner.from_service_account_info(_key(gcp))  # type: ignore[no-untyped-call] # google-auth has no types
    now = int(time.time())
    claims = {"iss": gcp.owner, "aud": f"{gcp.url}/token", "iat": now, "exp": now + 60}
    answers = []
    for key, changed in (
        (signer, {}),
        (stranger, {}),
        (signer, {"iss": "somebody@else"}),
        (signer, {"aud": "https://else.example/token"}),
        (signer, {"iat": now - 300, "exp": now - 200}),
    ):
        assertion = jwt.encode(key, claims | changed).decode()  # type: ignore[no-untyped-call] # google-auth has no types
        form = {"grant_type": GRANT, "assertion": assertion}
        answers.append(requests.post(f"{gcp.url}/token", data=form, timeout=10))
    assert [answer.status_code for answer in answers] == [200, 400, 400, 400, 400]
    assert {answer.json()["error"] for answer in answers[1:]} == {"invalid_grant"}


@pytest.mark.parametrize(
    ("headers", "reason"),
    [({}, "required"), ({"Authorization": "Bearer made-up"}, "authError")],
)
def test_no_or_unknown_token_is_401_in_googles_shape(
    gcp: GcpEmulator, headers: dict[str, str], reason: str
) -> None:
    url = f"{gcp.url}/compute/v1/projects/{gcp.project}/zones"
    answer = requests.get(url, headers=headers, timeout=10)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["status"]) == (401, 401, "UNAUTHENTICATED")
    assert error["errors"][0]["reason"] == reason


def test_impersonated_account_may_what_it_was_granted(
    gcp: GcpEmulator, client: Client, where: dict[str, str]
) -> None:
    email = gcp.create_service_account("chaos", permissions=["compute.instances.stop"])
    gcp.add_instance("vm")
    instances = client("Instances", _as(gcp, email))
    operation = instances.stop_unary(instance="vm", **where)
    assert operation.user == email
    with pytest.raises(exceptions.Forbidden) as refused:
        instances.get(instance="vm", **where)
    path = f"projects/{gcp.project}/zones/us-central1-a/instances/vm"
    wanted = f"Required 'compute.instances.get' permission for '{path}'"
    assert refused.value.message.endswith(wanted)
    assert refused.value.errors[0]["reason"] == "forbidden"
    logged = [(call.operation, call.caller, call.rights) for call in gcp.calls][-3:]
    assert logged == [
        ("generateAccessToken", gcp.owner, ("iam.serviceAccounts.getAccessToken",)),
        ("instances.stop", email, ("compute.instances.stop",)),
        ("instances.get", email, ("compute.instances.get",)),
    ]


def test_account_that_the_owner_may_not_use_gives_no_token(
    gcp: GcpEmulator, client: Client, where: dict[str, str]
) -> None:
    email = gcp.create_service_account("closed", usable_by_owner=False)
    with pytest.raises(RefreshError, match=r"iam\.serviceAccounts\.getAccessToken"):
        list(client("Instances", _as(gcp, email)).list(**where))


def test_every_permission_of_a_method_is_needed(
    gcp: GcpEmulator, client: Client, where: dict[str, str]
) -> None:
    email = gcp.create_service_account("half", permissions=["compute.instances.attachDisk"])
    gcp.add_instance("vm")
    gcp.add_disk("data")
    instances = client("Instances", _as(gcp, email))
    source = gcp.disk("data")["selfLink"]
    for mode, right in (("READ_WRITE", "use"), ("READ_ONLY", "useReadOnly")):
        with pytest.raises(exceptions.Forbidden, match=f"compute.disks.{right}'"):
            instances.attach_disk_unary(
                instance="vm", attached_disk_resource={"source": source, "mode": mode}, **where
            )


def test_without_permissions_nothing_is_checked() -> None:
    with GcpEmulator(permissions=False) as emulator:
        email = emulator.create_service_account("bare")
        emulator.add_instance("vm")
        with pytest.MonkeyPatch.context() as patch:
            for name, value in emulator.environment().items():
                patch.setenv(name, value)
            credentials = _as(emulator, email)
            credentials.refresh(Request())
        url = f"{emulator.url}/compute/v1/projects/{emulator.project}/zones/us-central1-a"
        headers = {"Authorization": f"Bearer {credentials.token}"}
        answer = requests.get(f"{url}/instances/vm", headers=headers, timeout=10)
        assert answer.json()["name"] == "vm"


def test_granted_permissions_can_be_asked_for(gcp: GcpEmulator, client: Client) -> None:
    estate = build(gcp)
    wanted = ["compute.instances.stop", "compute.instances.setMetadata"]
    asked = {
        "project": gcp.project,
        "zone": "us-central1-a",
        "resource": "carts-worker-1",
        "test_permissions_request_resource": {"permissions": wanted},
    }
    instances = client("Instances", _as(gcp, estate.service_account))
    assert list(instances.test_iam_permissions(**asked).permissions) == wanted[:1]
    assert list(client("Instances").test_iam_permissions(**asked).permissions) == wanted
