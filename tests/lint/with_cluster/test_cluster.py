"""`faultbridge lint --cluster`: what a cluster says that nobody else can know."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.lint.conftest import CLUSTER, SLOW, Command, Write, template
from tests.lint.with_cluster.conftest import NAMESPACE, REFUSED, Cluster, make, until
from tests.lint.with_cluster.differences import WEBHOOKS

Lint = Callable[..., dict[str, Any]]

CHAOS = SLOW.replace("sock-shop", NAMESPACE).replace("{name: carts}", "{app: carts}")


@pytest.fixture
def lint(command: Command, cluster: Cluster) -> Lint:
    """Lint a file against the cluster; return the JSON document."""

    def linted(name: str, *further: str, context: str = "admin") -> dict[str, Any]:
        arguments = ("--cluster", context, "--kubeconfig", str(cluster.kubeconfig), *further)
        _, output, errors = command("lint", name, "--format", "json", *arguments)
        assert output, errors
        found: dict[str, Any] = json.loads(output)
        return found

    return linted


def told(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(one["rule"], one["path"], one["message"]) for one in document["findings"]]


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


def test_whoever_may_not_create_or_list_is_told_so(lint: Lint, write: Write) -> None:
    found = lint(write(CHAOS, (f"namespace: {NAMESPACE}", "namespace: default")), context="dev")
    said = [(rule, path) for rule, path, _ in told(found)]
    assert ("cluster-access", "spec.selector") in said
    assert any("not tried in cluster dev" in message for _, _, message in told(found))
    assert {one["severity"] for one in found["findings"]} == {"warning"}


def test_a_webhook_is_heard_at_the_field(lint: Lint, write: Write, cluster: Cluster) -> None:
    words = (
        '[Spec.ContainerSelector.PodSelector.mode: Invalid value: \\"one\\": one is no more, '
        'Spec.PodSelector.mode: Invalid value: \\"one\\": one is no more, '
        "Spec.TcParameter.Delay.Latency: Required value]"
    )
    annotated = f'metadata:\n  annotations: {{{REFUSED}: "{words}"}}'
    found = told(lint(write(CHAOS, ("metadata:", annotated))))
    who = "webhook vnetworkchaos.kb.io refuses it"
    expected = [
        ("cluster-refuses", "spec.mode", f'{who}: Invalid value "one": one is no more'),
        ("cluster-refuses", "spec.delay.latency", f"{who}: Required value"),
    ]
    assert found == (expected if cluster.by_age(WEBHOOKS) else [])


def test_a_namespace_that_is_not_there_is_told(lint: Lint, write: Write) -> None:
    found = told(lint(write(CHAOS, (f"namespace: {NAMESPACE}", "namespace: nowhere"))))
    assert ("cluster-refuses", "metadata.namespace") in [one[:2] for one in found]


def test_what_has_been_told_is_not_told_again(lint: Lint, write: Write) -> None:
    refused = write(CHAOS, ("90ms", "90 ms"))
    assert {rule for rule, _, _ in told(lint(refused))} == {"invalid"}


def test_a_kind_that_is_not_served_is_told(lint: Lint, write: Write) -> None:
    name = write(CHAOS, ("kind: NetworkChaos", "kind: NetworkChaoss"))
    messages = [message for rule, _, message in told(lint(name)) if rule == "cluster-refuses"]
    assert ["serves no NetworkChaoss of chaos-mesh.org/v1alpha1" in one for one in messages] == [
        True
    ]


def test_another_version_of_the_kind_is_told_apart(
    lint: Lint, write: Write, api: httpx.Client, cluster: Cluster
) -> None:
    """A cluster whose NetworkChaos has no `delay.reorder`, and has a field of its own."""
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/networkchaos.chaos-mesh.org"
    definition = api.get(path).json()
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    spec = schema["properties"]["spec"]["properties"]
    removed = spec["delay"]["properties"].pop("jitter")
    spec["brandNew"] = {"type": "string"}
    try:
        _replace(api, path, definition, "brandNew")
        name = write(CHAOS, ("latency: 90ms", "latency: 90ms\n    jitter: 5ms"))
        found = {(rule, where): message for rule, where, message in told(lint(name))}
        message = found["cluster-schema", "spec.delay.jitter"]
        assert "is a field that it does not have" in message
        assert "of another version than Faultbridge knows" in message
        name = write(CHAOS, ("  duration", "  brandNew: x\n  duration"))
        found = {(rule, where): message for rule, where, message in told(lint(name))}
        assert "unknown field" in found["unknown-field", "spec.brandNew"]
        # The emulator's webhook refuses by the same model.
        assert (("cluster-schema", "spec.brandNew") in found) is not cluster.by_age(WEBHOOKS)
    finally:
        definition = api.get(path).json()
        schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        spec = schema["properties"]["spec"]["properties"]
        spec["delay"]["properties"]["jitter"] = removed
        spec.pop("brandNew")
        _replace(api, path, definition, "brandNew", there=False)


def _replace(
    api: httpx.Client, path: str, definition: dict[str, Any], field: str, *, there: bool = True
) -> None:
    assert api.put(path, json=definition).status_code == 200

    def published() -> bool:
        for document in ("/openapi/v3/apis/chaos-mesh.org/v1alpha1", "/openapi/v2"):
            answer = api.get(document)
            if answer.status_code == 200:
                return (field in answer.text) is there
        return False

    until(published)


def test_a_fis_template_is_asked_about_too(lint: Lint, write: Write) -> None:
    spec = yaml.safe_load(CHAOS)["spec"]
    spec["selector"]["labelSelectors"]["app"] = "nobody"
    document = template(json.dumps(spec), kubernetesNamespace=NAMESPACE)
    found = lint(write(json.dumps(document, indent=1), name="template.json"))
    (finding,) = found["findings"]
    assert finding["path"] == "actions.SlowCarts.parameters.kubernetesSpec.selector"
    assert finding["rule"] == "cluster-selector"
    assert found["previews"][0]["taken"] == 0


def test_a_resource_that_is_there_already_can_be_tried(
    lint: Lint, write: Write, api: httpx.Client
) -> None:
    collection = f"/apis/chaos-mesh.org/v1alpha1/namespaces/{NAMESPACE}/networkchaos"
    make(api, collection, yaml.safe_load(CHAOS))
    assert lint(write(CHAOS))["findings"] == []
    names = [item["metadata"]["name"] for item in api.get(collection).json()["items"]]
    assert names == ["slow-carts"], "a dry run leaves nothing behind"
    api.delete(f"{collection}/slow-carts")


def test_a_cluster_that_is_not_there_ends_the_command(
    command: Command, write: Write, cluster: Cluster, tmp_path: Path
) -> None:
    name = write(CHAOS)
    arguments = ("--kubeconfig", str(cluster.kubeconfig))
    code, _, errors = command("lint", name, "--cluster", "missing", *arguments)
    assert code == 2
    assert 'the context "missing" cannot be read' in errors
    code, _, errors = command("lint", name, "--cluster", CLUSTER, *arguments)
    assert (code, "aws eks update-kubeconfig --name sandbox" in errors) == (2, True)
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    nowhere = tmp_path / "nowhere"
    nowhere.write_text(yaml.safe_dump(config))
    code, _, errors = command("lint", name, "--cluster", "admin", "--kubeconfig", str(nowhere))
    assert (code, "cannot be reached" in errors) == (5, True)
