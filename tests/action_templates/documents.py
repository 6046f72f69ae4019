"""Action templates that the tests begin with."""

from __future__ import annotations

import copy
from typing import Any

DELAY: dict[str, Any] = {
    "name": "slow-checkout",
    "description": "Slow down what checkout sends.",
    "maxDuration": "PT10M",
    "apiVersion": "chaos-mesh.org/v1alpha1",
    "kind": "NetworkChaos",
    "namespace": "{{ namespace }}",
    "spec": {
        "action": "delay",
        "mode": "fixed-percent",
        "value": "{{ percentage }}",
        "duration": "{{ duration }}",
        "selector": {"namespaces": ["{{ namespace }}"], "labelSelectors": "{{ labels }}"},
        "delay": {"latency": "{{ latency }}"},
    },
    "parameters": {
        "namespace": {"type": "namespace", "default": "shop"},
        "labels": {"type": "labelSelector", "description": "Labels of the pods."},
        "percentage": {"type": "percentage", "default": 100, "minimum": 1},
        "duration": {"type": "duration", "default": "5m", "minimum": "10s", "maximum": "9m"},
        "latency": {"type": "duration", "default": "90ms", "minimum": "1ms", "maximum": "60s"},
    },
}
"""A NetworkChaos with parameters of several types."""


def document(**changes: Any) -> dict[str, Any]:
    """Return a copy of it with some members replaced; None takes one away."""
    made = copy.deepcopy(DELAY) | changes
    return {name: member for name, member in made.items() if member is not None}


def with_parameter(name: str, declared: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """Return it with one more parameter, and members of the spec that use it."""
    made = document()
    made["parameters"][name] = declared
    made["spec"] |= spec
    return made
