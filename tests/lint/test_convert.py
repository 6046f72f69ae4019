"""What `faultbridge convert` makes of a document, what is lost, and what comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bridge.cli.conversion import read_source
from bridge.cli.injection import EXECUTOR, kubernetes_name, template_of
from bridge.cli.linting.judging import kind_of
from bridge.model.notation import read, read_stream
from bridge.model.notation.writing import as_yaml
from tests.lint.conftest import CLUSTER, ROLE, SLOW, Command, Write, template

NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True) | st.just("a--b")
# An action template takes no NUL, and no placeholder in a name.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00{"), max_size=20)
VALUES = st.recursive(
    st.booleans()
    | st.integers(min_value=-(2**63), max_value=2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
    | st.sampled_from(["{{ x }}", "{{", "yes", "1e3", "None", "# no", "90ms"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=10,
)
SPECS = st.dictionaries(TEXTS.filter(lambda key: key != "duration"), VALUES, max_size=4)


@st.composite
def manifests(draw: Any) -> dict[str, Any]:
    kind = draw(st.sampled_from(["NetworkChaos", "PodChaos", "AWSChaos", "Workflow", "Schedule"]))
    metadata: dict[str, Any] = {"name": draw(NAMES), "namespace": draw(NAMES)}
    if draw(st.booleans()):
        metadata["annotations"] = {EXECUTOR: draw(st.sampled_from(["cluster", "faultbridge"]))}
    return {
        "apiVersion": "chaos-mesh.org/v1alpha1",
        "kind": kind,
        "metadata": metadata,
        "spec": draw(SPECS),
    }


@given(manifests())
def test_a_manifest_comes_back_from_an_action(manifest: dict[str, Any]) -> None:
    (made,) = read_source([manifest], {}).injections
    actions = json.loads(json.dumps({made.name: made.action(as_text=True)}))
    assert kind_of(actions) == "actions"
    parameters = actions[made.name]["parameters"]
    assert "\n" not in parameters["kubernetesSpec"]
    back = read_source([actions], {})
    assert [one.manifest() for one in back.injections] == [manifest]
    assert back.lost == []


@given(manifests())
def test_a_manifest_comes_back_from_a_template_and_from_yaml(manifest: dict[str, Any]) -> None:
    (made,) = read_source([manifest], {}).injections
    whole = template_of([made], role=ROLE, cluster=CLUSTER, as_text=True)
    for text in (json.dumps(whole), as_yaml(whole)):
        (back,) = read_source([read(text).value], {}).injections
        assert read(as_yaml(back.manifest())).value == manifest


@given(manifests())
def test_a_manifest_comes_back_from_an_action_template(manifest: dict[str, Any]) -> None:
    (made,) = read_source([manifest], {}).injections
    document = made.action_template()
    assert kind_of(document) == "action template"
    (back,) = read_source([read(as_yaml(document)).value], {}).injections
    assert back.manifest() == manifest


def test_kubectl_yaml_becomes_an_action(command: Command, write: Write) -> None:
    code, output, errors = command("convert", write(SLOW))
    assert (code, errors) == (0, "")
    action = json.loads(output)["slow-carts"]
    assert action["actionId"] == "aws:eks:inject-kubernetes-custom-resource"
    assert action["targets"] == {"Cluster": "Cluster"}
    parameters = action["parameters"]
    assert parameters["kubernetesNamespace"] == "sock-shop"
    assert parameters["maxDuration"] == "PT8M"
    assert parameters["kubernetesSpec"] == (
        '{"action":"delay","delay":{"latency":"90ms"},"duration":"3m","mode":"one",'
        '"selector":{"labelSelectors":{"name":"carts"}}}'
    )


@pytest.mark.parametrize(
    ("name", "renamed"),
    [
        ("SlowCarts", "slow-carts"),
        ("slow--carts.v2", "slow--carts.v2"),
        ("Slow the carts!", "slow-the-carts"),
        ("EC2Stop", "ec2-stop"),
        ("é", "chaos"),
    ],
)
def test_a_resource_has_a_name_that_a_cluster_takes(name: str, renamed: str) -> None:
    assert kubernetes_name(name) == renamed


def test_what_is_lost_is_named(command: Command, write: Write) -> None:
    extra = "  uid: x\n  resourceVersion: '1'\n  labels: {a: b}\n  annotations: {c: d}\nspec:"
    text = "# slow\n" + SLOW.replace("spec:", extra) + "status: {x: y}\n"
    code, output, errors = command("convert", write(text))
    assert code == 0
    assert "slow-carts" in json.loads(output)
    assert errors.splitlines() == [
        "faultbridge: metadata.uid, metadata.resourceVersion, status: the cluster's own, left out",
        "faultbridge: metadata.labels: cannot be carried over",
        "faultbridge: metadata.annotations.c: cannot be carried over",
        "faultbridge: comments: they are not carried over",
    ]


def test_a_template_is_whole_and_valid(command: Command, write: Write) -> None:
    name = write(SLOW)
    code, output, errors = command(
        "convert", name, "--to", "fis-template", "--role", ROLE, "--cluster", CLUSTER
    )
    assert code == 0
    assert "add an alarm" in errors
    made = write(output, name="template.json")
    assert command("validate", made)[0] == 0
    code, _, errors = command("convert", name, "--to", "fis-template", "--role", ROLE)
    assert (code, "needs --role ARN and --cluster ARN" in errors) == (2, True)
    code, _, errors = command("convert", name, "--role", ROLE)
    assert (code, "are for --to fis-template" in errors) == (2, True)


def test_several_resources_are_several_actions(command: Command, write: Write) -> None:
    name = write(f"{SLOW}---\n{SLOW.replace('slow-carts', 'slow-orders')}")
    code, output, _ = command("convert", name)
    assert (code, list(json.loads(output))) == (0, ["slow-carts", "slow-orders"])
    back = write(output, name="actions.json")
    code, output, _ = command("convert", back)
    assert [one.value["metadata"]["name"] for one in read_stream(output)] == [
        "slow-carts",
        "slow-orders",
    ]
    code, output, _ = command("convert", back, "--format", "json")
    assert [one["metadata"]["name"] for one in json.loads(output)["items"]] == [
        "slow-carts",
        "slow-orders",
    ]
    code, _, errors = command("convert", write(f"{SLOW}---\n{SLOW}"))
    assert (code, "two resources have the same name" in errors) == (2, True)
    alike = f"{SLOW}---\n{SLOW}".replace("slow-carts", "slow" * 16 + "-carts", 1)
    name = write(alike.replace("slow-carts", "slow" * 16 + "-orders"))
    code, _, errors = command("convert", name)  # FIS's names are cut, so one would be lost
    assert (code, "two resources have the same name" in errors) == (2, True)
    assert command("convert", name, "--to", "manifest")[0] == 0
    code, _, errors = command("convert", back, "--name", "x")
    assert (code, "there are 2 resources" in errors) == (2, True)


def test_an_action_template_is_filled_in(command: Command, write: Write) -> None:
    code, output, _ = command("convert", write(SLOW), "--to", "action-template")
    assert code == 0
    document = yaml.safe_load(output)
    document["spec"]["delay"]["latency"] = "{{ latency }}"
    document["spec"]["mode"] = "{{ mode }}"
    document["parameters"] = {
        "latency": {"type": "duration"},
        "mode": {"type": "enum", "values": ["one", "all"], "default": "all"},
    }
    name = write(yaml.safe_dump(document), name="action.yaml")
    code, output, _ = command("convert", name, "--set", "latency=2s")
    assert code == 0
    spec = yaml.safe_load(output)["spec"]
    assert (spec["delay"]["latency"], spec["mode"]) == ("2s", "all")
    code, _, errors = command("convert", name)
    assert (code, errors) == (
        2,
        "faultbridge: parameter latency: is required; add it; give it with --set NAME=VALUE\n",
    )
    code, _, errors = command("convert", name, "--set", "latency=soon")
    assert (code, 'latency: "soon" is not a duration' in errors) == (2, True)
    code, _, errors = command("convert", name, "--set", "latency")
    assert (code, "write NAME=VALUE" in errors) == (2, True)
    code, _, errors = command("convert", write(SLOW), "--set", "a=b")
    assert (code, "--set gives values to the parameters" in errors) == (2, True)


def test_a_template_of_many_actions_gives_its_resources(command: Command, write: Write) -> None:
    document = template(json.dumps(yaml.safe_load(SLOW)["spec"] | {"duration": None}))
    spec = document["actions"]["SlowCarts"]["parameters"]
    del document["actions"]["SlowCarts"]["parameters"]["kubernetesSpec"]
    spec["kubernetesSpec"] = "{'action': 'delay', 'mode': 'one', 'selector': {}}"
    document["actions"]["SlowCarts"]["startAfter"] = ["Wait"]
    document["actions"]["Wait"] = {"actionId": "aws:fis:wait", "parameters": {"duration": "PT1M"}}
    code, output, errors = command("convert", write(json.dumps(document), name="a.json"))
    assert code == 0
    made = yaml.safe_load(output)
    assert (made["metadata"], made["spec"]["action"]) == (
        {"name": "slow-carts", "namespace": "default"},
        "delay",
    )
    for words in (
        "actions.SlowCarts.startAfter: a resource knows no order",
        'actions.Wait: "aws:fis:wait" creates no custom resource',
        "SlowCarts: is named slow-carts",
        "maxDuration PT5M is not carried over, and spec.duration is not written",
        "belong to the experiment",
    ):
        assert words in errors


def test_what_fis_takes_no_more_is_said(command: Command, write: Write) -> None:
    name = write(SLOW, ("name: carts", f"name: {'x' * 1000}"), ("  duration: 3m\n", ""))
    _, _, errors = command("convert", name)
    assert "characters: AWS FIS itself takes 1024" in errors
    assert "maxDuration is PT12H; write what you mean" in errors


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("spec:", "spek:"), "spec: is required"),
        (("kind: NetworkChaos\n", ""), "kind: is required"),
        (("  name: slow-carts\n", ""), "metadata.name: is required"),
        (("mode: one", "mode: [one"), "is not YAML"),
        (("mode: one", "mode: yes"), "put it in quotes"),
        (("apiVersion: chaos-mesh.org/v1alpha1\nkind: NetworkChaos", "a: b"), "convert takes"),
    ],
)
def test_what_cannot_be_converted_is_refused(
    command: Command, write: Write, change: tuple[str, str], words: str
) -> None:
    code, output, errors = command("convert", write(SLOW, change))
    assert (code, output) == (2, "")
    assert words in errors


def test_a_spec_that_cannot_be_read_is_told_with_its_place(command: Command, write: Write) -> None:
    name = write(json.dumps(template('{"action": "delay",}')), name="a.json")
    code, _, errors = command("convert", name)
    assert code == 2
    assert "actions.SlowCarts.parameters.kubernetesSpec: is not JSON: the comma" in errors
    assert "(line 1, column 19 of the text)" in errors
