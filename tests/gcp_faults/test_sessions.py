"""Whose token a call carries, how long it serves, and what is said when it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from google.auth.exceptions import DefaultCredentialsError

from bridge.sandbox.gcp import GcpEmulator
from bridge.settings import Settings
from providers.contract import AccessDeniedError, Caller, TransientError
from providers.gcp import clients
from providers.gcp.credentials import Tokens
from providers.gcp.provider import GcpProvider
from providers.gcp.session import GcpSession
from providers.refusals import DeniedError, RefusedError
from tests.gcp_faults.conftest import Launch, OpenSession
from tests.gcp_faults.records import EXPERIMENT, INSTALLATION, SCOPE

READER = Caller(SCOPE, None, "reader", INSTALLATION)


async def listed(session: GcpSession, gcp: GcpEmulator) -> list[Any]:
    return await session.listed("instances", project=gcp.project, zone="us-central1-a")


async def test_calls_are_made_as_the_service_account(
    open_session: OpenSession, gcp: GcpEmulator, account: str
) -> None:
    session = await open_session()
    gcp.forget_calls()
    await listed(session, gcp)
    await listed(session, gcp)
    assert [(call.operation, call.caller) for call in gcp.calls] == [
        ("token", ""),
        ("generateAccessToken", gcp.owner),
        ("instances.list", account),
        ("instances.list", account),
    ]


async def test_the_reader_calls_as_the_bridge_itself(
    open_session: OpenSession, gcp: GcpEmulator
) -> None:
    session = await open_session(identity=None)
    gcp.forget_calls()
    await listed(session, gcp)
    assert [call.caller for call in gcp.calls][-1] == gcp.owner


async def test_side_by_side_each_call_has_its_own_token(
    open_session: OpenSession, gcp: GcpEmulator
) -> None:
    names = [
        gcp.create_service_account(f"a{n}", permissions=("compute.instances.list",))
        for n in range(8)
    ]
    sessions = [await open_session(identity=name) for name in names]
    gcp.forget_calls()
    await asyncio.gather(*(listed(session, gcp) for session in sessions * 3))
    callers = [call.caller for call in gcp.calls if call.operation == "instances.list"]
    assert sorted(callers) == sorted(names * 3)
    asked = [call for call in gcp.calls if call.operation == "generateAccessToken"]
    assert len(asked) == len(names)


async def test_a_client_used_outside_of_a_call_cannot_authenticate(
    session: GcpSession, gcp: GcpEmulator
) -> None:
    await listed(session, gcp)
    client = session.connections._clients.get("instances")
    with pytest.raises(LookupError):
        client.list(project=gcp.project, zone="us-central1-a")


async def test_a_refused_impersonation_names_the_role_to_grant(
    open_session: OpenSession, gcp: GcpEmulator
) -> None:
    email = gcp.create_service_account("locked", usable_by_owner=False)
    session = await open_session(identity=email)
    with pytest.raises(DeniedError, match=r"roles/iam.serviceAccountTokenCreator") as refusal:
        await listed(session, gcp)
    assert email in str(refusal.value)
    assert "ya29" not in str(refusal.value)


async def test_an_impersonation_that_fails_for_a_moment_is_worth_asking_again(
    open_session: OpenSession, gcp: GcpEmulator
) -> None:
    session = await open_session()
    gcp.fail(operation="generateAccessToken", error="backendError", status=503)
    with pytest.raises(TransientError, match="did not give an access token"):
        await listed(session, gcp)
    assert await listed(session, gcp) == []


async def test_a_token_that_was_revoked_is_fetched_again(
    session: GcpSession, gcp: GcpEmulator
) -> None:
    await listed(session, gcp)
    held = gcp._accounts._tokens
    for token in [one for one, known in held.items() if known.email != gcp.owner]:
        del held[token]
    gcp.forget_calls()
    assert await listed(session, gcp) == []
    assert [call.operation for call in gcp.calls] == [
        "instances.list",
        "generateAccessToken",
        "instances.list",
    ]


async def test_no_credentials_are_told_with_the_mend(
    gcp: GcpEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def default(**_: object) -> object:
        raise DefaultCredentialsError("not found")  # type: ignore[no-untyped-call] # google-auth annotates half of itself

    monkeypatch.setattr("google.auth.default", default)
    provider = GcpProvider(Settings())
    session = await provider.session(READER, None)
    with pytest.raises(DeniedError, match="GOOGLE_APPLICATION_CREDENTIALS, workload identity"):
        await listed(session, gcp)
    await provider.close()


async def test_credentials_that_google_does_not_accept_are_told(
    open_session: OpenSession, gcp: GcpEmulator
) -> None:
    session = await open_session(identity=None)
    gcp.fail(operation="instances.list", error="authError", status=401, times=9)
    with pytest.raises(AccessDeniedError, match="does not accept the credentials"):
        await listed(session, gcp)


async def test_a_cloud_that_hangs_is_given_up(
    session: GcpSession, gcp: GcpEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    await listed(session, gcp)
    monkeypatch.setattr(clients, "READ_TIMEOUT", 0.2)
    monkeypatch.setattr(clients, "LAST_ATTEMPT", 0)
    gcp.hang(operation="instances.list")
    with pytest.raises(TransientError, match=r"did not answer compute.instances.list"):
        await listed(session, gcp)
    gcp.behave()


def test_one_call_ends_within_a_minute() -> None:
    longest = clients.LAST_ATTEMPT + clients.CONNECT_TIMEOUT + clients.READ_TIMEOUT
    assert longest < 60


@pytest.mark.usefixtures("few_attempts")
async def test_what_google_says_is_told_in_its_words(
    session: GcpSession, gcp: GcpEmulator, launch: Launch
) -> None:
    gcp.throttle(operation="instances.list")
    with pytest.raises(TransientError, match=r"throttled compute.instances.list"):
        await listed(session, gcp)
    gcp.fail(operation="instances.list", error="backendError", status=503)
    with pytest.raises(TransientError, match=r"failed compute.instances.list \(backendError\)"):
        await listed(session, gcp)
    gcp.fail(operation="instances.list", error="invalid", status=400, message="Bad " * 500)
    with pytest.raises(RefusedError, match=r"refused compute.instances.list: Bad") as refusal:
        await listed(session, gcp)
    assert len(str(refusal.value)) < 400


class TestTokens:
    def tokens(self, *left: timedelta | None) -> tuple[Tokens, Callable[[], int]]:
        """Return tokens of which each lasts as long as said; None fails."""
        fetched: list[object] = []

        def fetch(_: object) -> Any:
            fetched.append(None)
            lasts = left[len(fetched) - 1]
            if lasts is None:
                raise TransientError("not now")
            end = (datetime.now(UTC) + lasts).replace(tzinfo=None)
            return SimpleNamespace(token=f"t{len(fetched)}", expiry=end)

        return Tokens(READER, fetch, "a token"), lambda: len(fetched)

    def test_are_fetched_once_while_they_serve(self) -> None:
        tokens, fetched = self.tokens(timedelta(hours=1))
        assert [tokens.current(), tokens.current(), fetched()] == ["t1", "t1", 1]

    def test_are_renewed_before_they_end(self) -> None:
        tokens, _ = self.tokens(timedelta(minutes=9), timedelta(hours=1))
        assert [tokens.current(), tokens.current()] == ["t1", "t2"]

    def test_serve_on_when_they_cannot_be_renewed(self) -> None:
        tokens, _ = self.tokens(timedelta(minutes=9), None)
        assert [tokens.current(), tokens.current()] == ["t1", "t1"]

    def test_do_not_serve_to_the_last_moment(self) -> None:
        tokens, _ = self.tokens(timedelta(minutes=1), None)
        tokens.current()
        with pytest.raises(TransientError):
            tokens.current()

    def test_are_rejected_by_name(self) -> None:
        tokens, _ = self.tokens(timedelta(hours=1), timedelta(hours=1))
        first = tokens.current()
        tokens.reject("another")
        assert tokens.current() == first
        tokens.reject(first)
        assert tokens.current() == "t2"


async def test_only_so_many_accounts_are_remembered(
    provider: GcpProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("providers.gcp.session._ACCOUNTS", 2)
    connections = provider._connections
    for name in ("a", "b", "a", "c"):
        connections._tokens(Caller(SCOPE, name, EXPERIMENT, INSTALLATION))
    assert list(connections._acting) == ["a", "c"]
