"""How the tests apply from the server's side, and how they read who owns what."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.kubernetes_emulator.definitions import GROUP

if TYPE_CHECKING:
    import httpx

APPLY = {"content-type": "application/apply-patch+yaml", "user-agent": "tester/1.0"}


def apply(
    api: httpx.Client, path: str, config: dict[str, Any], manager: str = "one", **query: str
) -> httpx.Response:
    """Apply a configuration under the name that it has."""
    return api.patch(
        f"{path}/{config['metadata']['name']}",
        params={"fieldManager": manager, **query},
        content=json.dumps(config),
        headers=APPLY,
    )


def owners(answer: httpx.Response) -> dict[str, Any]:
    """The fields of each manager, without those of metadata itself."""
    assert answer.status_code in (200, 201), answer.text
    entries = answer.json()["metadata"].get("managedFields", [])
    return {f"{entry['manager']} {entry['operation']}": entry["fieldsV1"] for entry in entries}


def settings(**data: str) -> dict[str, Any]:
    """A config map with this data."""
    named = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
    return {**named, "data": data} if data else named


def typed(**spec: Any) -> dict[str, Any]:
    """An object of the kind that has lists of each type."""
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "Typed",
        "metadata": {"name": "t"},
        "spec": spec,
    }
