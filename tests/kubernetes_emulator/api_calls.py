"""How the tests ask an API server, and how they read its answers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

MERGE = {"content-type": "application/merge-patch+json"}
JSON_PATCH = {"content-type": "application/json-patch+json"}
STRATEGIC = {"content-type": "application/strategic-merge-patch+json"}
TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}


def eventually(look: Callable[[], Any], seconds: float = 30) -> Any:
    """Wait until something is true of a cluster whose controllers take their time."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)
    return found


def message(answer: httpx.Response) -> str:
    """The message of a Status."""
    return str(answer.json()["message"])


def causes(answer: httpx.Response) -> set[tuple[str, str, str]]:
    """The causes of a refusal as (field, reason, message); 1.20 repeats some of them."""
    listed = answer.json()["details"]["causes"]
    return {(item["field"], item["reason"], item["message"]) for item in listed}


def names(answer: httpx.Response) -> list[str]:
    """The names in a list."""
    assert answer.status_code == 200, answer.text
    return [item["metadata"]["name"] for item in answer.json()["items"]]


def config_map(name: str, **labels: str) -> dict[str, Any]:
    """A config map with these labels and nothing in it."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels}}
