"""The layers of the house: who may import whom, and where a cloud's SDK may appear."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PACKAGES = ("bridge", "iam", "providers", "rbac")

SDKS = ("azure", "boto3", "botocore", "google", "kubernetes", "moto")
"""The import names of the clouds' SDKs and of what is built on them.

`google` is a namespace that several SDKs share: import-linter cannot name `google.cloud`, an
external sub-package, which is why this is a test and not a contract.
"""

SDK_ROOMS = (
    "bridge.sandbox",
    "bridge.triggers.aws.callbacks",  # tells CodeDeploy and Step Functions how a run ended
    "bridge.triggers.azure",  # `azure.functions`: the platform's own types of events
    "iam",
    "providers",
    "rbac",
)

STARTUP = (
    "import bridge.catalog",
    "import bridge.api",
    "import bridge.cli",
)
"""What every process does before its first fault, as statements: none may load a cloud's SDK."""


def modules() -> Iterator[tuple[str, Path]]:
    """Yield the dotted name and the file of each module that we ship."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def layers() -> tuple[str, ...]:
    """Return the modules that the layers contract names, highest first."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    (contract,) = (contract for contract in contracts if contract["type"] == "layers")
    return tuple(
        name.strip().removeprefix("(").removesuffix(")")
        for layer in contract["layers"]
        for name in layer.split("|")
    )


def within(module: str, rooms: tuple[str, ...]) -> bool:
    """Tell whether `module` is one of `rooms` or lies in one."""
    return any(module == room or module.startswith(f"{room}.") for room in rooms)


def imported(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield each absolute import of a module with its line, wherever in the code it stands."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names, lineno=line):
                yield from ((name.name, line) for name in names)
            case ast.ImportFrom(module=str(module), level=0, lineno=line):
                yield module, line
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__")
                | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(module)), *_],
                lineno=line,
            ):
                yield module, line


def test_no_contract_is_broken() -> None:
    # In a process of its own: the tool sets up logging for the whole process that it runs in.
    linter = Path(sys.executable).with_name("lint-imports")
    checked = subprocess.run(
        [linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout


def test_every_module_lies_in_a_layer() -> None:
    homeless = [
        str(path.relative_to(ROOT))
        for module, path in modules()
        if module != "bridge" and not within(module, layers())
    ]
    assert not homeless, "in no layer of the contract in pyproject.toml"


def test_cloud_sdks_stay_in_their_rooms() -> None:
    strays = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for module, path in modules()
        if not within(module, SDK_ROOMS)
        for name, line in imported(ast.parse(path.read_text()))
        if within(name, SDKS)
    ]
    assert not strays, f"allowed only in {', '.join(SDK_ROOMS)}"


@pytest.mark.parametrize("statement", STARTUP)
def test_start_up_loads_no_cloud_sdk(statement: str) -> None:
    # In a process of its own: here, other tests have loaded them. Google's Functions Framework
    # puts the namespace `google` into every process, by a .pth file.
    report = (
        f"import sys; before = set(sys.modules); {statement}; "
        "print(*sorted({one.partition('.')[0] for one in set(sys.modules) - before}))"
    )
    started = subprocess.run(
        [sys.executable, "-c", report], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert started.returncode == 0, started.stderr
    assert not set(started.stdout.split()) & set(SDKS)
