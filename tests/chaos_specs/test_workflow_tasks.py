"""The containers and volumes of a Task, judged as Kubernetes describes them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chaos_specs.workflows import (
    CONTAINER,
    RUN,
    errors,
    serial,
)

TASK = "spec.templates[1].task"


@pytest.mark.parametrize(
    ("container", "path"),
    [
        ({"image": "x"}, "name"),
        ({"name": "x", "imagePullPolcy": "Always"}, "imagePullPolcy"),
        ({"name": "x", "args": "--fast"}, "args"),
        ({"name": "x", "env": [{"name": "A", "value": 1}]}, "env[0].value"),
        (
            {"name": "x", "env": [{"name": "A", "valueFrom": {"fieldRef": {}}}]},
            "env[0].valueFrom.fieldRef.fieldPath",
        ),
        ({"name": "x", "resources": {"limits": {"cpu": "lots"}}}, "resources.limits.cpu"),
        ({"name": "x", "resources": {"limits": {"cpu": 1.5}}}, "resources.limits.cpu"),
        ({"name": "x", "ports": [{"containerPort": "80"}]}, "ports[0].containerPort"),
        ({"name": "x", "livenessProbe": {"httpGet": {"port": []}}}, "livenessProbe.httpGet.port"),
        ({"name": "x", "securityContext": {"runAsUser": "0"}}, "securityContext.runAsUser"),
        ([], ""),
    ],
)
def test_containers_are_judged_to_the_bottom(container: Any, path: str) -> None:
    told = errors(serial({**RUN, "task": {"container": container}}))
    assert told.keys() == {f"{TASK}.container.{path}".removesuffix(".")}


def test_containers_that_are_taken() -> None:
    container = {
        **CONTAINER,
        "args": None,
        "resources": {"limits": {"cpu": 1, "memory": "64Mi"}, "requests": {"cpu": "1e3m"[:3]}},
        "livenessProbe": {"httpGet": {"port": "http", "path": "/"}, "periodSeconds": 3},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        "envFrom": [{"configMapRef": {"name": "a"}}],
    }
    volumes = [
        {"name": "data", "emptyDir": {"sizeLimit": "1Gi"}},
        {"name": "secret", "secret": {"secretName": "a", "items": [{"key": "b", "path": "c"}]}},
    ]
    task = {"container": container, "volumes": volumes, "labels": {"a": "b"}}
    assert serial({**RUN, "task": task}) == []
    task["volumes"] = [{"emptyDir": {"sizeLmit": 1}}]
    assert errors(serial({**RUN, "task": task})).keys() == {
        f"{TASK}.volumes[0].name",
        f"{TASK}.volumes[0].emptyDir.sizeLmit",
    }
