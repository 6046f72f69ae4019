"""The command, and the files it is given."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.cli import main

SLOW = """\
apiVersion: chaos-mesh.org/v1alpha1
kind: NetworkChaos
metadata:
  name: slow-carts
  namespace: sock-shop
spec:
  action: delay
  mode: one
  selector:
    labelSelectors: {name: carts}
  delay:
    latency: 90ms
  duration: 3m
"""
CLUSTER = "arn:aws:eks:us-east-1:123456789012:cluster/sandbox"
ROLE = "arn:aws:iam::123456789012:role/my-fis-role"

Command = Callable[..., tuple[int, str, str]]
Write = Callable[..., str]


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Command:
    """Run a command line in a folder of its own; return exit code, output and errors."""
    for name in [name for name in os.environ if name.startswith(("FAULTBRIDGE_", "KUBE"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        output, errors = capfd.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, output, errors

    return run


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file into that folder, with changes to its text; return its relative name."""

    def to_file(text: str, *changes: tuple[str, str], name: str = "chaos.yaml") -> str:
        for before, after in changes:
            assert before in text
            text = text.replace(before, after)
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return name

    return to_file


def template(spec: str, **parameters: Any) -> dict[str, Any]:
    """Return a FIS template that creates a NetworkChaos with this text as its spec."""
    return {
        "description": "Slow carts",
        "targets": {
            "Cluster": {
                "resourceType": "aws:eks:cluster",
                "resourceArns": [CLUSTER],
                "selectionMode": "ALL",
            }
        },
        "actions": {
            "SlowCarts": {
                "actionId": "aws:eks:inject-kubernetes-custom-resource",
                "parameters": {
                    "kubernetesApiVersion": "chaos-mesh.org/v1alpha1",
                    "kubernetesKind": "NetworkChaos",
                    "kubernetesNamespace": "default",
                    "kubernetesSpec": spec,
                    "maxDuration": "PT5M",
                    **parameters,
                },
                "targets": {"Cluster": "Cluster"},
            }
        },
        "stopConditions": [
            {
                "source": "aws:cloudwatch:alarm",
                "value": "arn:aws:cloudwatch:us-east-1:123456789012:alarm:carts",
            }
        ],
        "roleArn": ROLE,
    }
