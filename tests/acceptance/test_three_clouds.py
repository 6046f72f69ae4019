"""One template, three clouds and a cluster, with nothing but the AWS CLI."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.conftest import AWS, ROOT, Shell, needs_aws, until

EXAMPLE = ROOT / "examples/fis/three-clouds.json"
TERRAFORM = re.compile(r"aws:[0-9a-z-]+:[0-9A-Za-z/-]+")
"""What Terraform's AWS provider takes for an action id."""


@needs_aws
def test_every_action_is_listed_by_an_id_that_strict_tooling_accepts(shell: Shell) -> None:
    listed = {action["id"]: action for action in shell.aws("fis", "list-actions")["actions"]}
    assert {
        "aws:faultbridge:azure/compute/isolate-vms",
        "aws:faultbridge:gcp/compute/detach-disks",
        "aws:autoscaling:suspend-processes",
    } <= set(listed)
    assert all(TERRAFORM.fullmatch(name) for name in listed)
    google = shell.aws("fis", "get-action", "--id", "gcp:compute:stop-instances")["action"]
    assert google["id"] == "aws:faultbridge:gcp/compute/stop-instances"
    assert google["targets"] == {"Instances": {"resourceType": "gcp:compute:instance"}}
    types = shell.aws("fis", "list-target-resource-types")["targetResourceTypes"]
    names = {one["resourceType"] for one in types}
    assert {"azure:compute:scale-set-instance", "azure:compute:vm", "gcp:compute:disk"} <= names


@needs_aws
def test_something_breaks_in_each_cloud_at_once_and_is_undone(shell: Shell, tmp_path: Path) -> None:
    document = json.loads(EXAMPLE.read_text())
    for name in ("StopInAws", "StopInGoogleCloud", "PowerOffInAzure"):
        document["actions"][name]["parameters"]["startInstancesAfterDuration"] = "PT8S"
    slow = document["actions"]["SlowCarts"]["parameters"]
    slow["kubernetesSpec"] = slow["kubernetesSpec"].replace("120s", "8s")
    short = tmp_path / "short.json"
    short.write_text(json.dumps(document))
    made = shell.aws("fis", "create-experiment-template", "--cli-input-json", f"file://{short}")
    template = made["experimentTemplate"]
    assert template["actions"] == {
        name: {**action, "parameters": action["parameters"]}
        for name, action in document["actions"].items()
    }
    started = shell.aws("fis", "start-experiment", "--experiment-template-id", template["id"])
    experiment = started["experiment"]["id"]

    def actions() -> dict[str, str]:
        found = shell.aws("fis", "get-experiment", "--id", experiment)["experiment"]
        return {name: action["state"]["status"] for name, action in found["actions"].items()}

    until(lambda: set(actions().values()) <= {"running", "completed", "failed"})
    assert set(actions().values()) == {"running"}

    def status() -> str:
        found = shell.aws("fis", "get-experiment", "--id", experiment)["experiment"]["state"]
        assert found["status"] not in {"failed", "stopped"}, found
        return str(found["status"])

    until(lambda: status() == "completed")
    # Marks go after the run has ended; then nothing is found any more, in any cloud.
    ours = (sys.executable, "-m", "bridge.cli")
    until(lambda: "no marks were found" in shell.run(*ours, "rescue", "--dry-run").stderr)


@needs_aws
@pytest.mark.parametrize(
    ("action", "setting"),
    [
        ("StopInGoogleCloud", "FAULTBRIDGE_GCP_IDENTITIES"),
        ("PowerOffInAzure", "FAULTBRIDGE_AZURE_IDENTITIES"),
    ],
)
def test_a_role_that_stands_for_nobody_there_is_refused_when_the_template_is_created(
    shell: Shell, tmp_path: Path, action: str, setting: str
) -> None:
    document = json.loads(EXAMPLE.read_text())
    document["roleArn"] = "arn:aws:iam::123456789012:role/unknown"
    document["actions"] = {action: document["actions"][action]}
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps(document))
    refused = shell.run(
        AWS, "fis", "create-experiment-template", "--cli-input-json", f"file://{wrong}"
    )
    assert refused.returncode != 0
    assert "ValidationException" in refused.stderr
    assert "roleArn" in refused.stderr
    assert setting in refused.stderr


def test_the_printed_lines_point_the_users_own_sdk_code_at_the_sandbox(shell: Shell) -> None:
    from bridge.cli.sandbox import SDK_LINES  # noqa: PLC0415 - what the command prints

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(SDK_LINES)],
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **shell.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["RUNNING", "PowerState/running"], done.stderr
