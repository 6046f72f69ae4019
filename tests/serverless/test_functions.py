"""The bridge's own functions, called as Lambda calls them: on PostgreSQL, with moto for AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import boto3
import pytest
from aws_durable_execution_sdk_python_testing.runner import DurableFunctionTestRunner
from moto import mock_aws

from bridge.triggers.service import loop
from bridge.triggers.service.api import Api
from bridge.triggers.service.loop import ContainersLooks
from bridge.triggers.service.minute import METRICS, Minute
from iam.access_keys import MasterKeys, new_access_key
from providers.aws.own_services import DurableFunction
from tests.authentication.signing import sign

HOST = "abc123.execute-api.us-east-1.amazonaws.com"
MASTER_KEY = "2026-11=6f1d2c3b4a5968778695a4b3c2d1e0f0"
ALL = {"policies": [{"name": "FaultbridgeAdministrator", "attach": {"principals": ["*"]}}]}
TEMPLATE = {
    "clientToken": "one",
    "description": "Wait a second",
    "roleArn": "arn:aws:iam::123456789012:role/faultbridge-experiment-none",
    "stopConditions": [{"source": "none"}],
    "targets": {},
    "actions": {"Wait": {"actionId": "aws:fis:wait", "parameters": {"duration": "PT1S"}}},
    "tags": {},
}


def event(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> dict[str, Any]:
    """Return a request as an HTTP API hands it to a function: format 2.0, the path decoded."""
    path = unquote(path)
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {**headers, "host": HOST},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc123",
            "domainName": HOST,
            "domainPrefix": "abc123",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "aws-cli/2",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default",
            "stage": "$default",
            "time": "26/Nov/2026:10:00:00 +0000",
            "timeEpoch": 1795687200000,
        },
        "body": body.decode(),
        "isBase64Encoded": False,
    }


@pytest.fixture
def environment(
    postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[pytest.MonkeyPatch]:
    """What serverless.yml sets for the bridge's functions, and a secret that holds the rest."""
    policies = tmp_path / "policies.json"
    policies.write_text(json.dumps(ALL))
    with mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "made-up")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        secret = boto3.client("secretsmanager").create_secret(
            Name="faultbridge",
            SecretString=json.dumps({"database": postgresql_url, "master_key": MASTER_KEY}),
        )
        for name, value in {
            "INSTALLATION": "payments-prod",
            "SECRET": secret["ARN"],
            "LOOP_FUNCTION": "faultbridge-prod-loop:$LATEST",
            "POLICIES": str(policies),
            "MINIMUM_DURATION": "PT1S",
        }.items():
            monkeypatch.setenv(f"FAULTBRIDGE_{name}", value)
        yield monkeypatch


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, object]]:
    """The executions that were begun, by name."""
    found: dict[str, dict[str, object]] = {}

    def start(_: DurableFunction, name: str, payload: dict[str, object]) -> None:
        found[name] = payload

    monkeypatch.setattr(DurableFunction, "start", start)
    return found


@pytest.fixture
def api(environment: pytest.MonkeyPatch) -> Iterator[Api]:
    made = Api()
    yield made
    made.container.close()


def key_of(api: Api) -> tuple[str, str]:
    """Make an access key, as the command does on the same database."""

    async def made() -> tuple[str, str]:
        bridge = (await api.container.process()).bridge
        key, secret = new_access_key(
            MasterKeys.of(bridge.settings),
            name="alice",
            groups=(),
            now=bridge.store.now(),
            expires_at=None,
        )
        await bridge.store.add_access_key(key)
        return key.id, secret

    return api.container.run(made)


def asked(api: Api, key: tuple[str, str], method: str, path: str, body: object = None) -> Any:
    """Ask as the AWS CLI does; return what was answered."""
    raw = b"" if body is None else json.dumps(body).encode()
    headers = sign(key, method, f"https://{HOST}{path}", raw)
    answer = api(event(method, path, {**headers, "content-type": "application/json"}, raw), None)
    assert answer["statusCode"] < 300, answer
    return json.loads(answer["body"])


def test_from_a_request_to_the_end_of_the_run(
    api: Api,
    begun: dict[str, dict[str, object]],
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert api(event("GET", "/readyz", {}), None)["statusCode"] == 200
    assert api(event("GET", "/experiments", {}), None)["statusCode"] == 403
    key = key_of(api)
    template = asked(api, key, "POST", "/experimentTemplates", TEMPLATE)["experimentTemplate"]
    asking = {"clientToken": "two", "experimentTemplateId": template["id"]}
    run = asked(api, key, "POST", "/experiments", asking)["experiment"]
    # It is on its way before the answer leaves: what comes after that, Lambda freezes.
    assert begun == {f"{run['id']}-1": {"experiment": run["id"], "sequence": 1}}

    looks = ContainersLooks()
    environment.setattr(loop, "looks", looks)
    with DurableFunctionTestRunner(loop.handler, skip_time=False) as runner:
        result = runner.run(input=json.dumps(begun.popitem()[1]), execution_timeout=30)
        runner._scheduler.stop()
    runner._scheduler._loop.close()
    assert result.status.value == "SUCCEEDED"
    looks.container.close()

    ended = asked(api, key, "GET", f"/experiments/{run['id']}")["experiment"]
    assert ended["state"]["status"] == "completed"
    # Names whose encoding the gateway takes away, and the signature is about.
    tags = asked(api, key, "GET", f"/tags/{quote(run['arn'], safe='')}")
    assert tags == {"tags": {}}
    known = asked(api, key, "GET", f"/actions/{quote('aws:fis:wait', safe='')}")["action"]
    assert known["id"] == "aws:fis:wait"

    minute = Minute()
    assert minute({}, None) == {"started": []}
    told = json.loads(capsys.readouterr().out)
    (described,) = told["_aws"]["CloudWatchMetrics"]
    assert described["Namespace"] == "Faultbridge"
    assert {one["Name"]: one["Unit"] for one in described["Metrics"]} == METRICS
    assert {name: told[name] for name in METRICS} == dict.fromkeys(METRICS, 0)
    assert told["Installation"] == "payments-prod"
    minute.container.close()


def test_an_api_that_asks_nobody_who_is_calling_does_not_answer(
    environment: pytest.MonkeyPatch, postgresql_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    secret = boto3.client("secretsmanager").create_secret(
        Name="without-keys", SecretString=postgresql_url
    )
    environment.setenv("FAULTBRIDGE_SECRET", secret["ARN"])
    open_door = Api()
    assert open_door(event("GET", "/experiments", {}), None)["statusCode"] == 503
    assert "nobody is asked who is calling" in caplog.text
    open_door.container.close()
