"""Which pods a selector takes in a cluster: shown, and told where there is none."""

from __future__ import annotations

import pytest

from tests.lint.conftest import Command, Write
from tests.lint.with_cluster.conftest import (
    CHAOS,
    NAMESPACE,
    Cluster,
    Lint,
    told,
)


def test_the_pods_that_are_taken_are_shown_with_their_zones(lint: Lint, write: Write) -> None:
    found = lint(write(CHAOS))
    assert found["findings"] == []
    (preview,) = found["previews"]
    assert (preview["path"], preview["mode"]) == ("spec.selector", "one")
    assert (preview["matching"], preview["taken"]) == (3, 1)
    assert preview["zones"] == {"eu-1a": 1, "eu-1b": 2}
    assert [(pod["name"], pod["node"], pod["zone"]) for pod in preview["pods"]] == [
        ("carts-1", "node-a", "eu-1a"),
        ("carts-2", "node-b", "eu-1b"),
        ("carts-3", "node-b", "eu-1b"),
    ]


def test_a_table_shows_them_in_text(command: Command, write: Write, cluster: Cluster) -> None:
    arguments = ("--cluster", "current", "--kubeconfig", str(cluster.kubeconfig))
    code, output, _ = command("lint", write(CHAOS), *arguments)
    assert code == 0
    head, titles, first, *_ = output.splitlines()
    assert "spec.selector takes 1 of 3 pods of cluster admin (one); 1 in eu-1a" in head
    assert titles.split() == ["NAMESPACE", "POD", "NODE", "ZONE", "PHASE"]
    assert first.split() == [NAMESPACE, "carts-1", "node-a", "eu-1a", "Running"]


@pytest.mark.parametrize(
    ("selector", "pods"),
    [
        ("{labelSelectors: {app: carts}, nodes: [node-a]}", ["carts-1"]),
        ("{labelSelectors: {app: carts}, nodeSelectors: {disk: b}}", ["carts-2", "carts-3"]),
        ("{nodes: [node-a], nodeSelectors: {disk: b}}", None),
        ("{fieldSelectors: {metadata.name: carts-2}}", ["carts-2"]),
        ("{podPhaseSelectors: [Pending]}", ["queue-2"]),
        (f"{{pods: {{{NAMESPACE}: [carts-1, gone]}}}}", ["carts-1"]),
        ("{expressionSelectors: [{key: app, operator: NotIn, values: [carts]}]}", 2),
    ],
)
def test_what_a_selector_names_is_what_it_takes(
    lint: Lint, write: Write, selector: str, pods: list[str] | int | None
) -> None:
    before = "  selector:\n    labelSelectors: {app: carts}\n"
    (preview,) = lint(write(CHAOS, (before, f"  selector: {selector}\n")))["previews"]
    names = [pod["name"] for pod in preview["pods"]]
    if pods is None:
        assert len(names) == 5
    elif isinstance(pods, int):
        assert len(names) == pods
    else:
        assert names == pods


def test_no_pod_is_an_error(command: Command, write: Write, cluster: Cluster) -> None:
    name = write(CHAOS, ("{app: carts}", "{app: cart}"))
    arguments = ("--cluster", "admin", "--kubeconfig", str(cluster.kubeconfig))
    code, output, _ = command("lint", name, *arguments)
    assert code == 2
    assert output.startswith(f"{name}:9:3: error: spec.selector: no pod of namespace {NAMESPACE}")
    assert "[cluster-selector]" in output


def test_the_target_of_a_partition_is_previewed_too(lint: Lint, write: Write) -> None:
    target = "  target:\n    mode: all\n    selector: {labelSelectors: {app: nobody}}\n"
    name = write(CHAOS, ("  duration", f"{target}  duration"))
    found = lint(name)
    assert [one["path"] for one in found["previews"]] == ["spec.selector", "spec.target.selector"]
    assert [(rule, path) for rule, path, _ in told(found)] == [
        ("cluster-selector", "spec.target.selector")
    ]


def test_pods_that_do_not_run_and_numbers_that_are_too_high_are_told(
    lint: Lint, write: Write
) -> None:
    name = write(
        CHAOS, ("{app: carts}", "{app: queue}"), ("mode: one", "mode: fixed\n  value: '3'")
    )
    messages = {path: message for _, path, message in told(lint(name))}
    assert "1 of 2 matching pods are not running (queue-2: Pending)" in messages["spec.selector"]
    assert messages["spec.value"] == "asks for 3 pods, and 2 match: all are taken"


def test_whoever_may_not_list_nodes_learns_no_zones(lint: Lint, write: Write) -> None:
    (preview,) = lint(write(CHAOS), context="dev")["previews"]
    assert (preview["matching"], preview["zones"]) == (3, {})
    assert "nodes may not be listed" in preview["zonesUnknown"]
    selector = ("{app: carts}", "{app: carts}\n    nodeSelectors: {disk: b}")
    found = lint(write(CHAOS, selector), context="dev")
    (_, path, message) = next(one for one in told(found) if one[0] == "cluster-access")
    assert path == "spec.selector"
    assert "nodeSelectors name labels of nodes" in message
