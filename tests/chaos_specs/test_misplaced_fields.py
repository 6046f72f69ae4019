"""An unknown field is told where it belongs: what is near, one level up or down, or gone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chaos_specs.judged import ONE, errors

DELAY = {**ONE, "action": "delay", "delay": {"latency": "1s"}}
MACHINE = {"mode": "one", "selector": {"namespaces": ["a"]}}


@pytest.mark.parametrize(
    ("kind", "spec", "path", "told"),
    [
        ("NetworkChaos", {**DELAY, "jitter": "1s"}, "spec.jitter", "it belongs in spec.delay"),
        (
            "NetworkChaos",
            {**ONE, "action": "delay", "delay": {"latency": "1s", "mode": "one"}},
            "spec.delay.mode",
            "it belongs in spec",
        ),
        (
            "NetworkChaos",
            {**DELAY, "namespaces": ["a"]},
            "spec.namespaces",
            "it belongs in spec.selector",
        ),
        (
            "NetworkChaos",
            {**ONE, "action": "partition", "correlation": "1"},
            "spec.correlation",
            "it belongs in spec.delay, spec.loss or spec.duplicate",
        ),
        (
            "NetworkChaos",
            {**ONE, "action": "partition", "loss": {"loss": "1"}, "correlation": "1"},
            "spec.correlation",
            "it belongs in spec.loss",
        ),
        ("IOChaos", {"perm": 72}, "spec.perm", "it belongs in spec.attr"),
        (
            "KernelChaos",
            {"funcname": "x"},
            "spec.funcname",
            "it belongs in the items of spec.failKernRequest.callchain",
        ),
        (
            "PhysicalMachineChaos",
            {**MACHINE, "action": "disk-fill", "size": "1M"},
            "spec.size",
            "it belongs in spec.disk-fill",
        ),
        (
            "PhysicalMachineChaos",
            {**MACHINE, "action": "jvm-stress", "jvm-stress": {"cpuCount": 1}},
            "spec.jvm-stress.cpuCount",
            'did you mean "cpu-count"?',
        ),
        ("TimeChaos", {**ONE, "time_offset": "1s"}, "spec.time_offset", '"timeOffset"?'),
        ("HTTPChaos", {"Port": 80}, "spec.Port", 'did you mean "port"?'),
        ("PodChaos", {"scheduler": {"cron": "@daily"}}, "spec.scheduler", "write a Schedule"),
        ("JVMChaos", {"agent": 1}, "spec.agent", "the fields here are"),
    ],
)
def test_where_it_belongs(kind: str, spec: dict[str, Any], path: str, told: str) -> None:
    assert errors(kind, spec)[path].startswith(f'unknown field "{path.rpartition(".")[2]}", ')
    assert told in errors(kind, spec)[path]


def test_a_single_text_is_told_to_be_a_list() -> None:
    told = errors("DNSChaos", {**ONE, "action": "error", "patterns": "a.com"})
    assert told["spec.patterns"] == 'must be a list, is text, write ["a.com"]'
