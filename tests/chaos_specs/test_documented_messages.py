"""The messages that docs/kubernetes.md shows are those that are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.chaos_specs.judged import ONE, judged

PAGE = Path(__file__).parents[2] / "docs" / "kubernetes.md"
MACHINES = {"mode": "one", "selector": {"namespaces": ["default"]}}


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("NetworkChaos", {**ONE, "action": "delay", "delay": {"latency": "90 ms"}}),
        ("NetworkChaos", {**ONE, "action": "delay", "latency": "90ms"}),
        ("HTTPChaos", {**ONE, "target": "Request", "port": 80, "requestHeaders": {}}),
        ("IOChaos", {**ONE, "action": "fault", "volumePath": "/data", "errno": "EIO"}),
        (
            "JVMChaos",
            {**ONE, "action": "return", "class": "A", "method": "b", "value": "9999"},
        ),
        ("IOChaos", {**ONE, "action": "latency", "volumePath": "/data"}),
        ("TimeChaos", {**ONE, "timeOffset": "1h", "duration": "abc"}),
        (
            "PhysicalMachineChaos",
            {**MACHINES, "action": "file-create", "file-create": {"file-name": "/a"}},
        ),
    ],
)
def test_what_is_shown_is_told(kind: str, spec: dict[str, Any]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert any(f"    {problem}\n" in page for problem in judged(kind, spec))
