"""What a command loads before it has anything to do."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.conftest import ROOT

HEAVY = {"alembic", "boto3", "fastapi", "httpx", "moto", "rich", "sqlalchemy", "uvicorn", "yaml"}


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (["--help"], HEAVY | {"pydantic"}),
        (["--version"], HEAVY | {"pydantic"}),
        (["run", "--help"], HEAVY),  # Typer itself loads pydantic where there is an argument
        (["serve", "--host", "192.0.2.1"], HEAVY),
        (["validate", "no-such-file.yaml"], HEAVY - {"yaml"}),
        (["actions"], HEAVY - {"yaml"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_needs_no_bridge_loads_none(arguments: list[str], heavy: set[str]) -> None:
    report = (
        "import sys\n"
        "from bridge.cli import main\n"
        "try:\n"
        f"    main({arguments})\n"
        "except SystemExit:\n"
        f"    print('loaded', *sorted({heavy} & set(sys.modules)))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", report], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ended.stdout.splitlines()[-1] == "loaded"
