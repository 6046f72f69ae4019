"""What a bridge on Lambda asks of AWS for itself, as its own role: no fault goes through here."""

from __future__ import annotations

import json
from typing import Any, Final

from providers.aws.clients import CONNECT_TIMEOUT, botocore_session
from providers.aws.errors import translated
from providers.contract import Caller

_READ_TIMEOUT: Final = 10
_ATTEMPTS: Final = 3
_ANOTHERS: Final = "DurableExecutionAlreadyStartedException"


def _client(service: str, region: str) -> Any:
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=_READ_TIMEOUT,
        retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
    )
    return botocore_session().create_client(service, region_name=region, config=config)


class DurableFunction:
    """A Lambda durable function, started asynchronously under names that make repeats harmless."""

    def __init__(self, function: str, caller: Caller) -> None:
        """Name it as Lambda does: with a version or an alias, which durable functions ask for."""
        self._function = function
        self._caller = caller
        self._client: Any = None

    def start(self, name: str, payload: dict[str, object]) -> None:
        """Start an execution; nothing happens where there was one of that name.

        Blocks for up to half a minute. Raises ProviderError.
        """
        from botocore.exceptions import ClientError

        with translated(self._caller, "lambda", "InvokeFunction"):
            if self._client is None:
                self._client = _client("lambda", self._caller.scope.region)
            try:
                self._client.invoke(
                    FunctionName=self._function,
                    InvocationType="Event",
                    DurableExecutionName=name,
                    Payload=json.dumps(payload, sort_keys=True).encode(),
                )
            except ClientError as error:
                # Lambda says so where the payload differs too, and ours follows from the name.
                if error.response.get("Error", {}).get("Code") != _ANOTHERS:
                    raise


def secret_text(arn: str, caller: Caller) -> str:
    """Return the text of a secret of Secrets Manager. Raises ProviderError."""
    with translated(caller, "secretsmanager", "GetSecretValue"):
        client = _client("secretsmanager", caller.scope.region)
        answer: dict[str, Any] = client.get_secret_value(SecretId=arn)
    return str(answer.get("SecretString", ""))
