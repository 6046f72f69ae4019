"""Errors as Azure Resource Manager and its resource providers write them."""

from __future__ import annotations

import json
from typing import Any

from werkzeug.wrappers import Response


class ArmError(Exception):
    """A refusal: code, message and HTTP status, and what is at fault where ARM says that too."""

    def __init__(
        self,
        code: str,
        message: str,
        status: int = 400,
        *,
        target: str = "",
        headers: dict[str, str] | None = None,
        details: list[dict[str, str]] | None = None,
    ) -> None:
        super().__init__(message)
        self.code, self.status, self.target = code, status, target
        self.headers, self.details = headers, details

    def response(self) -> Response:
        """Write it as ARM does (Resource Provider Contract, "Error response content")."""
        error: dict[str, Any] = {"code": self.code, "message": str(self)}
        if self.target:
            error["target"] = self.target
        if self.details:
            error["details"] = self.details
        return answer({"error": error}, self.status, self.headers)


def answer(body: Any = None, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Write a JSON answer; ``None`` is an empty body."""
    if body is None:
        return Response(b"", status, headers)
    content_type = "application/json; charset=utf-8"
    return Response(json.dumps(body), status, headers, content_type=content_type)
