"""How tests look at what the SDK raises."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError


def refusal(caught: pytest.ExceptionInfo[HttpResponseError]) -> Any:
    """Return the error of ARM's body: ``code``, ``message``, ``target``, ``details``."""
    assert caught.value.error is not None
    return caught.value.error


def headers(caught: pytest.ExceptionInfo[HttpResponseError]) -> Any:
    """Return the headers of the answer."""
    response: Any = caught.value.response
    return response.headers
