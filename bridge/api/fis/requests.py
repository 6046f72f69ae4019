"""Requests as the REST-JSON protocol spreads them: path labels, query parameters, body."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_to_bytes

from starlette.requests import Request

from bridge.api.limits import check_text, parse_json
from bridge.dialects.fis.errors import NotSupportedError, ValidationError
from bridge.dialects.fis.operations import Operation
from bridge.dialects.fis.shapes import Items, Shape, Structure, Whole, problems
from bridge.dialects.fis.templates import MOST_PROBLEMS
from bridge.model.problem import Problem
from bridge.model.wording import quote, suggestion
from bridge.store import Token

_WITH_BODY: Final = frozenset({"POST", "PATCH"})
_DIGITS: Final = re.compile(r"-?[0-9]{1,9}")
_SIGNATURE: Final = "x-amz-"
"""Query parameters of a presigned request; not ours to judge."""


async def read_request(operation: Operation, request: Request) -> dict[str, Any]:
    """Return the members of a request, each within the service model's limits.

    Raises NotSupportedError for an operation that we do not have, ValidationError naming all
    members that do not fit.
    """
    shape = operation.request
    if shape is None:
        msg = f"{operation.name} is not supported yet by this bridge; leave the call out"
        raise NotSupportedError(msg)
    try:
        labels = {
            member: _decoded(request.path_params[label].encode("latin-1"))
            for label, member in operation.labels.items()
        }
        pairs = _query_pairs(request.scope["query_string"])
        body = parse_json(await _body(request)) if operation.method in _WITH_BODY else {}
    except ValueError as error:
        raise ValidationError(str(error)) from None
    query, found = _query(operation, shape, pairs)
    if not isinstance(body, dict):
        msg = "the body is not a JSON object; write { … }"
        raise ValidationError(msg)
    elsewhere = {*operation.labels.values(), *operation.query}
    found += [
        Problem(path=name, message="belongs into the path or query, not into the body; remove it")
        for name in body
        if name in elsewhere
    ]
    members = {**body, **query, **labels}
    found += islice(problems(shape, members, ""), MOST_PROBLEMS)
    if found:
        raise ValidationError.of(found)
    return {name: value for name, value in members.items() if value is not None}


def client_token(operation: str, members: Mapping[str, Any]) -> Token:
    """Return the client token of a request, with the fingerprint of all else in it."""
    rest = {name: value for name, value in members.items() if name != "clientToken"}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    fingerprint = hashlib.sha256(canonical.encode()).hexdigest()
    return Token(operation=operation, value=members["clientToken"], fingerprint=fingerprint)


async def _body(request: Request) -> bytes:
    return await request.body() or b"{}"


def _decoded(encoded: bytes) -> str:
    raw = unquote_to_bytes(encoded)
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        msg = f"{quote(repr(raw))} in the address is not UTF-8; percent-encode it so"
        raise ValueError(msg) from None
    check_text(text)
    return text


def _query_pairs(query: bytes) -> list[tuple[str, str]]:
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        msg = "the query is not percent-encoded UTF-8; encode it so"
        raise ValueError(msg) from None
    for name, value in pairs:
        check_text(name)
        check_text(value)
    return pairs


def _query(
    operation: Operation, shape: Structure, pairs: list[tuple[str, str]]
) -> tuple[dict[str, Any], list[Problem]]:
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        if not name.lower().startswith(_SIGNATURE):
            values.setdefault(name, []).append(value)
    found: list[Problem] = []
    members: dict[str, Any] = {}
    for name, given in values.items():
        if name not in operation.query:
            mend = suggestion(name, operation.query, "remove it")
            message = f"is not a query parameter of {operation.name}; {mend}"
            found.append(Problem(path=quote(name), message=message))
            continue
        member = shape.members[name]
        found += _repeated(name, member, given)
        members[name] = _typed(member, given)
    return members, found


def _repeated(name: str, member: Shape, given: list[str]) -> Iterator[Problem]:
    if len(given) > 1 and not isinstance(member, Items):
        yield Problem(path=name, message=f"is given {len(given)} times; give it once")


def _typed(member: Shape, given: list[str]) -> Any:
    if isinstance(member, Items):
        return given
    if isinstance(member, Whole) and _DIGITS.fullmatch(given[0]):
        return int(given[0])
    return given[0]
