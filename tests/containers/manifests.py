"""What the kustomizations come to, by kubectl."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

ROOT: Final = Path(__file__).parents[2]
KUBERNETES: Final = ROOT / "deploy/kubernetes"

Manifest = dict[str, Any]


@cache
def built(folder: str) -> list[Manifest]:
    """Return the manifests of a folder of deploy/kubernetes."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    made = subprocess.run(
        ["kubectl", "kustomize", KUBERNETES / folder], capture_output=True, text=True, check=True
    )
    return [one for one in yaml.safe_load_all(made.stdout) if one]


def of_kind(manifests: list[Manifest], kind: str) -> dict[str, Manifest]:
    """Return the manifests of a kind by name, without the hash that kustomize adds."""
    return {_plain(one["metadata"]["name"], kind): one for one in manifests if one["kind"] == kind}


def _plain(name: str, kind: str) -> str:
    return str(name.rpartition("-")[0]) if kind == "ConfigMap" else str(name)
