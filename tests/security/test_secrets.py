"""A secret on every path that fails, and nothing of it in a log, an answer or the database."""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy import exc

from bridge.api.app import create_app
from bridge.api.authenticators import authentication_for
from bridge.api.process import Process
from bridge.authentication_settings import OidcIssuer
from bridge.engine.context import words
from bridge.model.failure import whereabouts
from bridge.settings import Settings
from bridge.store import Store
from bridge.store.database import open_engine
from iam.access_keys import MasterKeys, new_access_key
from iam.signing import SigningAuth
from providers.contract import ProviderError
from tests.cli.doubles import Break, ThingProvider, ThingResolver, World, document
from tests.native_api.conftest import new_process, quick, world

__all__ = ["world"]

ROOT = Path(__file__).parents[2]
CANARY = "canary-4f1d9a-never-to-be-seen"
MASTER = "master-canary-6f1d2c3b4a5968778695a4b3"
TOKEN = "signal-canary-6f1d2c3b4a"
PASSWORD = "database-canary-6f1d2c"
EXTERNAL = "external-canary-6f1d2c"
ISSUER = "https://issuer.invalid"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    policies = tmp_path / "policies.json"
    policies.write_text(
        '{"policies": [{"name": "FaultbridgeAdministrator", "attach": {"principals": ["*"]}}]}'
    )
    return quick(
        data=tmp_path / "data",
        lease=timedelta(seconds=1),  # what a broken commit leaves behind
        master_key=(SecretStr(f"one={MASTER}"),),
        signal_tokens=(SecretStr(TOKEN),),
        aws_external_ids=(("*", EXTERNAL),),
        oidc_issuers=(OidcIssuer(issuer=ISSUER, audiences=("bridge",)),),
        sts_accounts=("123456789012",),
        failures_per_minute=1000,
        policies=policies,
    )


class Said:
    """Everything that leaves the bridge: answers with their headers, and the log."""

    def __init__(self, http: httpx.AsyncClient, process: Process, key: tuple[str, str]) -> None:
        self.http = http
        self.process = process
        self.key = key
        self.answers: list[str] = []

    async def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        answer = await self.http.request(method, path, **options)
        self.answers.append(f"{answer.status_code} {answer.headers} {answer.text}")
        return answer

    @property
    def signed(self) -> SigningAuth:
        return SigningAuth(*self.key, "us-east-1")


@pytest.fixture
async def said(world: World, settings: Settings) -> AsyncIterator[Said]:
    async with new_process(settings) as process:
        store = process.bridge.store
        key, secret = new_access_key(
            MasterKeys.of(settings), name="alice", groups=(), now=store.now(), expires_at=None
        )
        await store.add_access_key(key)
        authentication = authentication_for(settings, store)
        transport = httpx.ASGITransport(create_app(process.bridge, authentication=authentication))
        async with httpx.AsyncClient(transport=transport, base_url="http://bridge") as http:
            yield Said(http, process, (key.id, secret))
        assert authentication is not None
        await authentication.close()


def token_of(issuer: str) -> str:
    parts = ('{"alg":"RS256","kid":"x"}', f'{{"iss":"{issuer}"}}', CANARY)
    return ".".join(base64.urlsafe_b64encode(one.encode()).decode().rstrip("=") for one in parts)


async def test_no_secret_of_a_request_that_fails_is_said_or_kept(
    said: Said, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    encoded = base64.urlsafe_b64encode(CANARY.encode()).decode().rstrip("=")
    url = f"https://sts.us-east-1.amazonaws.com/?Action=GetCallerIdentity&X-Amz-Signature={CANARY}"
    role = base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")
    for given in (
        f"Bearer {CANARY}",
        f"Bearer {token_of(ISSUER)}",
        f"Bearer {token_of('https://other.invalid')}",
        f"Bearer k8s-aws-v1.{role}",
        f"Basic {encoded}",
        f"{CANARY} {CANARY}",
        (
            f"AWS4-HMAC-SHA256 Credential={CANARY}/20261126/us-east-1/fis/aws4_request, "
            f"SignedHeaders=host;x-amz-date, Signature={CANARY}"
        ),
        f"AWS4-HMAC-SHA256 Credential=x/20261126/us-east-1/fis/aws4_request, {CANARY}={CANARY}",
    ):
        for path in ("/experiments", "/v1/experiments", "/v1/nowhere", "/nowhere", "/v1/signals"):
            for method in ("GET", "POST"):
                await said.ask(method, path, headers={"authorization": given})
    await said.ask("POST", "/v1/signals", params={"token": CANARY}, json={"x": 1})
    for path in ("/v1/lever", "/actions", "/v1/nowhere"):  # a presigned address, a token in one
        query = {"X-Amz-Signature": CANARY, "X-Amz-Security-Token": CANARY, "token": CANARY}
        await said.ask("GET", path, params=query)
        await said.ask("GET", path, params=query, auth=said.signed)
    bare = {"x-amz-security-token": CANARY, "cookie": CANARY, "x-api-key": CANARY}
    await said.ask("GET", "/v1/lever", headers=bare, auth=said.signed)
    assert sum("refused a request" in record.getMessage() for record in caplog.records) > 60
    await _nothing_of(said, settings, caplog, CANARY, encoded, token_of(ISSUER), role)


async def test_no_secret_of_the_bridge_itself_is_said_or_kept(
    said: Said, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    key_id, secret = said.key
    logging.getLogger("bridge").debug("%r", settings)  # as whoever debugs would
    alert = {"version": "4", "status": "firing", "alerts": [], "receiver": "x", "groupLabels": {}}
    for headers in (
        {"authorization": f"Bearer {TOKEN}"},
        {"authorization": "Basic " + base64.b64encode(f"x:{TOKEN}".encode()).decode()},
    ):
        await said.ask("POST", "/v1/signals", headers=headers, json=alert)
        await said.ask("POST", "/v1/signals", headers=headers, content=b"no json")
        await said.ask("GET", "/v1/experiments", headers=headers)
    for wrong in (
        {"authorization": f"Bearer {secret}"},
        {"authorization": f"AWS4-HMAC-SHA256 Credential={key_id}, Signature={secret}"},
        {"authorization": f"Basic {secret}"},
    ):
        await said.ask("GET", "/v1/experiments", headers=wrong)
    for path in ("/v1/audit", "/v1/policies", "/v1/actions", "/experiments", "/openapi.json"):
        assert (await said.ask("GET", path, auth=said.signed)).status_code == 200
    await _nothing_of(said, settings, caplog, MASTER, secret, TOKEN, EXTERNAL)


class BlunderError(RuntimeError):
    """What a driver or an SDK might raise: its text quotes what it was about."""

    def __init__(self) -> None:
        super().__init__(f"GET https://sts.amazonaws.com/?X-Amz-Signature={CANARY}")


def _blunders(*_: object, **__: object) -> Any:
    try:
        return int(CANARY)
    except ValueError as error:
        raise BlunderError from error


BLUNDERS: tuple[tuple[type, str], ...] = (
    (ThingProvider, "session"),
    (ThingResolver, "resolve"),
    (Break, "review"),
    (Break, "prepare"),
    (Break, "mark"),
    (Break, "inject"),
    (Break, "inject observe"),  # it looks at once where an answer was lost
    (Break, "revert"),
    (Break, "unmark"),
)


async def test_no_text_of_a_failure_that_nobody_foresaw_is_said_or_kept(
    said: Said,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    for kind, methods in BLUNDERS:
        caplog.clear()
        with monkeypatch.context() as broken:
            for name in methods.split():
                broken.setattr(kind, name, _blunders)
            body = {"template": document(seconds=1)}
            started = await said.ask("POST", "/v1/experiments", json=body, auth=said.signed)
            assert started.status_code == 201, started.text
            run = f"/v1/experiments/{started.json()['id']}"
            for _ in range(400):
                if "_blunders" in caplog.text:
                    break
                wait = {"wait": 0.05}
                await said.ask("GET", f"{run}/events", params=wait, auth=said.signed)
        assert "BlunderError" in caplog.text, methods
        assert "_blunders" in caplog.text, methods  # where it happened is said
        await said.process.stop_all("the test is over")
        await said.process.settled()
        for path in (run, f"{run}/events", run.removeprefix("/v1")):
            assert (await said.ask("GET", path, auth=said.signed)).status_code == 200
        await _nothing_of(said, settings, caplog, CANARY)


async def test_no_value_of_a_statement_that_fails_is_said(
    said: Said,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)

    async def broken(*_: object, **__: object) -> Any:
        raise exc.OperationalError(f"SELECT '{CANARY}'", {"x": CANARY}, Exception(CANARY))

    for method in ("templates", "experiments", "start_experiment", "journal", "next_due", "commit"):
        with monkeypatch.context() as patch:
            patch.setattr(Store, method, broken)
            for path in ("/experimentTemplates", "/experiments", "/v1/experiments", "/readyz"):
                await said.ask("GET", path, auth=said.signed)
            body = {"template": document(seconds=1)}
            await said.ask("POST", "/v1/experiments", json=body, auth=said.signed)
    await said.process.stop_all("the test is over")
    await said.process.settled()
    assert sum(one.startswith("503") for one in said.answers) >= 5
    assert "OperationalError" in caplog.text
    await _nothing_of(said, settings, caplog, CANARY)


async def _nothing_of(
    said: Said, settings: Settings, caplog: pytest.LogCaptureFixture, *secrets: str
) -> None:
    """Look everywhere: answers, log with tracebacks, journal, audit log, every file there is."""
    with suppress(httpx.HTTPError):
        for path in ("/v1/audit?limit=1000", "/v1/experiments"):
            await said.ask("GET", path, auth=said.signed)
    formatter = logging.Formatter("%(name)s %(message)s")
    logged = "\n".join(
        formatter.format(record)  # with what a traceback would say
        for record in caplog.records
        # Not what the test's own client says, and signs by: the bridge computes without a word.
        if not record.name.startswith(("httpx", "httpcore", "botocore.auth"))
    )
    files = [path.read_bytes() for path in settings.data.rglob("*") if path.is_file()]
    assert sum(map(len, files)) > 10_000
    for secret in secrets:
        assert secret not in logged
        assert not [one for one in said.answers if secret in one]
        assert not [one for one in files if secret.encode() in one]


def test_a_password_of_the_database_is_in_no_refusal() -> None:
    url = f"postgresql+nothing://faultbridge:{PASSWORD}@127.0.0.1:1/x"
    settings = Settings(installation="test", database=url)
    assert PASSWORD not in repr(settings)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - of whatever kind
        Process(settings)._open(None)  # type: ignore[arg-type]  # nothing is opened
    assert PASSWORD not in str(caught.value)


def test_an_error_of_the_database_itself_quotes_no_values() -> None:
    engine = open_engine("sqlite://")
    with engine.connect() as connection, pytest.raises(exc.OperationalError) as caught:
        connection.execute(sa.text("SELECT :x FROM nowhere"), {"x": CANARY})
    assert CANARY not in str(caught.value)
    assert "nowhere" in str(caught.value)
    engine.dispose()


def test_whereabouts_say_kinds_and_places_and_no_text() -> None:
    with pytest.raises(BlunderError) as caught:
        _blunders()
    said = whereabouts(caught.value)
    assert CANARY not in said
    assert [line.rpartition(".")[2] for line in said.splitlines() if not line.startswith(" ")] == [
        "BlunderError",
        "ValueError",
    ]
    assert f"{__file__}:" in said
    assert said.splitlines()[-1].endswith(" _blunders")


def test_only_words_that_are_meant_for_users_are_told_of_a_provider() -> None:
    assert words(ProviderError("write it so")) == "write it so"
    assert words(BlunderError()) == "unexpected BlunderError; the bridge's log has the details"


def test_no_log_has_a_traceback() -> None:
    """It ends with the exception's text; `whereabouts` says the rest."""
    assert list(_tracebacks()) == []


def _tracebacks() -> Iterator[str]:
    logs = re.compile(r"\b_?log\w*\.exception\(|\bexc_info=")
    for room in ("bridge", "iam", "providers", "rbac"):
        for path in (ROOT / room).rglob("*.py"):
            # Credentials of emulators are made up.
            if "sandbox" not in path.parts and logs.search(path.read_text()):
                yield path.relative_to(ROOT).as_posix()
