"""Bodies of requests, read as strictly as those of the FIS dialect."""

from __future__ import annotations

import hashlib
import json
from http import HTTPStatus
from typing import Any, TypeVar

from pydantic import ValidationError
from starlette.requests import Request

from bridge.api.limits import parse_json
from bridge.api.native.problems import RefusalError, invalid, problems_of
from bridge.client.documents import RequestDocument
from bridge.store import Token

SCHEMA_REFERENCE = "#/components/schemas/{model}"
"""Where the OpenAPI document has its schemas."""

T = TypeVar("T", bound=RequestDocument)


async def read_body(request: Request) -> Any:
    """Return the JSON value of a body; none is an empty object. Raises RefusalError."""
    try:
        return parse_json(await request.body() or b"{}")
    except ValueError as error:
        raise RefusalError(HTTPStatus.BAD_REQUEST, str(error)) from None


async def read_document(request: Request, kind: type[T]) -> T:
    """Return a body as the document that it should be. Raises RefusalError."""
    try:
        return kind.model_validate(await read_body(request))
    except ValidationError as error:
        raise invalid(problems_of(error)) from None


def described(kind: type[RequestDocument]) -> dict[str, Any]:
    """Return what the OpenAPI document says of a body that is read by `read_document`.

    The schema brings the definitions that it refers to in ``$defs``; whoever completes the
    document puts them where it refers to.
    """
    schema = kind.model_json_schema(by_alias=True, ref_template=SCHEMA_REFERENCE)
    required = bool(schema.get("required"))
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": required, "content": content}}


def token_of(asked: RequestDocument, value: str | None, operation: str) -> Token | None:
    """Return the client token of a request, with what tells a repeat of it from another one."""
    return token_for(asked.model_dump(mode="json", exclude={"client_token"}), value, operation)


def token_for(content: Any, value: str | None, operation: str) -> Token | None:
    """Return a client token, with what tells a repeat of its request from another one."""
    if value is None:
        return None
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    fingerprint = hashlib.sha256(canonical.encode()).hexdigest()
    return Token(operation=operation, value=value, fingerprint=fingerprint)
