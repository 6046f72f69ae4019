"""Selectors and modes, as Chaos Mesh reads them."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest

from bridge.sandbox.kubernetes.chaos_mesh_kinds import CHAOS_KINDS
from bridge.sandbox.kubernetes.chaos_mesh_selection import (
    SelectionError,
    choose,
    matching_pods,
    select_targets,
)
from bridge.sandbox.kubernetes.objects import Object, ObjectStore


def seeded() -> Random:
    return Random(1)  # noqa: S311 - makes a test repeatable


def pod(store: ObjectStore, name: str, namespace: str = "shop", **rest: Any) -> None:
    body = {
        "metadata": {"labels": rest.get("labels", {}), "annotations": rest.get("annotations", {})},
        "spec": {
            "nodeName": rest.get("node", "n1"),
            "containers": [{"name": each} for each in rest.get("containers", ("main", "side"))],
        },
        "status": {"phase": rest.get("phase", "Running")},
    }
    store.create(("", "pods", namespace, name), body, generation=None)


@pytest.fixture
def store() -> ObjectStore:
    store = ObjectStore()
    for node, zone in (("n1", "a"), ("n2", "b")):
        store.create(("", "nodes", "", node), {"metadata": {"labels": {"zone": zone}}})
    pod(store, "carts", labels={"name": "carts", "tier": "back"})
    pod(store, "user", labels={"name": "user", "tier": "back"}, node="n2", phase="Pending")
    pod(store, "web", labels={"name": "web"}, annotations={"team": "front"})
    pod(store, "other", "elsewhere", labels={"name": "carts"})
    return store


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ({}, ["carts", "user", "web"]),
        ({"labelSelectors": {"name": "carts"}}, ["carts"]),
        ({"labelSelectors": {"name": "carts", "tier": "front"}}, []),
        ({"namespaces": ["shop", "elsewhere"], "labelSelectors": {"name": "carts"}},
         ["carts", "other"]),
        ({"namespaces": ["nowhere"]}, []),
        ({"annotationSelectors": {"team": "front"}}, ["web"]),
        ({"fieldSelectors": {"metadata.name": "user"}}, ["user"]),
        ({"fieldSelectors": {"spec.nodeName": "n1", "status.phase": "Running"}}, ["carts", "web"]),
        ({"nodes": ["n2"]}, ["user"]),
        ({"nodeSelectors": {"zone": "a"}}, ["carts", "web"]),
        ({"nodes": ["n2"], "nodeSelectors": {"zone": "a"}}, ["carts", "user", "web"]),
        ({"nodeSelectors": {"zone": "c"}}, []),
        ({"podPhaseSelectors": ["Pending", "Failed"]}, ["user"]),
        ({"expressionSelectors": [{"key": "name", "operator": "In", "values": ["web", "user"]}]},
         ["user", "web"]),
        ({"expressionSelectors": [{"key": "tier", "operator": "NotIn", "values": ["back"]}]},
         ["web"]),
        ({"expressionSelectors": [{"key": "tier", "operator": "Exists"}]}, ["carts", "user"]),
        ({"expressionSelectors": [{"key": "tier", "operator": "DoesNotExist"}]}, ["web"]),
        ({"pods": {"shop": ["web", "gone"], "elsewhere": ["other"]},
          "labelSelectors": {"name": "nobody"}}, ["web", "other"]),
    ],
)  # fmt: skip
def test_selectors(store: ObjectStore, selector: dict[str, Any], names: list[str]) -> None:
    found = matching_pods(store, {"namespaces": ["shop"], **selector})
    assert [each["metadata"]["name"] for each in found] == names


@pytest.mark.parametrize(
    "selector",
    [
        {"nodes": ["n3"]},
        {"expressionSelectors": [{"key": "name", "operator": "Near", "values": []}]},
    ],
)
def test_selectors_that_cannot_be_evaluated(store: ObjectStore, selector: dict[str, Any]) -> None:
    with pytest.raises(SelectionError):
        matching_pods(store, {"namespaces": ["shop"], **selector})


def things(count: int) -> list[Object]:
    return [{"number": number} for number in range(count)]


@pytest.mark.parametrize(
    ("mode", "value", "count", "chosen"),
    [
        ("one", "junk", 5, 1),
        ("all", "", 5, 5),
        ("fixed", "2", 5, 2),
        ("fixed", "9", 5, 5),
        ("fixed-percent", "50", 5, 3),
        ("fixed-percent", "1", 5, 1),
        ("fixed-percent", "100", 5, 5),
        ("fixed-percent", "40", 5, 2),
    ],
)
def test_modes(mode: str, value: str, count: int, chosen: int) -> None:
    found = choose(things(count), mode, value, seeded())
    assert len({each["number"] for each in found}) == len(found) == chosen


def test_random_max_percent_draws_from_none_to_its_maximum() -> None:
    random = seeded()
    counts = Counter(
        len(choose(things(10), "random-max-percent", "30", random)) for _ in range(500)
    )
    assert set(counts) == {0, 1, 2, 3}


def test_every_target_gets_its_turn() -> None:
    random = seeded()
    seen = {choose(things(3), "one", "", random)[0]["number"] for _ in range(50)}
    assert seen == {0, 1, 2}


@pytest.mark.parametrize(
    ("mode", "value", "message"),
    [
        ("fixed", "x", 'strconv.Atoi: parsing "x": invalid syntax'),
        ("fixed", "0", "cannot select any object as value below or equal 0"),
        ("fixed-percent", "-1", "cannot select any object as value below or equal 0"),
        ("some", "1", "mode some not supported"),
    ],
)
def test_modes_that_are_wrong(mode: str, value: str, message: str) -> None:
    with pytest.raises(SelectionError, match=message):
        choose(things(3), mode, value, seeded())


CARTS = {"namespaces": ["shop"], "labelSelectors": {"name": "carts"}}
USER = {"namespaces": ["shop"], "labelSelectors": {"name": "user"}}


@pytest.mark.parametrize(
    ("kind", "spec", "targets"),
    [
        ("NetworkChaos", {}, [(".", "shop/carts")]),
        ("NetworkChaos", {"target": {"mode": "all", "selector": USER}},
         [(".", "shop/carts"), (".Target", "shop/user")]),
        ("StressChaos", {}, [(".", "shop/carts/main")]),
        ("StressChaos", {"containerNames": ["side", "main"]},
         [(".", "shop/carts/main"), (".", "shop/carts/side")]),
        ("PodChaos", {"action": "pod-kill"}, [(".", "shop/carts")]),
        ("PodChaos", {"action": "container-kill", "containerNames": ["side"]},
         [(".", "shop/carts/side")]),
        ("KernelChaos", {}, [(".", "shop/carts")]),
        ("GCPChaos", {"action": "node-stop", "project": "p", "zone": "z", "instance": "i"},
         [(".", '{"project":"p","zone":"z","instance":"i"}')]),
        ("PhysicalMachineChaos", {"address": ["10.0.0.1:31767"]}, [(".", "10.0.0.1:31767")]),
    ],
)  # fmt: skip
def test_record_ids(
    store: ObjectStore, kind: str, spec: dict[str, Any], targets: list[tuple[str, str]]
) -> None:
    shared = {} if kind == "GCPChaos" else {"mode": "all", "selector": CARTS}
    assert select_targets(store, CHAOS_KINDS[kind], {**shared, **spec}, seeded()) == targets


@pytest.mark.parametrize(
    ("kind", "spec", "message"),
    [
        ("NetworkChaos", {"selector": {"namespaces": ["none"]}}, "no pod is selected"),
        ("NetworkChaos", {"target": {"mode": "all", "selector": {"namespaces": ["none"]}}},
         "no pod is selected"),
        ("StressChaos", {"containerNames": ["none"]}, "no target has been selected"),
        ("PhysicalMachineChaos", {}, "no physical machine is selected"),
    ],
)  # fmt: skip
def test_nothing_found(store: ObjectStore, kind: str, spec: dict[str, Any], message: str) -> None:
    with pytest.raises(SelectionError, match=message):
        select_targets(
            store, CHAOS_KINDS[kind], {"mode": "all", "selector": CARTS, **spec}, seeded()
        )


def test_physical_machines_are_selected_by_label(store: ObjectStore) -> None:
    for name in ("m1", "m2"):
        store.create(
            ("chaos-mesh.org", "physicalmachines", "shop", name),
            {"metadata": {"labels": {"name": name}}},
        )
    spec = {"mode": "all", "selector": {"namespaces": ["shop"], "labelSelectors": {"name": "m2"}}}
    found = select_targets(store, CHAOS_KINDS["PhysicalMachineChaos"], spec, seeded())
    assert found == [(".", "shop/m2")]
