"""A signal that is pushed as the pages say, to the sandbox, by who has read its variables."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.acceptance.conftest import ROOT, Shell, needs_aws, until

ALERT = {"alertname": "CartsDown", "severity": "critical"}


def push(shell: Shell, signal: dict[str, Any]) -> Any:
    answer = httpx.post(
        f"{shell.environment['FAULTBRIDGE_URL']}/v1/signals",
        params={"token": shell.environment["FAULTBRIDGE_SIGNAL_TOKENS"]},
        json=signal,
    )
    assert answer.status_code == 202, answer.text
    return answer.json()["stopped"]


def alertmanager(status: str) -> dict[str, Any]:
    return {"version": "4", "alerts": [{"status": status, "labels": ALERT}]}


@needs_aws
def test_an_alert_stops_a_run_that_the_aws_cli_has_started(shell: Shell) -> None:
    template = json.loads((ROOT / "examples/fis/carts-latency.json").read_text("utf-8"))
    template["stopConditions"].append(
        {"source": "prometheus:alertmanager:alert", "value": 'ALERTS{alertname="CartsDown"}'}
    )
    made = shell.aws("fis", "create-experiment-template", "--cli-input-json", json.dumps(template))
    identifier = made["experimentTemplate"]["id"]
    assert made["experimentTemplate"]["stopConditions"] == template["stopConditions"]
    started = shell.aws("fis", "start-experiment", "--experiment-template-id", identifier)
    run = started["experiment"]["id"]
    until(lambda: shell.states().count("stopped") == 2)

    assert push(shell, alertmanager("resolved")) == []
    assert push(shell, alertmanager("firing")) == [run]

    def state() -> Any:
        return shell.aws("fis", "get-experiment", "--id", run)["experiment"]["state"]

    until(lambda: state()["status"] == "stopped")
    assert state()["reason"] == "Experiment halted by stop condition."
    assert set(shell.states()) == {"running"}
    push(shell, alertmanager("resolved"))
