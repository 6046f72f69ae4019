"""Requests through API Gateway (HTTP APIs and REST APIs), a load balancer or a function URL."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from bridge.triggers.aws.lambda_context import LambdaContext, Payload
from bridge.triggers.http import Request, respond
from bridge.triggers.trigger import configured


def http(event: Payload, context: LambdaContext) -> Payload:
    """Answer a request; of either payload format."""
    answer = respond(_request(event, context), configured)
    return {
        "statusCode": answer.status,
        "headers": dict(answer.headers),
        "body": answer.body,
        "isBase64Encoded": False,
    }


def _request(event: Payload, context: LambdaContext) -> Request:
    about = event.get("requestContext") or {}
    if "http" in about:  # 2.0: HTTP APIs and function URLs
        method, path = about["http"]["method"], event.get("rawPath", "/")
    else:
        method, path = event.get("httpMethod", ""), event.get("path", "/")
    return Request(
        method=method,
        path=path,
        query=_texts(event.get("queryStringParameters")),
        headers=_texts(event.get("headers")),
        body=_body(event),
        id=str(about.get("requestId") or context.aws_request_id),
    )


def _texts(given: Mapping[str, Any] | None) -> dict[str, str]:
    return {name: str(value) for name, value in (given or {}).items()}


def _body(event: Payload) -> bytes:
    text = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(text).encode()
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return b""
