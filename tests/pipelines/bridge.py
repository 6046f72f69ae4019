"""A bridge behind real HTTP whose faults are doubles, and which asks who is calling."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.cli.connection import load_settings
from bridge.cli.listening import bridge_on
from tests.cli.doubles import document


@asynccontextmanager
async def asking(
    folder: Path, monkeypatch: pytest.MonkeyPatch, principal: str, **settings: Any
) -> AsyncIterator[str]:
    """Run a bridge in which one principal may use runs; its settings say how he proves himself."""
    actions = ["fis:StartExperiment", "fis:GetExperiment", "fis:StopExperiment"]
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    policy = {
        "name": "pipelines",
        "document": {"Version": "2012-10-17", "Statement": [statement]},
        "attach": {"principals": [principal]},
    }
    path = folder / "policies.json"
    path.write_text(json.dumps({"policies": [policy]}))
    monkeypatch.setenv("FAULTBRIDGE_POLICIES", str(path))
    for name, value in settings.items():
        monkeypatch.setenv(f"FAULTBRIDGE_{name.upper()}", value)
    async with bridge_on(load_settings(), "127.0.0.1", 0) as url:
        yield url


async def stored(folder: Path, seconds: int) -> str:
    """Store a template in the same database, as somebody who is not asked; return its id."""
    settings = load_settings(folder / "data")
    async with (
        bridge_on(settings, "127.0.0.1", 0, works=False) as url,
        httpx.AsyncClient(base_url=url) as client,
    ):
        body = {**document(seconds=seconds), "clientToken": "one"}
        answer = await client.post("/experimentTemplates", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["experimentTemplate"]["id"])
