"""Every route of every dialect, as its description says and as it does not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from schemathesis import Case

from bridge.api.app import create_app
from bridge.api.authentication import OPEN
from bridge.api.authorization.rules import RULES
from bridge.dialects.fis.operations import OPERATIONS
from tests.fis_dialect.conftest import new_bridge
from tests.security.fuzzing import EXAMPLES, NEGATIVE, POSITIVE, House, each, house

DOCUMENT = create_app(new_bridge()).openapi()
ROUTES = [(method.upper(), path) for path, known in DOCUMENT["paths"].items() for method in known]
FORGED = (
    "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.",
    "Basic YWRtaW46YWRtaW4=",
    (
        "AWS4-HMAC-SHA256 Credential=FBAK/20261126/us-east-1/fis/aws4_request, "
        f"SignedHeaders=host;x-amz-date, Signature={'0' * 64}"
    ),
)
AS_ROUTED = {path.replace(":path}", "}"): path for _, path in RULES}
EACH = pytest.mark.parametrize(("method", "path"), ROUTES, ids=[" ".join(one) for one in ROUTES])
HEALTH = OPEN - {("POST", "/v1/signals")}


TEMPLATE: dict[str, object] = {
    "description": "wait",
    "roleArn": "arn:aws:iam::123456789012:role/my-fis-role",
    "stopConditions": [{"source": "none"}],
    "actions": {"rest": {"actionId": "aws:fis:wait", "parameters": {"duration": "PT1M"}}},
    "tags": {"team": "carts"},
}


@pytest.fixture(scope="module")
def kept() -> Iterator[House]:
    """A bridge that keeps what it has: nothing is removed from it."""
    with house(TEMPLATE) as built:
        yield built


@pytest.fixture
def here(kept: House, request: pytest.FixtureRequest) -> Iterator[House]:
    """That bridge, or one of a test's own that removes things."""
    parameters = getattr(getattr(request.node, "callspec", None), "params", {})
    if parameters.get("method", "DELETE") != "DELETE":
        yield kept
    else:
        with house(TEMPLATE) as built:
            yield built


def test_the_document_has_every_route() -> None:
    rules = {(method, path.replace(":path}", "}")) for method, path in RULES}
    assert set(ROUTES) == rules - {("*", "/v1/{rest}"), ("GET", "/openapi.json")}


def test_the_document_refers_to_what_it_has() -> None:
    text = json.dumps(DOCUMENT)
    schemas = DOCUMENT["components"]["schemas"]
    named = set(re.findall(r'"\$ref": "#/components/schemas/(\w+)"', text))
    assert len(named) > 20
    assert named <= set(schemas)
    assert text.count('"$ref"') == len(re.findall(r'"\$ref": "#/components/schemas/\w+"', text))
    assert "$defs" not in text


def test_the_document_says_what_each_route_wants() -> None:
    assert set(OPEN) == {("GET", "/healthz"), ("GET", "/readyz"), ("POST", "/v1/signals")}
    schemes = set(DOCUMENT["components"]["securitySchemes"])
    for method, path in ROUTES:
        operation = DOCUMENT["paths"][path][method.lower()]
        named = {name for one in operation["security"] for name in one}
        assert named <= schemes
        callers = {"accessKey", "bearer"}
        assert (named == callers) is ((method, path) not in OPEN)
        asks = RULES[method, AS_ROUTED[path]].actions
        assert operation.get("x-faultbridge-actions", []) == list(asks)
    # A bridge that asks nobody takes requests without credentials too.
    assert {} in DOCUMENT["paths"]["/experiments"]["get"]["security"]


def sound(here: House, method: str, path: str) -> Case[Any]:
    """Return a request that the route takes, about something that there is."""
    body = here.sent.body(method, AS_ROUTED[path])
    given = {} if body is None else {"body": body, "media_type": "application/json"}
    case: Case[Any] = here.operation(method, path).Case(path_parameters=here.labels(path), **given)
    return case


def test_what_there_is_is_answered_as_described(here: House) -> None:
    others: dict[tuple[str, str], int] = {}
    removing = [one for one in ROUTES if one[0] == "DELETE"]
    for method, path in [one for one in ROUTES if one not in removing] + removing[::-1]:
        answer = here.ask(sound(here, method, path))
        if answer.status_code not in (200, 201, 202, 204):
            others[method, path] = answer.status_code
    unsupported = {(one.method, one.path) for one in OPERATIONS.values() if one.request is None}
    assert {key for key, status in others.items() if status == 501} == unsupported
    assert {key: status for key, status in others.items() if status != 501} == {
        ("POST", "/v1/experiments/{experiment_id}/records/{record_id}/release"): 404,
        ("POST", "/v1/signals"): 401,
        ("PATCH", "/safetyLevers/{id}/state"): 409,  # it was engaged by the other route
    }


def _has_limits(operation: dict[str, Any]) -> bool:
    """Whether a request can be other than is described: any text is a label of a path."""
    anything: tuple[dict[str, Any], ...] = ({"type": "string"}, {})
    schemas = [one["schema"] for one in operation.get("parameters", ())]
    body = operation.get("requestBody", {}).get("content", {})
    schemas += [one["schema"] for one in body.values()]
    return any(
        {name: one for name, one in schema.items() if name != "title"} not in anything
        for schema in schemas
    )


@EACH
def test_whatever_is_sent_is_answered_as_described(here: House, method: str, path: str) -> None:
    operation = here.operation(method, path)
    # Who asks for events of a run that goes on may wait for them.
    now = {"query": {"wait": 0}} if path.endswith("/events") else {}
    known = {"path_parameters": here.labels(path), **now}
    each(operation.as_strategy(POSITIVE, **known), here.ask)
    each(operation.as_strategy(POSITIVE), here.ask)
    if _has_limits(DOCUMENT["paths"][path][method.lower()]):
        each(operation.as_strategy(NEGATIVE), here.ask)


@EACH
def test_without_credentials_only_what_says_so_is_public(
    here: House, method: str, path: str
) -> None:
    security = DOCUMENT["paths"][path][method.lower()]["security"]
    assert (security == []) is ((method, path) in HEALTH)

    def judge(case: Case[Any]) -> None:
        answer = here.ask(case, known=False)
        if security:
            expected = 401 if path.startswith("/v1/") else 403
            assert answer.status_code == expected
        else:
            assert answer.status_code == 200

    judge(sound(here, method, path))
    for forged in FORGED:
        case = sound(here, method, path)
        case.headers["Authorization"] = forged
        judge(case)
    each(here.operation(method, path).as_strategy(POSITIVE), judge, number=max(1, EXAMPLES // 4))
