"""`faultbridge lint --cluster`: what a cluster says that nobody else can know."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.lint.conftest import CLUSTER, Command, Write, template
from tests.lint.with_cluster.conftest import (
    CHAOS,
    NAMESPACE,
    REFUSED,
    Cluster,
    Lint,
    make,
    told,
    until,
)
from tests.lint.with_cluster.differences import WEBHOOKS


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


def test_actions_and_action_templates_are_asked_about(lint: Lint, write: Write) -> None:
    actions = template(json.dumps(yaml.safe_load(CHAOS)["spec"]), kubernetesNamespace=NAMESPACE)
    name = write(json.dumps(actions["actions"]), name="actions.json")
    (preview,) = lint(name)["previews"]
    assert preview["path"] == "SlowCarts.parameters.kubernetesSpec.selector"
    name = write(json.dumps(actions["actions"]["SlowCarts"]), name="action.json")
    (preview,) = lint(name)["previews"]
    assert preview["path"] == "parameters.kubernetesSpec.selector"
    manifest = yaml.safe_load(CHAOS)
    document = {
        "name": "slow",
        "maxDuration": "PT5M",
        "apiVersion": manifest["apiVersion"],
        "kind": manifest["kind"],
        "namespace": NAMESPACE,
        "spec": {**manifest["spec"], "delay": {"latency": "{{ latency }}"}},
        "parameters": {"latency": {"type": "duration", "default": "10ms"}},
    }
    found = lint(write(json.dumps(document), name="template.json"))
    assert (found["findings"], found["previews"][0]["path"]) == ([], "spec.selector")
    del document["parameters"]["latency"]["default"]
    found = lint(write(json.dumps(document), name="template.json"))
    assert found["previews"] == []
    (finding,) = found["findings"]
    assert (finding["rule"], finding["severity"]) == ("cluster-access", "warning")
    assert "nothing says what latency will be" in finding["message"]


def test_a_template_of_another_cluster_is_not_asked_about(
    command: Command, write: Write, cluster: Cluster, tmp_path: Path
) -> None:
    arn = "arn:aws:eks:us-east-1:123456789012:cluster/other"
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    context = next(one for one in config["contexts"] if one["name"] == "admin")
    config["contexts"] += [{**context, "name": name} for name in (arn, CLUSTER)]
    kubeconfig = cluster.kubeconfig.with_name("arns")
    kubeconfig.write_text(yaml.safe_dump(config))
    spec = json.dumps(yaml.safe_load(CHAOS)["spec"])
    name = write(json.dumps(template(spec, kubernetesNamespace=NAMESPACE)), name="a.json")
    further = ("--kubeconfig", str(kubeconfig), "--format", "json")
    found = json.loads(command("lint", name, "--cluster", CLUSTER, *further)[1])
    assert (found["findings"], len(found["previews"])) == ([], 1)
    found = json.loads(command("lint", name, "--cluster", arn, *further)[1])
    assert found["previews"] == []
    assert f"goes to {CLUSTER}, and not {arn} was asked" in found["findings"][0]["message"]


def test_a_user_that_is_not_known_ends_the_command(
    command: Command, write: Write, cluster: Cluster
) -> None:
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    config["users"] = [{**user, "user": {"token": "stale"}} for user in config["users"]]
    kubeconfig = cluster.kubeconfig.with_name("stale")
    kubeconfig.write_text(yaml.safe_dump(config))
    arguments = ("--cluster", "admin", "--kubeconfig", str(kubeconfig))
    code, _, errors = command("lint", write(CHAOS), *arguments)
    assert (code, "cluster admin does not know the user; log in again" in errors) == (2, True)
