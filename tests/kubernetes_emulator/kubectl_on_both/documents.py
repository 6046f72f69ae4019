"""The manifests that the scripts hand to kubectl, by the word that stands for each."""

from __future__ import annotations

import json
from typing import Any

from tests.kubernetes_emulator.api_calls import config_map
from tests.kubernetes_emulator.definitions import GROUP, probe


def _deployment(*containers: tuple[str, str], **spec: Any) -> dict[str, Any]:
    listed = [{"name": name, "image": image} for name, image in containers]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "shop", "labels": {"app": "shop"}},
        "spec": {
            "selector": {"matchLabels": {"app": "shop"}},
            "template": {
                "metadata": {"labels": {"app": "shop"}},
                "spec": {"containers": listed},
            },
            **spec,
        },
    }


def _typed(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "Typed",
        "metadata": {"name": name},
        "spec": spec,
    }


def _data(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


_POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "lone", "labels": {"app": "lone"}, "annotations": {"note": "x"}},
    "spec": {
        "containers": [
            {
                "name": "main",
                "image": "shop/main:1",
                "env": [{"name": "A", "value": "1"}],
                "ports": [{"containerPort": 80, "name": "web"}],
                "resources": {"limits": {"memory": "64Mi"}, "requests": {"cpu": "10m"}},
                "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}],
            }
        ],
        "volumes": [{"name": "scratch", "emptyDir": {}}],
    },
}
_SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "front"},
    "spec": {
        "selector": {"app": "shop"},
        "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080}],
    },
}
_DELAY = {
    "apiVersion": "chaos-mesh.org/v1alpha1",
    "kind": "NetworkChaos",
    "metadata": {"name": "slow", "namespace": "NAMESPACE"},
    "spec": {
        "action": "delay",
        "mode": "all",
        "selector": {"labelSelectors": {"app": "shop"}},
        "delay": {"latency": "90ms"},
        "duration": "30s",
    },
}
_HELD = config_map("held")
_HELD["metadata"]["finalizers"] = ["testing.faultbridge.dev/hold"]

DOCUMENTS = {
    name: json.dumps(document)
    for name, document in {
        "probe": probe("a", n=2, value="x", map={"k": "v"}),
        "probe-changed": probe("a", n=3, map={"l": "w"}),
        "probe-wrong": probe("b", n=9),
        "probe-mistyped": probe("b", n="two"),
        "probe-incomplete": {**probe("b"), "spec": {"mode": "one"}},
        "probe-unknown": probe("b", bogus=1),
        "typed": _typed("t", n=1, items=[{"name": "x", "v": "1"}, {"name": "y"}], words=["a", "b"]),
        "typed-less": _typed("t", n=1, items=[{"name": "x", "v": "1"}], words=["a"]),
        "typed-other": _typed("t", items=[{"name": "z", "v": "9"}], words=["c"]),
        "typed-conflict": _typed("t", n=5, items=[{"name": "x", "v": "2"}]),
        "typed-unknown": _typed("t", bogus=True),
        "map": _data("settings", a="1", b="2"),
        "map-changed": _data("settings", a="1", c="3"),
        "map-conflict": _data("settings", a="9"),
        "list": {
            "apiVersion": "v1",
            "kind": "List",
            "items": [_data("listed-a", a="1"), _data("listed-b", b="2")],
        },
        "held": _HELD,
        "pod": _POD,
        "service": _SERVICE,
        "deployment": _deployment(("a", "a:1"), ("b", "b:1")),
        "deployment-changed": _deployment(("c", "c:1"), ("a", "a:2")),
        "deployment-recreate": _deployment(("a", "a:2"), strategy={"type": "Recreate"}),
        "delay": _DELAY,
        "delay-wrong": {**_DELAY, "spec": {**_DELAY["spec"], "mode": "some"}},  # type: ignore[dict-item]  # a literal's type
    }.items()
}
