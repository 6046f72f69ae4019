"""What a cold start waits for: no cloud's SDK, no service, nothing of another platform."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.docs.pages import ROOT

HEAVY = (
    *("boto3", "botocore", "google", "kubernetes", "moto"),
    *("azure.core", "azure.identity", "azure.mgmt"),
    *("sqlalchemy", "alembic", "fastapi", "starlette", "uvicorn", "typer"),
    *("cryptography", "jwt", "flask", "functions_framework"),
)
"""Modules that no handler may load; Google's framework is the platform's, and loads ours.

Not `rich`: httpx loads it for a command of its own wherever it finds it.
"""
HANDLERS = ("bridge.triggers.aws", "bridge.triggers.gcp", "bridge.triggers.azure")

PROGRAM = """
import importlib, json, os, sys
loaded, before = {}, set(sys.modules)  # a .pth file of Google's framework fills in `google`
for module in sys.argv[1:]:
    importlib.import_module(module)
    loaded[module] = sorted(set(sys.modules) - before)
os.environ["FAULTBRIDGE_URL"] = "https://chaos.example.com"
os.environ["FAULTBRIDGE_TRIGGER_RULES"] = '{"rules": [{"name": "a", "stop": {"templateId": "x"}}]}'
from bridge.triggers.trigger import configured
configured()
loaded["configured"] = sorted(set(sys.modules) - before)
print(json.dumps(loaded))
"""


def test_handlers_load_nothing_heavy() -> None:
    started = subprocess.run(
        [sys.executable, "-c", PROGRAM, *HANDLERS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {name: set(modules) for name, modules in json.loads(started.stdout).items()}
    assert set(HANDLERS) < set(loaded)
    for name, modules in loaded.items():
        heavy = {one for one in modules if one in HEAVY or one.partition(".")[0] in HEAVY}
        assert not heavy, name
        ours = {module for module in modules if module.partition(".")[0] in ("providers", "rbac")}
        assert not ours, name
    # One after the other: only that of Azure may bring Azure's types.
    assert "azure.functions" not in loaded["bridge.triggers.gcp"]
    assert "azure.functions" in loaded["bridge.triggers.azure"]
