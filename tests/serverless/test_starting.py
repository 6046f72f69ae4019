"""How an execution is started: by name, asynchronously, and once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.session import Session
from botocore.stub import Stubber

from bridge.dispatch import durable_dispatcher
from bridge.dispatch.durable import execution_name
from bridge.model.identifiers import new_experiment_id
from bridge.model.scope import Scope
from bridge.settings import Settings
from providers.aws import own_services
from providers.aws.own_services import DurableFunction
from providers.contract import Caller, ProviderError, TransientError

FUNCTION = "faultbridge-prod-loop:$LATEST"
CALLER = Caller(Scope(cloud="aws", account="123456789012", region="us-east-1"), None, "x", "test")
PAYLOAD: dict[str, object] = {"experiment": "EXP1", "sequence": 7}
SENT = {
    "FunctionName": FUNCTION,
    "InvocationType": "Event",
    "DurableExecutionName": "EXP1-7",
    "Payload": json.dumps(PAYLOAD).encode(),
}


@pytest.fixture
def lambda_(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """Lambda, which checks each request against its own API and answers as it is told to."""
    client: Any = Session().create_client(
        "lambda", "us-east-1", aws_access_key_id="made-up", aws_secret_access_key="made-up"
    )
    monkeypatch.setattr(own_services, "_client", lambda *_: client)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def test_it_is_started_by_name_and_not_waited_for(lambda_: Stubber) -> None:
    lambda_.add_response("invoke", {"StatusCode": 202}, SENT)
    DurableFunction(FUNCTION, CALLER).start("EXP1-7", PAYLOAD)


def test_one_of_another_payload_has_the_name_already(lambda_: Stubber) -> None:
    lambda_.add_client_error(
        "invoke", "DurableExecutionAlreadyStartedException", http_status_code=409
    )
    DurableFunction(FUNCTION, CALLER).start("EXP1-7", PAYLOAD)


@pytest.mark.parametrize(
    ("code", "status", "kind", "says"),
    [
        ("TooManyRequestsException", 429, TransientError, "throttled lambda:Invoke"),
        ("AccessDeniedException", 403, ProviderError, "lambda:InvokeFunction"),
        ("ResourceNotFoundException", 404, ProviderError, "AWS refused lambda:Invoke"),
    ],
)
def test_a_refusal_says_what_is_missing(
    lambda_: Stubber, code: str, status: int, kind: type[ProviderError], says: str
) -> None:
    words = "is not authorized to perform: lambda:InvokeFunction on resource: arn:…:loop"
    lambda_.add_client_error("invoke", code, words, http_status_code=status)
    with pytest.raises(kind, match=says):
        DurableFunction(FUNCTION, CALLER).start("EXP1-7", PAYLOAD)


async def test_the_settings_name_the_function(lambda_: Stubber) -> None:
    lambda_.add_response("invoke", {"StatusCode": 202}, SENT)
    settings = Settings(installation="test", loop_function=FUNCTION)
    dispatcher = durable_dispatcher(settings, store=None)  # type: ignore[arg-type] # not asked here
    assert await dispatcher.hand_over("EXP1", 6) is None


def test_a_name_is_one_that_lambda_takes() -> None:
    assert len(execution_name(new_experiment_id(), 10**9)) <= 64
