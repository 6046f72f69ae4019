"""What docs/containers.md shows is what there is."""

from __future__ import annotations

import re
import shlex
import subprocess

import yaml

from tests.containers.manifests import KUBERNETES, ROOT, built

PAGE = (ROOT / "docs/containers.md").read_text("utf-8")


def commands(word: str) -> list[list[str]]:
    """Return the command lines of the page that begin with a word."""
    lines = re.sub(r"\\\n\s*", "", PAGE).splitlines()
    return [shlex.split(one[2:]) for one in lines if one.startswith(f"$ {word} ")]


def test_every_command_about_manifests_names_a_folder_that_builds() -> None:
    named = [
        line[line.index(word) + 1]
        for line in commands("kubectl")
        for word in ("kustomize", "-k")
        if word in line
    ]
    assert len(named) == 2
    for folder in named:
        assert built(str((ROOT / folder).relative_to(KUBERNETES)))


def test_the_secrets_that_are_made_are_those_that_are_used() -> None:
    made = {}
    for line in commands("kubectl"):
        if "secret" in line:
            given = [word for word in line if word.startswith("-")]
            done = (
                subprocess.run(
                    ["kubectl", "create", "secret", *line[line.index("secret") + 1 :][:2]]
                    + [word for word in given if word.startswith("--from")]
                    + ["--dry-run=client", "-o", "yaml"],
                    capture_output=True,
                    text=True,
                    check=True,
                )
                if "generic" in line
                else None
            )
            name = line[line.index("secret") + 2]
            made[name] = yaml.safe_load(done.stdout)["data"] if done else {}
    used = yaml.safe_dump(built("base"))
    assert set(made) == {"faultbridge", "faultbridge-tls"}
    assert all(f"secretName: {name}" in used or f"name: {name}" in used for name in made)
    assert set(made["faultbridge"]) == {"database"}


def test_the_label_is_what_the_network_policy_asks_for() -> None:
    (line,) = [line for line in commands("kubectl") if "label" in line]
    key, _, value = line[-1].partition("=")
    policies = [one for one in built("base") if one["kind"] == "NetworkPolicy"]
    asked = [
        source["namespaceSelector"]["matchLabels"]
        for one in policies
        for rule in one["spec"].get("ingress", ())
        for source in rule["from"]
        if "namespaceSelector" in source
    ]
    assert asked == [{key: value}]


def test_every_component_is_told_of_with_its_audience() -> None:
    rows = dict(re.findall(r"^\| `components/(\w+)` \| `([^`]+)`", PAGE, re.MULTILINE))
    found = {}
    for path in (KUBERNETES / "components").iterdir():
        text = (path / "kustomization.yaml").read_text("utf-8")
        found[path.name] = re.findall(r"audience: (\S+)", text)[0]
    assert rows == found
