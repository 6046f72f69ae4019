"""The session of the README: the real `aws` and the real `kubectl` against the sandbox."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.acceptance.conftest import AWS, KUBECTL, ROOT, Shell, needs_aws, needs_kubectl, until


def test_the_environment_file_names_everything_a_client_needs(shell: Shell) -> None:
    assert {
        "FAULTBRIDGE_URL",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_FIS",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "KUBECONFIG",
    } <= set(shell.environment)


@needs_aws
@needs_kubectl
def test_the_main_job_by_hand(shell: Shell) -> None:
    example = "file://examples/fis/carts-latency.json"
    made = shell.aws("fis", "create-experiment-template", "--cli-input-json", example)
    template = made["experimentTemplate"]["id"]
    assert template.startswith("EXT")
    started = shell.aws("fis", "start-experiment", "--experiment-template-id", template)
    experiment = started["experiment"]["id"]
    assert experiment.startswith("EXP")
    assert started["experiment"]["state"]["status"] == "initiating"

    until(lambda: shell.states().count("stopped") == 2)
    table = shell.kubectl("get", "networkchaos", "-n", "default")
    assert table.splitlines()[0].split() == ["NAME", "ACTION", "DURATION"]
    (row,) = table.splitlines()[1:]
    assert row.startswith("fis-")
    assert row.split()[1:] == ["delay", "180s"]
    until(
        lambda: (
            shell.aws("fis", "get-experiment", "--id", experiment)["experiment"]["actions"][
                "SlowCarts"
            ]["state"]["status"]
            == "running"
        )
    )
    resolved = shell.aws("fis", "list-experiment-resolved-targets", "--experiment-id", experiment)[
        "resolvedTargets"
    ]
    assert len(resolved) == 3

    stopping = shell.aws("fis", "stop-experiment", "--id", experiment)
    assert stopping["experiment"]["state"]["status"] == "stopping"

    def stopped() -> bool:
        found = shell.aws("fis", "get-experiment", "--id", experiment)["experiment"]
        return bool(found["state"]["status"] == "stopped")

    until(stopped)
    assert set(shell.states()) == {"running"}
    assert shell.run(KUBECTL, "get", "networkchaos", "-n", "default").stdout == ""


@needs_aws
def test_the_alarm_stops_a_run_that_the_cli_started(shell: Shell) -> None:
    example = "file://examples/fis/carts-latency.json"
    made = shell.aws("fis", "create-experiment-template", "--cli-input-json", example)
    template = made["experimentTemplate"]["id"]
    started = shell.aws("fis", "start-experiment", "--experiment-template-id", template)
    experiment = started["experiment"]["id"]
    until(lambda: shell.states().count("stopped") == 2)
    alarm = ("cloudwatch", "set-alarm-state", "--alarm-name", "carts-latency-high")
    shell.aws(*alarm, "--state-value", "ALARM", "--state-reason", "testing")

    def state() -> dict[str, str]:
        found = shell.aws("fis", "get-experiment", "--id", experiment)["experiment"]["state"]
        return dict(found)

    until(lambda: state()["status"] == "stopped")
    assert state()["reason"] == "Experiment halted by stop condition."
    assert set(shell.states()) == {"running"}
    shell.aws(*alarm, "--state-value", "OK", "--state-reason", "over")


def test_our_own_commands_work_in_the_same_shell(shell: Shell) -> None:
    ours = (sys.executable, "-m", "bridge.cli")
    listed = shell.run(*ours, "experiments")
    assert listed.returncode == 0, listed.stderr
    rescued = shell.run(*ours, "rescue", "--dry-run")
    # The walk-through's role may not look for Litmus resources, which is said, and is no failure.
    assert rescued.returncode == 7, rescued.stderr
    assert "could not look" in rescued.stderr


@needs_aws
def test_a_mistake_is_refused_with_its_place_and_its_mend(shell: Shell, tmp_path: Path) -> None:
    document = json.loads((ROOT / "examples/fis/carts-latency.json").read_text())
    slow = document["actions"]["SlowCarts"]["parameters"]
    slow["kubernetesSpec"] = slow["kubernetesSpec"].replace("90ms", "90 ms")
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps(document))
    refused = shell.run(
        AWS, "fis", "create-experiment-template", "--cli-input-json", f"file://{broken}"
    )
    assert refused.returncode != 0
    assert "ValidationException" in refused.stderr
    assert "actions.SlowCarts.parameters.kubernetesSpec.delay.latency" in refused.stderr
    assert '"90ms"' in refused.stderr


@needs_aws
def test_actions_and_target_types_are_listed(shell: Shell) -> None:
    actions = shell.aws("fis", "list-actions")["actions"]
    assert "aws:eks:inject-kubernetes-custom-resource" in {action["id"] for action in actions}
    types = shell.aws("fis", "list-target-resource-types")["targetResourceTypes"]
    assert {"aws:ec2:instance", "aws:eks:cluster"} <= {one["resourceType"] for one in types}
