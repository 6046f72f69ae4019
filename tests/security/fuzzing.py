"""A bridge with everything switched on, its OpenAPI document, and what is held against it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

import botocore.session
import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy
from pydantic import SecretStr
from requests import PreparedRequest
from requests.auth import AuthBase
from schemathesis import Case, GenerationMode, Response
from schemathesis.checks import not_a_server_error
from schemathesis.python.asgi import get_client
from schemathesis.specs.openapi import checks

from bridge.api.app import create_app
from bridge.api.authenticators import authentication_for
from bridge.dialects.fis.operations import OPERATIONS
from bridge.settings import Settings
from iam.access_keys import MasterKeys, new_access_key
from iam.policy import Attachment, StoredPolicy
from iam.signing import SigningAuth
from tests.authorization.sending import Sent
from tests.fis_dialect.conftest import misfits, new_bridge

EXAMPLES: Final = int(os.environ.get("FAULTBRIDGE_FUZZ", "3"))
"""Requests of each kind to each route."""
SIGNAL_TOKEN: Final = "a-token-of-a-monitoring-system"

_MASTER_KEY: Final = "2026-11=6f1d2c3b4a5968778695a4b3c2d1e0f0"
_EVERYTHING: Final = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"},
}
# Not among them: unsupported_method, which wants 405 where AWS answers UnknownOperationException.
_CHECKS: Final = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.ignored_auth,
]


class Signed(AuthBase):
    """Signs requests of the library that Schemathesis sends by, as our own client signs its."""

    def __init__(self, key: tuple[str, str]) -> None:
        self._auth = SigningAuth(*key, "us-east-1")

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        body: Any = request.body or b""  # a text or bytes: nothing is streamed
        signed = httpx.Request(
            request.method or "",
            request.url or "",
            content=body.encode() if isinstance(body, str) else body,
        )
        next(self._auth.auth_flow(signed))
        for name in ("Authorization", "X-Amz-Date", "X-Amz-Content-SHA256", "Host"):
            request.headers[name] = signed.headers[name]
        return request


@dataclass(frozen=True)
class House:
    """A bridge that asks who is calling, a caller who may do everything, and its document."""

    schema: Any
    auth: Signed
    sent: Sent

    def operation(self, method: str, path: str) -> Any:
        return self.schema[path][method]

    def ask(self, case: Case[Any], *, known: bool = True) -> Response:
        """Send a request, signed if the caller is to be known, and judge the answer."""
        auth = self.auth if known else None
        answer = case.call(auth=auth)
        wanted = _CHECKS
        if answer.status_code == 501 and not _is_supported(case):
            wanted = _CHECKS[1:-2]  # as documented: neither a failure of ours nor a refusal
        case.validate_response(answer, checks=wanted, transport_kwargs={"auth": auth})
        if answer.status_code == 200 and (shape := _shape(case.operation.definition.raw)):
            assert list(misfits(shape, answer.json(), shape.name)) == []
        return answer

    def labels(self, path: str) -> dict[str, str]:
        """Return path labels that name things that there are."""
        found = self.sent.labels(path)
        return {name: value for name, value in found.items() if f"{{{name}}}" in path}


def _is_supported(case: Case[Any]) -> bool:
    known = OPERATIONS.get(case.operation.definition.raw["operationId"])
    return known is None or known.request is not None


@cache
def _service() -> Any:
    return botocore.session.get_session().get_service_model("fis")


def _shape(operation: dict[str, Any]) -> Any:
    name = operation["operationId"]
    return _service().operation_model(name).output_shape if name in OPERATIONS else None


@contextmanager
def house(template: dict[str, Any]) -> Iterator[House]:
    """Build a bridge on an empty store, with one thing of each kind in it."""
    chosen = Settings(
        installation="test",
        master_key=(SecretStr(_MASTER_KEY),),
        signal_tokens=(SecretStr(SIGNAL_TOKEN),),
        requests_per_second=10**6,
        failures_per_minute=10**6,
    )
    bridge = new_bridge(chosen)
    now = bridge.store.now()
    allowed = StoredPolicy("all", "", _EVERYTHING, Attachment(("*",)), now, now)
    bridge = replace(bridge, policies={"all": allowed})
    key, secret = new_access_key(
        MasterKeys.of(chosen), name="fuzz", groups=(), now=now, expires_at=None
    )
    asyncio.run(bridge.store.add_access_key(key))
    app = create_app(bridge, authentication=authentication_for(chosen, bridge.store))
    limits = {"generation": {"with-security-parameters": False}}
    schema = schemathesis.openapi.from_dict(
        json.loads(json.dumps(app.openapi())), config=schemathesis.Config.from_dict(limits)
    )
    schema.app = app
    auth = Signed((key.id, secret))
    yield House(schema, auth, _stored(app, auth, template))
    asyncio.run(bridge.store.close())


def _stored(app: Any, auth: Signed, template: dict[str, Any]) -> Sent:
    """Store one thing of each kind, over ASGI as all the rest."""
    with get_client(app) as client:
        client.auth = auth
        local = _Local(client)
        made = local.post("/experimentTemplates", json={"clientToken": "t", **template}).json()
        arn = "arn:aws:fis:us-east-1:123456789012:"
        return Sent.stored(local, arn, template, made["experimentTemplate"]["id"])


class _Local:
    """A client of the one bridge, by paths."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def post(self, path: str, **options: Any) -> Any:
        return self._client.post(f"http://bridge{path}", **options)

    def put(self, path: str, **options: Any) -> Any:
        return self._client.put(f"http://bridge{path}", **options)


def each(strategy: SearchStrategy[Case[Any]], judge: Any, *, number: int = EXAMPLES) -> None:
    """Judge some cases, the same ones each time."""

    @settings(
        max_examples=number,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def judged(case: Case[Any]) -> None:
        judge(case)

    judged()


POSITIVE: Final = GenerationMode.POSITIVE
NEGATIVE: Final = GenerationMode.NEGATIVE
