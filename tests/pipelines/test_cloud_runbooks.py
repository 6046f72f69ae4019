"""The runbooks of Systems Manager and Azure Automation, run against a bridge over real HTTP."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from bridge.sandbox.aws import AwsEmulator
from tests.authentication.asking import issuer
from tests.authentication.conftest import ACCOUNT
from tests.authentication.issuers import AUDIENCE, Issuer
from tests.authentication.roles import aws, role
from tests.cli.doubles import World
from tests.pipelines.bridge import asking, stored
from tests.pipelines.github import ROOT
from tests.pipelines.ssm import Automation

__all__ = ["aws", "issuer", "role"]

FOLDER = ROOT / "examples/runbooks"
DOCUMENT = yaml.safe_load((FOLDER / "ssm-automation.yaml").read_text("utf-8"))


def _scripts(steps: list[dict[str, Any]]) -> list[str]:
    found = [one["inputs"]["Script"] for one in steps if "Script" in one["inputs"]]
    return found + [s for one in steps for s in _scripts(one["inputs"].get("Steps", []))]


# --- AWS Systems Manager ------------------------------------------------------------------


@pytest.fixture
async def opened(
    tmp_path: Path,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    aws: AwsEmulator,
    role: dict[str, str],
) -> AsyncIterator[dict[str, str]]:
    """Values of an automation, and the role's session as Systems Manager gives it to a script."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": role["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": role["SecretAccessKey"],
        "AWS_SESSION_TOKEN": role["SessionToken"],
    }.items():
        monkeypatch.setenv(name, value)
    template = await stored(tmp_path, seconds=2)
    known = {"sts_accounts": ACCOUNT, "sts_endpoint": aws.url}
    principal = f"arn:aws:sts::{ACCOUNT}:assumed-role/my-team/*"
    async with asking(tmp_path, monkeypatch, principal, **known) as url:
        yield {
            "BridgeUrl": url,
            "Installation": "test",
            "TemplateId": template,
            "LookEvery": "PT1M",
            "global:REGION": "us-east-1",
            "automation:EXECUTION_ID": "9b1c0f4e-0000-4000-8000-000000000001",
        }


async def test_an_automation_succeeds_where_the_experiment_completed(
    opened: dict[str, str], world: World
) -> None:
    automation = await asyncio.to_thread(Automation(DOCUMENT, opened).run)
    assert automation.status == "Success", automation.failure
    assert automation.outputs["Verdict.Phase"] == "completed"
    assert automation.went[0] == "Start"
    assert automation.went[-2:] == ["Branch", "Completed"]
    # A repeat of the first step finds the same run.
    again = Automation({"mainSteps": DOCUMENT["mainSteps"][:1]}, opened)
    await asyncio.to_thread(again.step, DOCUMENT["mainSteps"][0])
    assert again.outputs["Start.Experiment"] == automation.outputs["Start.Experiment"]


async def test_an_automation_that_is_cancelled_stops_the_run(
    opened: dict[str, str], world: World
) -> None:
    cancelled = Automation(DOCUMENT, opened, lambda step: step == "Sleep")
    automation = await asyncio.to_thread(cancelled.run)
    assert automation.status == "Cancelled"
    assert automation.went == ["Start", "Follow", "Sleep", "Stop"]
    assert "stopped: Stopped by an SSM automation." in automation.failure
    assert world.states == ["whole", "whole"]


async def test_a_verdict_that_is_not_completed_fails_the_automation(
    opened: dict[str, str], world: World
) -> None:
    world.set(denied=True)
    automation = await asyncio.to_thread(Automation(DOCUMENT, opened).run)
    assert automation.status == "Failed"
    assert automation.went[-2:] == ["Branch", "Stop"]
    assert " failed: may not break things" in automation.failure


async def test_a_refusal_is_told_in_the_bridge_s_words(opened: dict[str, str]) -> None:
    automation = Automation(DOCUMENT, opened | {"TemplateId": "EXTnone00"})
    await asyncio.to_thread(automation.run)
    assert (automation.status, automation.went) == ("Failed", ["Start"])
    assert "/v1/experiments: 404" in automation.failure
    assert "k8s-aws-v1" not in automation.failure
    other = Automation(DOCUMENT, opened | {"Installation": "payments"})
    await asyncio.to_thread(other.run)
    assert "401" in other.failure


def test_systems_manager_takes_the_document(aws: AwsEmulator) -> None:
    own = aws.environment()
    ssm = boto3.client(
        "ssm",
        endpoint_url=aws.url,
        region_name="us-east-1",
        aws_access_key_id=own["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=own["AWS_SECRET_ACCESS_KEY"],
    )
    text = (FOLDER / "ssm-automation.yaml").read_text("utf-8")
    with closing(ssm):
        made = ssm.create_document(
            Name="Faultbridge", Content=text, DocumentType="Automation", DocumentFormat="YAML"
        )["DocumentDescription"]
    assert (made["SchemaVersion"], made["DocumentType"]) == ("0.3", "Automation")
    assert len(text.encode()) < 64 * 1024  # the longest document


def test_the_document_holds_together() -> None:
    steps = DOCUMENT["mainSteps"]
    names = {step["name"] for step in steps}
    inner = steps[1]["inputs"]["Steps"]
    for step in [*steps, *inner]:
        jumps = {step.get("nextStep"), _after(step.get("onFailure")), _after(step.get("onCancel"))}
        assert jumps - {None, "Abort"} <= names
    # Documented of aws:loop: onCancel is for the steps inside, and 100 iterations are the most.
    assert all(step["onCancel"] == "step:Stop" for step in inner)
    assert "onCancel" not in steps[1]
    assert steps[1]["inputs"]["MaxIterations"] <= 100
    assert len(set(_scripts(steps))) == 1
    patterns = {name: one.get("allowedPattern") for name, one in DOCUMENT["parameters"].items()}
    assert re.fullmatch(patterns["BridgeUrl"], "https://chaos.example.com/")
    assert not re.fullmatch(patterns["BridgeUrl"], "http://chaos.example.com")


def _after(where: str | None) -> str | None:
    return None if where is None else where.removeprefix("step:")


# --- Azure Automation ---------------------------------------------------------------------


@pytest.fixture
def runbook() -> Any:
    """The script, loaded as a module."""
    spec = importlib.util.spec_from_file_location("runbook", FOLDER / "azure_automation.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def identity(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The endpoint that gives a job tokens of its managed identity; what was asked of it."""
    asked: list[str] = []

    class Endpoint(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            right = self.headers["X-IDENTITY-HEADER"] == "secret"
            self.send_response(200 if right else 401)
            self.end_headers()
            token = issuer.token(oid="automation", sub="x")
            self.wfile.write(json.dumps({"access_token": token}).encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{server.server_port}/token")
    monkeypatch.setenv("IDENTITY_HEADER", "secret")
    yield asked
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
async def azure(
    tmp_path: Path,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    issuer: Issuer,
    identity: list[str],
) -> AsyncIterator[tuple[str, str]]:
    """The bridge's URL and a template's id."""
    template = await stored(tmp_path, seconds=2)
    known = [{"issuer": issuer.url, "audiences": [AUDIENCE], "subjectClaim": "oid"}]
    principal = f"oidc:{issuer.url}#automation"
    settings = {"oidc_issuers": json.dumps(known)}
    async with asking(tmp_path, monkeypatch, principal, **settings) as url:
        yield url, template


async def test_a_job_ends_well_where_the_experiment_completed(
    azure: tuple[str, str], runbook: Any, identity: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    await asyncio.to_thread(runbook.main, azure[0], AUDIENCE, azure[1])
    assert re.search(r"started EXP\w+\nEXP\w+ completed: ", capsys.readouterr().out)
    assert f"resource={AUDIENCE}" in identity[0]


async def test_a_run_that_takes_too_long_is_stopped_and_the_job_fails(
    azure: tuple[str, str], runbook: Any, world: World
) -> None:
    with pytest.raises(RuntimeError, match=r"EXP\w+ stopped: Stopped by Azure Automation\."):
        await asyncio.to_thread(runbook.main, azure[0], AUDIENCE, azure[1], "0")
    assert world.states == ["whole", "whole"]


async def test_a_run_is_stopped_by_its_id(
    azure: tuple[str, str], runbook: Any, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    run = await asyncio.to_thread(runbook.Bridge(azure[0], AUDIENCE).start, azure[1])
    await asyncio.to_thread(runbook.main, azure[0], AUDIENCE, "stop", run)
    assert f"{run} stopped: " in capsys.readouterr().out
    assert world.states == ["whole", "whole"]
    with pytest.raises(RuntimeError, match="404"):
        await asyncio.to_thread(runbook.main, azure[0], AUDIENCE, "stop", "EXPnone")
