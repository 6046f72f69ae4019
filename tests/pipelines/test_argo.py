"""The Argo templates: their requests and conditions over real HTTP, their script in a shell.

Argo itself is not here: what its controller and agent do is done by a few lines, and that its own
schema takes the file is not proven by this.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.acceptance.conftest import Shell, shell
from tests.authentication.asking import issuer
from tests.authentication.issuers import AUDIENCE, Issuer
from tests.cli.doubles import World
from tests.pipelines.bridge import asking, stored
from tests.pipelines.github import ROOT

__all__ = ["issuer", "shell"]

FILE = ROOT / "examples/argo/faultbridge.yaml"
SPEC = yaml.safe_load(FILE.read_text("utf-8"))["spec"]
TEMPLATES = {one["name"]: one for one in SPEC["templates"]}
_TAG = re.compile(r"\{\{([^}]+)\}\}")
_TERM = re.compile(
    r'response\.(?:(?P<code>statusCode == \d+)|body contains "(?P<text>(?:\\.|[^"])*)")'
)


class Workflow:
    """What Argo's agent does with the HTTP templates."""

    def __init__(self, url: str, template: str, header: str) -> None:
        self.values = {
            "workflow.parameters.url": url,
            "workflow.parameters.template": template,
            "workflow.parameters.looks": "100",
            "workflow.uid": "7d3f0000-0000-4000-8000-000000000001",
            "workflow.name": "chaos-x7",
        }
        self.header = header
        self.body = ""

    def filled(self, text: str) -> str:
        return _TAG.sub(lambda match: self.values[match[1]], text)

    async def node(self, name: str, experiment: str = "") -> bool:
        """Run a template as often as it retries; return whether its condition held."""
        template = TEMPLATES[name]
        if experiment:
            self.values["inputs.parameters.experiment"] = experiment
        limit = int(self.filled(template.get("retryStrategy", {}).get("limit", "0")))
        for _ in range(limit + 1):
            if await self._attempt(template["http"]):
                return True
        return False

    async def _attempt(self, http: dict[str, Any]) -> bool:
        headers = {}
        for one in http["headers"]:
            secret = one.get("valueFrom", {}).get("secretKeyRef")
            assert secret in (None, {"name": "faultbridge", "key": "authorization"})
            headers[one["name"]] = one.get("value", self.header)
        async with httpx.AsyncClient(timeout=http["timeoutSeconds"], trust_env=False) as client:
            body = self.filled(http["body"]) if "body" in http else None
            url = self.filled(http["url"])
            answer = await client.request(http["method"], url, headers=headers, content=body)
        self.body = answer.text
        return holds(http["successCondition"], answer.status_code, answer.text)


def holds(condition: str, code: int, body: str) -> bool:
    """Evaluate a condition of the language expr, in the two forms that the templates use."""
    answers = []
    for term in condition.split(" && "):
        match = _TERM.fullmatch(term)
        assert match is not None, term
        if match["code"]:
            answers.append(code == int(match["code"].rpartition(" ")[2]))
        else:
            answers.append(json.loads(f'"{match["text"]}"') in body)
    return all(answers)


@pytest.fixture
async def workflow(
    tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch, issuer: Issuer
) -> AsyncIterator[Workflow]:
    template = await stored(tmp_path, seconds=2)
    known = [{"issuer": issuer.url, "audiences": [AUDIENCE]}]
    settings = {"oidc_issuers": json.dumps(known)}
    async with asking(tmp_path, monkeypatch, f"oidc:{issuer.url}#alice", **settings) as url:
        yield Workflow(url, template, f"Bearer {issuer.token()}")


async def test_a_completed_experiment_succeeds(workflow: Workflow) -> None:
    assert await workflow.node("start")
    experiment = json.loads(workflow.body)["id"]
    assert await workflow.node("wait", experiment)
    assert await workflow.node("verdict", experiment)
    assert await workflow.node("stop", experiment)  # the hook, which always comes
    assert await workflow.node("verdict", experiment)
    assert await workflow.node("start")
    assert json.loads(workflow.body)["id"] == experiment


async def test_an_experiment_that_failed_fails_though_its_words_say_completed(
    workflow: Workflow, world: World
) -> None:
    world.set(denied=True)
    assert await workflow.node("start")
    experiment = json.loads(workflow.body)["id"]
    assert await workflow.node("wait", experiment)
    assert not await workflow.node("verdict", experiment)
    said = json.dumps({"phase": "failed", "reason": '"phase":"completed"'}, separators=(",", ":"))
    assert not holds(TEMPLATES["verdict"]["http"]["successCondition"], 200, said)


async def test_the_hook_stops_a_run_whose_workflow_is_stopped(
    workflow: Workflow, world: World
) -> None:
    assert await workflow.node("start")
    experiment = json.loads(workflow.body)["id"]
    assert await workflow.node("stop", experiment)
    assert await workflow.node("wait", experiment)
    assert '"phase":"stopped","ended":true' in workflow.body
    assert world.states == ["whole", "whole"]


def test_the_templates_hold_together() -> None:
    known = {one["name"] for one in SPEC["arguments"]["parameters"]}
    assert set(re.findall(r"workflow\.parameters\.([\w-]+)", FILE.read_text("utf-8"))) == known
    steps = [step for group in TEMPLATES["experiment"]["steps"] for step in group]
    hooks = [hook for step in steps for hook in step.get("hooks", {}).values()]
    assert SPEC["entrypoint"] in TEMPLATES
    for one in [*steps, *hooks]:
        wanted = TEMPLATES[one["template"]].get("inputs", {}).get("parameters", [])
        given = one.get("arguments", {}).get("parameters", [])
        assert {p["name"] for p in wanted} == {p["name"] for p in given}
    kinds = {"steps", "http", "script"}
    assert all(len(kinds & set(one)) == 1 for one in TEMPLATES.values())


@pytest.mark.pipelines
@pytest.mark.parametrize("ends", ["by itself", "by SIGTERM"])
def test_the_script_waits_and_stops(shell: Shell, tmp_path: Path, ends: str) -> None:
    document = json.loads((ROOT / "examples/fis/three-clouds.json").read_text("utf-8"))
    document["actions"] = {"StopInAws": document["actions"]["StopInAws"]}
    document["targets"] = {"AwsWorker": document["targets"]["AwsWorker"]}
    parameters = document["actions"]["StopInAws"]["parameters"]
    parameters["startInstancesAfterDuration"] = "PT1S" if ends == "by itself" else "PT10M"
    (tmp_path / "template.json").write_text(json.dumps(document))
    source = TEMPLATES["experiment-cli"]["script"]["source"].replace(
        "/var/faultbridge/", f"{tmp_path}/"
    )
    log = (tmp_path / "log").open("wb")
    process = subprocess.Popen(
        ["sh", "-c", source],
        env={
            "PATH": f"{ROOT / '.venv/bin'}:/usr/bin:/bin",
            "HOME": "/nonexistent",
            **shell.environment,
            "TEMPLATE": str(tmp_path / "template.json"),
        },
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    log.close()
    if ends == "by SIGTERM":
        while b" injected" not in (tmp_path / "log").read_bytes():
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 130
        assert b"is told to stop" in (tmp_path / "log").read_bytes()
    else:
        assert process.wait(60) == 0, (tmp_path / "log").read_text()
        assert (tmp_path / "phase").read_text() == "completed\n"
        assert (tmp_path / "junit.xml").exists()
