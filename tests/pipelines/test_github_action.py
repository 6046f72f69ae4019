"""The GitHub Action, run as GitHub's runner runs it, against a sandbox."""

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest
import yaml

from tests.acceptance.conftest import Shell, needs_kubectl, shell
from tests.cli.doubles import World, document
from tests.pipelines.github import ROOT, Job

__all__ = ["shell"]

ROLE = "arn:aws:iam::123456789012:role/my-fis-role"
CLUSTER = "arn:aws:eks:us-east-1:123456789012:cluster/sandbox"
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
_BESIDE = Path(sys.executable).parent


def _environment(shell: Shell | None, **more: str) -> dict[str, str]:
    """What a job has: no bridge is named but by the action's inputs."""
    known = {} if shell is None else dict(shell.environment)
    known.pop("FAULTBRIDGE_URL", None)
    return {"PATH": f"{_BESIDE}:/usr/bin:/bin", "HOME": "/nonexistent", **known, **more}


def _template(seconds: int) -> dict[str, Any]:
    return {
        "description": "A worker stops",
        "targets": {
            "Worker": {
                "resourceType": "aws:ec2:instance",
                "resourceTags": {"chaos": "ready"},
                "selectionMode": "COUNT(1)",
            }
        },
        "actions": {
            "Stop": {
                "actionId": "aws:ec2:stop-instances",
                "parameters": {"startInstancesAfterDuration": f"PT{seconds}S"},
                "targets": {"Instances": "Worker"},
            }
        },
        "stopConditions": [{"source": "none"}],
        "roleArn": ROLE,
    }


def _job(folder: Path, shell: Shell | None, inputs: Mapping[str, str], **variables: str) -> Job:
    return Job(folder, _environment(shell, **variables), {"install": "false", **inputs})


def _running(shell: Shell, experiment: str) -> str:
    url = shell.environment["FAULTBRIDGE_URL"]
    answer = httpx.get(f"{url}/v1/experiments/{experiment}/phase", trust_env=False)
    return str(answer.json().get("phase"))


@pytest.mark.pipelines
def test_a_run_ends_in_outputs_files_and_a_summary(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "break.json").write_text(json.dumps(_template(1)))
    url = shell.environment["FAULTBRIDGE_URL"]
    job = _job(tmp_path, shell, {"template": "break.json", "url": url}).run()
    assert job.ok, job.log
    assert job.steps["wait"] == {"exit-code": "0"}
    assert job.steps["start"]["experiment"].startswith("EXP")
    assert ET.parse(tmp_path / "faultbridge-junit.xml").getroot().attrib["tests"] == "3"  # noqa: S314 - our own
    assert "### ✅ A worker stops" in job.summary
    assert "End the bridge" not in job.ran


def _cancelled(job: Job) -> None:
    """Run a job that is cancelled as soon as its fault is there."""

    def now(step: str) -> bool:
        return step == "Wait for the end" and " injected" in (job.folder / "log").read_text("utf-8")

    job.cancel_when = now
    job.run()
    assert job.ran["Wait for the end"] == 130
    assert "is told to stop" in job.logs["Wait for the end"]  # should nothing more be run
    assert job.ran["See that everything is undone"] == 0, job.log


def test_a_job_that_is_cancelled_leaves_nothing_behind(
    bridge: str, world: World, tmp_path: Path
) -> None:
    folder = tmp_path / "job"
    folder.mkdir()
    (folder / "break.json").write_text(json.dumps(document(seconds=600)))
    # The doubles are the bridge's: the command in the job does not know their actions.
    job = _job(folder, None, {"template": "break.json", "url": bridge, "lint": "false"})
    _cancelled(job)
    assert world.states == ["whole", "whole"]


@pytest.mark.pipelines
def test_a_job_that_is_cancelled_leaves_no_machine_stopped(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "break.json").write_text(json.dumps(_template(600)))
    url = shell.environment["FAULTBRIDGE_URL"]
    job = _job(tmp_path, shell, {"template": "break.json", "url": url})
    _cancelled(job)
    assert _running(shell, job.steps["start"]["experiment"]) == "stopped"


@pytest.mark.pipelines
@needs_kubectl
@pytest.mark.parametrize("inputs", [{}, {"role": ROLE, "cluster": CLUSTER}], ids=["context", "eks"])
def test_manifests_run_as_with_chaos_mesh_action_and_are_cleaned_up(
    shell: Shell, tmp_path: Path, inputs: dict[str, str]
) -> None:
    manifests = [
        {
            "apiVersion": "chaos-mesh.org/v1alpha1",
            "kind": "NetworkChaos",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {
                "action": "delay",
                "mode": "one",
                "selector": {"namespaces": ["sock-shop"], "labelSelectors": {"name": "carts"}},
                "delay": {"latency": "10ms"},
            },
        }
        for name in ("slow", "slower")
    ]
    text = base64.encodebytes(yaml.safe_dump_all(manifests).encode()).decode()
    job = _job(
        tmp_path,
        shell,
        inputs,
        CFG_BASE64=text,
        CHAOS_DURATION="8",
        CHAOS_MESH_VERSION="v2.8.3",
    ).run()
    assert job.ok, job.log
    assert job.log.count("injected") >= 2
    assert "stopped after 8 seconds, as planned" in job.log
    assert "has Chaos Mesh already" in job.log
    assert job.ran["End the bridge"] == 0
    assert shell.kubectl("get", "networkchaos", "-A", "-o", "name") == ""
    pid = job.steps["bridge"]["pid"]
    assert (
        not Path(f"/proc/{pid}/cmdline").exists()
        or "serve" not in Path(f"/proc/{pid}/cmdline").read_text()
    )


@pytest.mark.parametrize(
    ("inputs", "variables", "words"),
    [
        ({}, {}, "nothing to run"),
        ({"template": "--help"}, {}, "is no file and no id"),
        ({"template": "a\nb=c"}, {}, "is the name of a file"),
        ({}, {"CFG_FILE": "http://127.0.0.1/chaos.yaml"}, "only files and https:// are read"),
        ({"url": "http://127.0.0.1:1"}, {"CFG_BASE64": "e30="}, "give the input cluster"),
        ({"cluster": CLUSTER}, {"CFG_BASE64": "e30="}, "give the input role"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything(
    tmp_path: Path, inputs: dict[str, str], variables: dict[str, str], words: str
) -> None:
    job = _job(tmp_path, None, inputs, **variables).run()
    assert words in job.log
    assert list(job.ran) == ["Find what to run"]


@pytest.mark.parametrize("text", ["$(touch pwned)", "`touch pwned`", '"; touch pwned; "', "a * b"])
def test_an_input_is_never_shell(tmp_path: Path, text: str) -> None:
    doubles = tmp_path / "bin"
    doubles.mkdir()
    for name in ("faultbridge", "kubectl", "helm"):
        (doubles / name).write_text(
            '#!/bin/sh\nprintf \'<%s>\' "$@" >> "$CALLS"\necho EXPx http://127.0.0.1:1\n'
        )
        (doubles / name).chmod(0o755)
    values = {name: text for name in ACTION["inputs"] if name not in {"install", "lint", "wait"}}
    calls = tmp_path / "calls"
    environment = _environment(None, CALLS=str(calls), CHAOS_MESH_VERSION=text)
    environment["PATH"] = f"{doubles}:{environment['PATH']}"
    job = Job(tmp_path, environment, {**values, "install": "false", "stop-after": ""}).run()
    assert not list(tmp_path.rglob("pwned"))
    assert f"<run><{text}><--role><{text}><--cluster><{text}>" in calls.read_text(), job.log
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step["run"]


def test_chaos_mesh_is_installed_where_there_is_none(tmp_path: Path) -> None:
    doubles = tmp_path / "bin"
    doubles.mkdir()
    (doubles / "kubectl").write_text("#!/bin/sh\nexit 1\n")
    (doubles / "helm").write_text('#!/bin/sh\necho "helm $*"\n')
    (doubles / "faultbridge").write_text("#!/bin/sh\necho '{}'\n")
    for one in doubles.iterdir():
        one.chmod(0o755)
    environment = _environment(None, CHAOS_MESH_VERSION="v2.8.3", CFG_BASE64="e30=")
    environment["PATH"] = f"{doubles}:{environment['PATH']}"
    given = {"install": "false", "role": ROLE, "cluster": CLUSTER, "url": "http://127.0.0.1:1"}
    job = Job(tmp_path, environment, given).run()
    assert "helm install chaos-mesh chaos-mesh" in job.log
    assert "--version 2.8.3 --namespace chaos-mesh --create-namespace" in job.log


def test_the_action_installs_what_is_pinned() -> None:
    install = ACTION["runs"]["steps"][0]["run"]
    pins = re.search(r'--require-hashes --requirement "\$SOURCE/(\S+)"', install)
    assert pins is not None
    assert "--hash=sha256:" in (ROOT / pins[1]).read_text("utf-8")
    assert not any("uses" in step for step in ACTION["runs"]["steps"])  # nothing else to pin
