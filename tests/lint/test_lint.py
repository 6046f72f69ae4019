"""What `faultbridge lint` looks at, what it says, where, and how it ends."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lint.conftest import SLOW, Command, Write, template

ROOT = Path(__file__).parents[2]
SPEC = json.dumps(yaml.safe_load(SLOW)["spec"])
ACTION_TEMPLATE = """\
name: slow-network
description: Slow network
maxDuration: PT10M
apiVersion: chaos-mesh.org/v1alpha1
kind: NetworkChaos
namespace: default
spec:
  action: delay
  mode: one
  selector:
    labelSelectors: {name: carts}
  delay: {latency: "{{ latency }}"}
  duration: 3m
parameters:
  latency: {type: duration, default: 90ms}
"""


def findings(command: Command, *arguments: str) -> list[dict[str, Any]]:
    _, output, _ = command("lint", *arguments, "--format", "json")
    found: list[dict[str, Any]] = json.loads(output)["findings"]
    return found


def test_what_is_right_has_nothing_to_say(command: Command, write: Write) -> None:
    names = [
        write(SLOW),
        write(json.dumps(template(SPEC)), name="template.json"),
        write(yaml.safe_dump(template(SPEC)), name="template.yaml"),
        write(ACTION_TEMPLATE, name="action.yaml"),
        write(json.dumps(template(SPEC)["actions"]), name="actions.json"),
        write(json.dumps(template(SPEC)["actions"]["SlowCarts"]), name="one-action.json"),
    ]
    assert command("lint", *names) == (0, "6 files: 0 errors, 0 warnings\n", "")
    assert command("lint", str(ROOT / "examples/chaos-mesh"))[0] == 0


@pytest.mark.parametrize(
    ("change", "place", "told"),
    [
        (("90ms", "90 ms"), (12, 5), ("invalid", 'spec.delay.latency: "90 ms" is not a duration')),
        (("mode: one", "mode: onne"), (8, 3), ("invalid", 'did you mean "one"?')),
        (("  duration", "  duratoin"), (13, 3), ("unknown-field", 'did you mean "duration"?')),
        (("  delay:\n    latency: 90ms\n", ""), (6, 1), ("doubtful", "delay")),
        (("latency: 90ms", "latency: 1e3"), (12, 14), ("syntax", "put it in quotes")),
        (("NetworkChaos", "NetworkChoas"), (2, 1), ("invalid", 'did you mean "NetworkChaos"?')),
        (("namespace: sock-shop", "namespace: Sock"), (5, 3), ("invalid", "name of a namespace")),
        (("name: slow-carts", "name: Slow"), (4, 3), ("invalid", "metadata.name: must be")),
        (("  name: slow-carts\n", ""), (3, 1), ("invalid", "metadata.name: is required")),
        (("name: slow", "labels: {a: 1}\n  name: slow"), (4, 12), ("invalid", "must be text")),
        (("name: slow", "uid: a\n  name: slow"), (4, 3), ("doubtful", "is the cluster's to write")),
        (("name: slow", "resourceVersion: '1'\n  name: slow"), (4, 3), ("invalid", "leave it out")),
        (("name: slow", "namspace: a\n  name: slow"), (4, 3), ("unknown-field", '"namespace"?')),
        (("spec:", "specs: {}\nspec:"), (6, 1), ("unknown-field", 'did you mean "spec"?')),
        (("spec:", "status: {}\nspec:"), (6, 1), ("doubtful", "status: is the cluster's to write")),
        (("duration: 3m", "duration: 3m\n  duration: 4m"), (14, 3), ("syntax", "stands twice")),
        (("mode: one", "mode: [one"), (9, 11), ("syntax", "is not YAML")),
    ],
)
def test_a_manifest_is_refused_at_its_own_lines(
    command: Command,
    write: Write,
    change: tuple[str, str],
    place: tuple[int, int],
    told: tuple[str, str],
) -> None:
    (line, column), (rule, words) = place, told
    name = write(SLOW, change)
    _, output, _ = command("lint", name)
    lines = [one for one in output.splitlines() if words in one]
    assert lines, output
    assert lines[0].startswith(f"{name}:{line}:{column}: ")
    assert lines[0].endswith(f"[{rule}]")


def test_every_document_of_a_file_is_judged(command: Command, write: Write) -> None:
    deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {}\n"
    wrong = SLOW.replace("90ms", "90 ms")
    name = write(f"{SLOW}---\n{deployment}---\n{wrong}")
    (found,) = [one for one in findings(command, name) if one["rule"] != "unrecognized"]
    assert (found["line"], found["path"]) == (14 + 5 + 12, "spec.delay.latency")
    (named,) = [one for one in findings(command, name) if one["rule"] == "unrecognized"]
    assert (named["line"], named["severity"]) == (15, "error")


def test_the_items_of_a_list_have_their_paths(command: Command, write: Write) -> None:
    item = yaml.safe_load(SLOW)
    item["spec"]["mode"] = "some"
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {}}
    document = {"apiVersion": "v1", "kind": "List", "items": [service, item]}
    name = write(json.dumps(document, indent=2), name="list.json")
    (found,) = findings(command, name)
    assert found["path"] == "items[1].spec.mode"
    assert '"mode"' in (Path(name).read_text().splitlines()[found["line"] - 1])


def test_a_spec_within_a_template_is_placed_in_its_text(command: Command, write: Write) -> None:
    wrong = SPEC.replace("90ms", "90 ms")
    name = write(json.dumps(template(wrong), indent=2), name="template.json")
    (found,) = findings(command, name)
    assert found["path"] == "actions.SlowCarts.parameters.kubernetesSpec.delay.latency"
    line = Path(name).read_text().splitlines()[found["line"] - 1]
    assert line[found["column"] - 1 :].startswith('\\"latency\\": \\"90 ms')


def test_malformed_json_within_a_template_is_placed_too(command: Command, write: Write) -> None:
    name = write(json.dumps(template(SPEC[:-1] + ",}"), indent=2), name="template.json")
    (found,) = findings(command, name)
    line = Path(name).read_text().splitlines()[found["line"] - 1]
    assert line[found["column"] - 1 :].startswith(',}"')
    assert "the comma before the end is one too many" in found["message"]


def test_a_spec_in_a_yaml_block_is_placed_in_its_line(command: Command, write: Write) -> None:
    document = yaml.safe_dump(template("HERE"), sort_keys=False)
    block = "|\n" + "".join(
        f"          {line}\n" for line in yaml.safe_dump(yaml.safe_load(SPEC)).splitlines()
    )
    name = write(document.replace("HERE\n", block).replace("90ms", "90 ms"), name="template.yaml")
    told = [one for one in findings(command, name) if one["rule"] == "invalid"]
    (found,) = told
    line = Path(name).read_text().splitlines()[found["line"] - 1]
    assert line[found["column"] - 1 :] == "latency: 90 ms"


def test_what_fis_itself_would_refuse_is_a_warning(command: Command, write: Write) -> None:
    name = write(json.dumps(template("action: delay\n" + "#" * 1100)), name="template.json")
    rules = {one["rule"] for one in findings(command, name) if one["severity"] == "warning"}
    assert "portability" in rules


def test_action_templates_are_judged_with_their_defaults(command: Command, write: Write) -> None:
    name = write(ACTION_TEMPLATE, ("default: 90ms", "default: 90x"))
    (found,) = findings(command, name)
    assert (found["line"], found["path"]) == (15, "parameters.latency.default")
    name = write(ACTION_TEMPLATE, ("mode: one", "mode: onee"))
    assert [one["path"] for one in findings(command, name)] == ["spec.mode"]


def test_a_folder_is_gone_through_and_the_rest_is_counted(command: Command, write: Write) -> None:
    write(SLOW, ("90ms", "90 ms"), name="k8s/chaos/a.yml")
    write(SLOW, name="k8s/b.yaml")
    write(json.dumps(template(SPEC)), name="fis/c.json")
    write("name: chaos\nvalue: {{ .Values.x }}\n", name="values.yml")
    write('{"name": "no chaos"}', name="package.json")
    write("apiVersion: v1\nkind: Service\nmetadata: {name: a}\n", name="k8s/service.yaml")
    write("x: [", name="k8s/broken.yaml")
    write("x" * 2**21, name="big.json")
    write(SLOW, ("90ms", "90 ms"), name=".git/a.yaml")
    write(SLOW, ("90ms", "90 ms"), name="notes.txt")
    code, output, _ = command("lint", ".")
    assert code == 2
    first, second, summary = output.splitlines()
    assert first.startswith("values.yml:2:")
    assert second.startswith("k8s/chaos/a.yml:12:5: error: spec.delay.latency: ")
    assert summary == "4 files: 2 errors, 0 warnings (4 other files skipped)"


def test_what_is_named_itself_is_not_skipped(command: Command, write: Write) -> None:
    name = write('{"name": "x"}', name="package.json")
    (found,) = findings(command, name)
    assert found["rule"] == "unrecognized"
    assert found["severity"] == "error"
    code, _, errors = command("lint", "missing.yaml")
    assert code == 2
    assert "missing.yaml: No such file or directory; name files or folders" in errors


def test_standard_input_is_read(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    text = SLOW.replace("90ms", "90 ms").encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    code, output, _ = command("lint", "-")
    assert code == 2
    assert output.startswith("<stdin>:12:5: error: ")


def test_warnings_pass_unless_strict(command: Command, write: Write) -> None:
    name = write(SLOW, ("  delay:\n    latency: 90ms\n", ""))
    code, output, _ = command("lint", name)
    assert code == 0
    assert ": warning: " in output
    assert output.endswith("1 file: 0 errors, 1 warning\n")
    code, output, _ = command("lint", name, "--strict")
    assert code == 2
    assert output.endswith("1 file: 1 error, 0 warnings\n")


def test_validate_is_strict_too(command: Command, write: Write) -> None:
    document = template(SPEC)
    document["stopConditions"] = [{"source": "none"}]
    name = write(json.dumps(document), name="template.json")
    code, output, _ = command("validate", name)
    assert (code, "valid (1 warning)" in output) == (0, True)
    code, output, _ = command("validate", name, "--strict")
    assert (code, "invalid (1 error)" in output) == (2, True)
    code, output, _ = command("validate", name, "--strict", "--json")
    assert (code, json.loads(output)["valid"]) == (2, False)


def test_the_same_file_is_judged_once(command: Command, write: Write) -> None:
    name = write(SLOW, ("90ms", "90 ms"))
    assert len(findings(command, name, name)) == 1


def test_a_template_may_name_an_action_template_of_another_file(
    command: Command, write: Write
) -> None:
    document = template(SPEC)
    action = document["actions"]["SlowCarts"]
    action["actionId"] = "k8s:action-template/slow-network@3"
    action["parameters"] = {"latency": "20 ms"}
    name = write(json.dumps(document, indent=1), name="fis/template.json")
    (alone,) = [one for one in findings(command, name) if one["severity"] == "error"]
    assert "there is no action template" in alone["message"]
    write(ACTION_TEMPLATE, name="fis/z.yaml")
    (found,) = [one for one in findings(command, "fis") if one["severity"] == "error"]
    assert found["path"] == "actions.SlowCarts.parameters.latency"
    assert "20 ms" in found["message"]
    action["parameters"] = {"latency": "20ms"}
    write(json.dumps(document, indent=1), name="fis/template.json")
    (found,) = findings(command, "fis")
    assert (found["rule"], "slow-network@3" in found["message"]) == ("portability", True)
