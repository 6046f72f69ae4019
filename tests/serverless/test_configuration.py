"""How a function is set up, and what it says where that is wrong: never a value of a secret."""

from __future__ import annotations

import json

import boto3
import pytest
from moto import mock_aws

from bridge.api.process import Process, StartError
from bridge.settings import Settings
from bridge.triggers.service.api import Api
from bridge.triggers.service.configured import configured
from bridge.triggers.service.loop import ContainersLooks
from bridge.triggers.service.minute import Minute

URL = "postgresql://faultbridge:hunter2-hunter2@db.internal/faultbridge"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "made-up")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("FAULTBRIDGE_INSTALLATION", "payments-prod")
    monkeypatch.setenv("FAULTBRIDGE_LOOP_FUNCTION", "faultbridge-prod-loop:$LATEST")


def with_secret(monkeypatch: pytest.MonkeyPatch, text: str) -> Settings:
    with mock_aws():
        made = boto3.client("secretsmanager").create_secret(Name="faultbridge", SecretString=text)
        monkeypatch.setenv("FAULTBRIDGE_SECRET", made["ARN"])
        return configured()


def test_a_secret_is_a_url_or_an_object_of_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = with_secret(monkeypatch, f" {URL}\n")
    assert settings.database == URL
    assert settings.installation == "payments-prod"
    text = json.dumps({"database": URL, "signal_tokens": "0123456789abcdef,fedcba9876543210"})
    settings = with_secret(monkeypatch, text)
    assert settings.database == URL
    assert len(settings.signal_tokens) == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{hunter2", "the secret is no JSON"),
        ('{"databse": "hunter2"}', '"databse" in the secret is no setting'),
        (f'{{"database": "{URL}", "master_key": "hunter2"}}', "master_key in the secret"),
        ('{"database": ["hunter2"]}', "database in the secret"),
        ("hunter2", "the functions have no PostgreSQL"),
        ("sqlite:///hunter2", "the functions have no PostgreSQL"),
    ],
)
def test_what_is_wrong_is_named_and_not_quoted(
    monkeypatch: pytest.MonkeyPatch, text: str, says: str
) -> None:
    with pytest.raises(StartError) as refused:
        with_secret(monkeypatch, text)
    assert says in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_a_secret_that_may_not_be_read_says_which_right_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:none-AbCdEf"
    monkeypatch.setenv("FAULTBRIDGE_SECRET", arn)
    with mock_aws(), pytest.raises(StartError, match="secretsmanager:GetSecretValue"):
        configured()


def test_functions_that_are_not_set_up_say_so_and_go_on(caplog: pytest.LogCaptureFixture) -> None:
    api, looks, minute = Api(), ContainersLooks(), Minute()
    answer = api({"requestContext": {}, "rawPath": "/", "version": "2.0"}, None)
    assert answer["statusCode"] == 503
    assert "the API cannot start: the functions have no PostgreSQL" in caplog.text
    assert looks.look("EXP1", 1) == looks.hand_over("EXP1", 1) == 15
    assert looks.operations() == 0
    assert minute({}, None) == {"started": []}
    for one in (api, looks, minute):
        one.container.close()


async def test_a_worker_leaves_runs_to_the_function(tmp_path: object) -> None:
    settings = Settings(data=tmp_path, installation="test", loop_function="loop:1")  # type: ignore[arg-type] # a path
    with pytest.raises(StartError, match="--api-only"):
        async with Process(settings):
            pass
