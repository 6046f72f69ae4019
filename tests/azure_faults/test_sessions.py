"""Whose token a call carries and where it goes, how long a call lasts, and what is said."""

from __future__ import annotations

import asyncio
import logging
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from bridge.sandbox.azure import AzureEmulator, VirtualClock
from bridge.sandbox.azure.request import ArmRequest
from bridge.settings import Settings
from providers.azure.clients import Clients, Request
from providers.azure.credentials import Identity
from providers.azure.irreversible import RestartVms
from providers.azure.operations import Standing
from providers.azure.pipeline import origin
from providers.azure.provider import AzureProvider
from providers.azure.session import AzureSession
from providers.azure.virtual_machines import PowerOffVms
from providers.contract import (
    AccessDeniedError,
    Caller,
    ProviderError,
    TransientError,
)
from providers.refusals import DeniedError, RefusedError
from tests.azure_faults.conftest import Calls, OpenSession
from tests.azure_faults.records import CLIENT_ID, SCOPE, SUBSCRIPTION, kinds, records_of, vm_id

OFF, RESTART = PowerOffVms(), RestartVms()
NONE = OFF.Parameters()
READ = ("compute", "virtual_machines.get", "sandbox", "web")


async def test_calls_carry_the_callers_token_and_never_anothers(
    open_session: OpenSession, azure: AzureEmulator
) -> None:
    azure.add_vm("web")
    others = [f"00000000-0000-4000-8000-0000000000d{n}" for n in range(5)]
    for other in others:
        azure.create_identity(other, actions=["*"])
    sessions = [await open_session(None, identity) for identity in (None, *others)]
    azure.forget_calls()
    await asyncio.gather(*(one.get(SUBSCRIPTION, *READ) for one in sessions for _ in range(3)))
    callers = [call.caller for call in azure.calls if call.operation == "VirtualMachines_Get"]
    assert sorted(callers) == sorted([AzureEmulator.owner_client_id, *others] * 3)
    assert len([call for call in azure.calls if call.operation == "Tokens_Get"]) == 6


async def test_tokens_stand_in_no_log(
    session: AzureSession, azure: AzureEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    azure.add_vm("web")
    records = records_of(OFF, [vm_id("web")])
    await OFF.prepare(session, NONE, records)
    await OFF.inject(session, NONE, records)
    tokens = list(azure._cloud.identities._by_token)
    assert len(tokens) > 1
    assert caplog.records
    assert not [one for one in caplog.records for token in tokens if token in one.getMessage()]


@pytest.mark.parametrize(
    ("identity", "mend"), [(CLIENT_ID, "AZURE_FEDERATED_TOKEN_FILE"), (None, "AZURE_CLIENT_SECRET")]
)
async def test_without_credentials_the_mend_is_named(
    open_session: OpenSession, monkeypatch: pytest.MonkeyPatch, identity: str | None, mend: str
) -> None:
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:1")
    monkeypatch.setenv("PATH", "")
    session = await open_session(None, identity)
    with pytest.raises(DeniedError, match=mend) as raised:
        await session.get(SUBSCRIPTION, *READ)
    assert raised.value.__cause__ is None


async def test_a_token_that_is_over_is_replaced(
    session: AzureSession, azure: AzureEmulator, calls: Calls
) -> None:
    azure.add_vm("web")
    azure.fail(operation="VirtualMachines_Get", error="ExpiredAuthenticationToken", status=401)
    with pytest.raises(TransientError, match="was over before VirtualMachines_Get"):
        await session.get(SUBSCRIPTION, *READ)
    azure.forget_calls()
    await session.get(SUBSCRIPTION, *READ)
    assert [call.operation for call in azure.calls] == ["Tokens_Get", "VirtualMachines_Get"]


async def test_bad_tokens_are_told_without_their_text(
    session: AzureSession, azure: AzureEmulator
) -> None:
    azure.fail(
        operation="VirtualMachines_Get",
        error="InvalidAuthenticationToken",
        message="the token was SECRET",
        status=401,
    )
    with pytest.raises(AccessDeniedError, match="does not accept the token") as raised:
        await session.get(SUBSCRIPTION, *READ)
    assert "SECRET" not in str(raised.value)


@pytest.mark.parametrize(
    ("code", "status", "kind", "words"),
    [
        ("ResourceNotFound", 404, RefusedError, "ResourceNotFound"),
        ("SubscriptionNotFound", 404, RefusedError, "SubscriptionNotFound"),
        ("ScopeLocked", 409, RefusedError, "Remove the lock"),
        ("RetryableError", 409, TransientError, "under way"),
        ("InternalError", 500, TransientError, "Azure failed"),
        ("AllocationFailed", 409, RefusedError, "lacks capacity"),
    ],
)
async def test_errors_are_told_in_our_words(  # noqa: PLR0917 - pytest passes them by name
    session: AzureSession,
    azure: AzureEmulator,
    code: str,
    status: int,
    kind: type[ProviderError],
    words: str,
) -> None:
    azure.fail(operation="VirtualMachines_Get", error=code, status=status, times=2)
    with pytest.raises(kind, match=words) as raised:
        await session.get(SUBSCRIPTION, *READ)
    assert raised.value.__cause__ is None
    assert getattr(raised.value, "gone", False) == (code == "ResourceNotFound")


async def test_an_endpoint_that_is_not_there_is_transient(azure: AzureEmulator) -> None:
    provider = AzureProvider(Settings(azure_endpoint="http://127.0.0.1:1"))
    session = await provider.session(Caller(SCOPE, CLIENT_ID, "x", "lab"), None)
    with pytest.raises(TransientError, match="Azure did not answer VirtualMachines_Get"):
        await session.get(SUBSCRIPTION, *READ)
    await provider.close()


class _Proxy(BaseHTTPRequestHandler):
    """Answers everything with a page of its own."""

    status = 502

    def do_GET(self) -> None:
        page = b"<html>no</html>"
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("status", [200, 403, 502])
async def test_a_proxys_page_is_not_azures_answer(azure: AzureEmulator, status: int) -> None:
    handler = type("Handler", (_Proxy,), {"status": status})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        provider = AzureProvider(Settings(azure_endpoint=f"http://127.0.0.1:{server.server_port}"))
        session = await provider.session(Caller(SCOPE, CLIENT_ID, "x", "lab"), None)
        with pytest.raises(TransientError, match="is not Azure's"):
            await session.get(SUBSCRIPTION, *READ)
        with pytest.raises(TransientError, match="is not Azure's"):
            await anext(session.pages(SUBSCRIPTION, "compute", "disks.list"))
        await provider.close()
        server.shutdown()
        thread.join()


async def test_a_longer_pause_than_a_call_may_last_is_left_to_the_engine(
    azure: AzureEmulator,
) -> None:
    with AzureEmulator(clock=VirtualClock(), retry_after=60) as emulator:
        emulator.add_vm("web")
        emulator.create_identity(CLIENT_ID, actions=["*"])
        provider = AzureProvider(Settings(azure_endpoint=emulator.url))
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("IDENTITY_ENDPOINT", emulator.environment()["IDENTITY_ENDPOINT"])
            session = await provider.session(Caller(SCOPE, CLIENT_ID, "x", "lab"), None)
            emulator.throttle(operation="VirtualMachines_Get")
            with pytest.raises(TransientError, match="Azure throttled"):
                await session.get(SUBSCRIPTION, *READ)
        assert [c.status for c in emulator.calls if c.operation == "VirtualMachines_Get"] == [429]
        await provider.close()


async def test_an_operation_elsewhere_is_not_asked(
    session: AzureSession, azure: AzureEmulator, monkeypatch: pytest.MonkeyPatch, calls: Calls
) -> None:
    azure.add_vm("web")
    records = records_of(OFF, [vm_id("web")])
    await OFF.prepare(session, NONE, records)
    monkeypatch.setattr(ArmRequest, "host", "http://elsewhere.example")
    assert kinds(await OFF.inject(session, NONE, records), records) == ["pending"]
    assert "operation" not in records[0].state
    restarts = records_of(RESTART, [vm_id("web")])
    azure.complete_transitions()
    azure.add_vm("web")
    assert kinds(await RESTART.inject(session, RESTART.Parameters(), restarts), restarts) == [
        "done"
    ]
    asked = await session.ask(SUBSCRIPTION, {"url": "http://127.0.0.1:1/x", "by": "Location"})
    assert asked.standing is Standing.UNKNOWN


async def test_a_page_elsewhere_is_not_followed(
    session: AzureSession, azure: AzureEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        azure.add_vm(f"vm-{number}")
    monkeypatch.setattr(azure._cloud, "page_size", 3)
    monkeypatch.setattr(ArmRequest, "host", "http://elsewhere.example")
    pages = session.pages(SUBSCRIPTION, "compute", "virtual_machines.list_all")
    assert len(await anext(pages)) == 3
    with pytest.raises(ProviderError, match="somewhere else than Resource Manager"):
        await anext(pages)


async def test_one_hanging_subscription_leaves_the_others_their_threads(
    azure: AzureEmulator,
) -> None:
    provider = AzureProvider(Settings(cloud_threads=1))
    session = await provider.session(Caller(SCOPE, None, "reader", "lab"), None)
    azure.hang(operation="VirtualMachines_Get")
    stuck = asyncio.create_task(session.get(SUBSCRIPTION, *READ))
    other = SUBSCRIPTION.replace("1", "2")
    with pytest.raises(RefusedError):
        await asyncio.wait_for(session.get(other, "compute", "disks.get", "sandbox", "x"), 10)
    assert not stuck.done()
    azure.behave()
    with pytest.raises(ProviderError):
        await stuck
    await provider.close()


def test_a_client_used_outside_of_a_call_cannot_send() -> None:
    clients = Clients("http://127.0.0.1:1")
    with pytest.raises(LookupError):
        list(clients.get("compute", SUBSCRIPTION).disks.list())
    clients.close()


def test_a_call_is_named_as_in_arms_specification() -> None:
    request = Request("compute", "virtual_machines", "begin_power_off")
    assert str(request) == "VirtualMachines_PowerOff"


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://MANAGEMENT.azure.com:443/x", True),
        ("http://management.azure.com/x", False),
        ("https://management.azure.com.evil.example/x", False),
        ("https://management.azure.com@evil.example/x", False),
        ("https://management.azure.com:8443/x", False),
        ("https://[", False),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, same: bool) -> None:
    assert (origin(url) == origin("https://management.azure.com")) is same


class _Source:
    """A credential whose tokens end when told."""

    def __init__(self, *left: float) -> None:
        self.left = list(left)

    def get_token(self, *_: str) -> Any:
        import time  # noqa: PLC0415 - only here

        from azure.core.credentials import AccessToken  # noqa: PLC0415 - the SDK loads late

        if not self.left:
            raise TransientError("no answer")
        seconds = self.left.pop(0)
        return AccessToken(f"token-{seconds}", int(time.time() + seconds))

    def close(self) -> None:
        pass


def test_a_token_is_replaced_before_it_ends_and_serves_while_it_lasts() -> None:
    identity = Identity(_Source(200, 3600))  # type: ignore[arg-type] # a double
    assert [identity.token() for _ in range(3)] == ["token-200", "token-3600", "token-3600"]
    failing = Identity(_Source(200))  # type: ignore[arg-type] # a double
    assert [failing.token() for _ in range(2)] == ["token-200"] * 2
    late = Identity(_Source(60))  # type: ignore[arg-type] # a double
    late.token()
    with pytest.raises(TransientError):
        late.token()
