"""Templates and Workflows to try things on."""

from __future__ import annotations

from typing import Any

from providers.kubernetes.specs import Problem, check

CHAOS_MESH = "chaos-mesh.org/v1alpha1"
ONE: dict[str, Any] = {"mode": "one", "selector": {}}
DELAY: dict[str, Any] = {**ONE, "action": "delay", "delay": {"latency": "90ms"}}
SLOW: dict[str, Any] = {
    "name": "slow",
    "templateType": "NetworkChaos",
    "deadline": "20s",
    "networkChaos": DELAY,
}
WAIT: dict[str, Any] = {"name": "wait", "templateType": "Suspend", "deadline": "10s"}
CHECKED: dict[str, Any] = {
    "type": "HTTP",
    "http": {"url": "http://a", "criteria": {"statusCode": "200"}},
}
ASK: dict[str, Any] = {"name": "ask", "templateType": "StatusCheck", "statusCheck": CHECKED}
CONTAINER: dict[str, Any] = {"name": "main", "image": "busybox", "command": ["sh", "-c", "echo ok"]}
RUN: dict[str, Any] = {"name": "run", "templateType": "Task", "task": {"container": CONTAINER}}
AGAIN: dict[str, Any] = {
    "name": "again",
    "templateType": "Schedule",
    "deadline": "1m",
    "schedule": {
        "schedule": "@every 2s",
        "type": "PodChaos",
        "podChaos": {**ONE, "action": "pod-kill"},
    },
}


def serial(*templates: dict[str, Any], kind: str = "Serial", **fields: Any) -> list[Problem]:
    names = [template["name"] for template in templates]
    entry = {"name": "all", "templateType": kind, "deadline": "5m", "children": names, **fields}
    return workflow(entry, *templates)


def workflow(*templates: dict[str, Any], entry: str = "all") -> list[Problem]:
    kept = [
        {name: value for name, value in template.items() if value is not ...}
        for template in templates
    ]
    return check(CHAOS_MESH, "Workflow", "default", {"entry": entry, "templates": kept})


def errors(problems: list[Problem]) -> dict[str, str]:
    return {each.path: each.message for each in problems if each.severity == "error"}


def warnings(problems: list[Problem]) -> dict[str, str]:
    return {each.path: each.message for each in problems if each.severity == "warning"}
