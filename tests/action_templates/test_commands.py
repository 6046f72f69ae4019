"""`faultbridge action-templates` and `validate`, as processes; the real `aws` beside them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.catalog.action_templates import built_ins
from tests.acceptance.conftest import AWS, needs_aws
from tests.action_templates.conftest import Served, experiment
from tests.action_templates.documents import DELAY, document

ROOT = Path(__file__).parents[2]
Command = Callable[..., tuple[int, str, str]]


def _run(*arguments: str, url: str | None = None, stdin: str = "") -> tuple[int, str, str]:
    environment = {key: value for key, value in os.environ.items() if "FAULTBRIDGE" not in key}
    if url is not None:
        environment["FAULTBRIDGE_URL"] = url
    done = subprocess.run(
        [sys.executable, "-m", "bridge.cli", *arguments],
        cwd=ROOT,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


def written(tmp_path: Path, name: str, value: Any) -> str:
    path = tmp_path / name
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return str(path)


YAML = """\
name: slow-checkout
maxDuration: PT10M
apiVersion: chaos-mesh.org/v1alpha1
kind: NetworkChaos
namespace: shop
spec:
  action: delay
  mode: all
  selector:
    labelSelectors: "{{ labels }}"
  delay:
    latency: "{{ latency }}"
  duration: 1m
parameters:
  labels: {type: labelSelector}
  latency:
    type: duration
    default: 90ms
    maximum: %s
"""


def test_from_creation_to_deletion(served: Served, tmp_path: Path) -> None:
    file = written(tmp_path, "slow.yaml", YAML % "60s")
    code, output, errors = _run("action-templates", "create", file, url=served.url)
    assert (code, output) == (0, "slow-checkout@1\n")
    assert "write it as the actionId k8s:action-template/slow-checkout@1" in errors
    code, output, errors = _run("action-templates", "create", file, url=served.url)
    assert (code, output) == (2, "")
    assert "already, the newest is version 1" in errors
    again = ("action-templates", "create", "--new-version", "--json", "-")
    code, output, _ = _run(*again, url=served.url, stdin=YAML % "30s")
    assert code == 0
    made = json.loads(output)
    assert (made["version"], made["versions"]) == (2, [1, 2])
    code, output, _ = _run("action-templates", "list", url=served.url)
    assert code == 0
    assert "slow-checkout@2" in output
    assert "network-delay@1" in output
    code, output, _ = _run("action-templates", "show", "slow-checkout@1", url=served.url)
    assert code == 0
    assert "labels (labelSelector, required)" in output
    assert "latency (duration, maximum 60s, default 90ms)" in output
    code, output, _ = _run("action-templates", "delete", "slow-checkout", url=served.url)
    assert (code, output) == (0, "slow-checkout@1 is deleted\nslow-checkout@2 is deleted\n")
    code, output, errors = _run("action-templates", "show", "slow-checkout", url=served.url)
    assert (code, output) == (2, "")
    assert "there is no action template" in errors


def test_what_is_wrong_is_told_by_line_and_column(tmp_path: Path) -> None:
    file = written(tmp_path, "slow.yaml", YAML % "1m30s")
    code, output, errors = _run("action-templates", "create", file)
    assert (code, output) == (2, "")
    assert re.search(re.escape(file) + r":12:\d+: error: spec\.delay\.latency: ", errors)
    assert '(with latency = "1m30s")' in errors
    code, output, _ = _run("validate", file)
    assert code == 2
    assert re.search(re.escape(file) + r":12:\d+: error: spec\.delay\.latency: ", output)


def test_validate_accepts_one_that_works(tmp_path: Path) -> None:
    file = written(tmp_path, "slow.json", DELAY)
    assert _run("validate", file)[:2] == (0, f"{file}: valid\n")
    code, _, errors = _run("run", file)
    assert code == 2
    assert "is an action template, which runs nothing by itself" in errors


def test_without_a_bridge_the_built_in_ones_are_shown() -> None:
    code, output, _ = _run("action-templates", "list", "--json")
    assert code == 0
    assert [one["name"] for one in json.loads(output)["actionTemplates"]] == list(built_ins())
    code, output, _ = _run("action-templates", "show", "kernel-fault")
    assert code == 0
    assert "\nAvoid\n" in output
    code, output, _ = _run("action-templates", "show", "pod-kill@1", "--json")
    assert json.loads(output)["document"]["spec"]["action"] == "pod-kill"
    code, output, errors = _run("action-templates", "show", "pod-kil")
    assert (code, output) == (2, "")
    assert 'did you mean "pod-kill"?' in errors
    assert "FAULTBRIDGE_URL" in errors
    code, output, _ = _run("actions", "k8s:action-template/http-delay@1")
    assert code == 0
    assert "also written aws:faultbridge:template/http-delay/1" in output


def test_a_fis_template_that_uses_a_built_in_one_is_validated_without_a_bridge(
    tmp_path: Path,
) -> None:
    wanted = experiment(
        "aws:faultbridge:template/network-delay/1", {"namespace": "shop", "labels": "app=a"}
    )
    file = written(tmp_path, "experiment.json", wanted)
    code, output, _ = _run("validate", file)
    assert (code, output.splitlines()[-1]) == (0, f"{file}: valid (2 warnings)")
    wanted["actions"]["slow"]["parameters"]["latency"] = "2m"
    file = written(tmp_path, "experiment.json", wanted)
    code, output, _ = _run("validate", file)
    assert code == 2
    assert 'actions.slow.parameters.latency: "2m" is too long; write "60s" or less' in output


def test_a_file_that_is_not_there() -> None:
    code, output, errors = _run("action-templates", "create", "nowhere.yaml")
    assert (code, output) == (2, "")
    assert "nowhere.yaml: No such file or directory" in errors


@pytest.mark.parametrize("name", ["slow", "slow-checkout"])
def test_what_is_used_is_kept(served: Served, tmp_path: Path, name: str) -> None:
    file = written(tmp_path, "slow.json", document(name=name))
    assert _run("action-templates", "create", file, url=served.url)[0] == 0
    wanted = experiment(f"k8s:action-template/{name}", {"labels": "app=a"})
    assert _run("validate", written(tmp_path, "e.json", wanted), url=served.url)[0] == 0


@needs_aws
def test_the_aws_command_line_lists_and_shows_them(served: Served) -> None:
    def aws(*arguments: str) -> Any:
        assert AWS is not None
        done = subprocess.run(
            [AWS, "fis", *arguments, "--endpoint-url", served.url, "--output", "json"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={
                "PATH": os.environ["PATH"],
                "HOME": "/nonexistent",
                "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
                "AWS_SECRET_ACCESS_KEY": "secret",
                "AWS_REGION": "us-east-1",
                "AWS_DEFAULT_REGION": "us-east-1",
            },
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    listed = {one["id"] for one in aws("list-actions")["actions"]}
    assert {one.newest.reference.alias for one in built_ins().values()} <= listed
    shown = aws("get-action", "--id", "k8s:action-template/network-loss@1")["action"]
    assert shown["id"] == "aws:faultbridge:template/network-loss/1"
    assert shown["parameters"]["namespace"]["required"] is True
