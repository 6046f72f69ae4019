"""The safety lever through boto3 and the AWS CLI."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.fis_dialect.conftest import Served

ARN = "arn:aws:fis:us-east-1:123456789012:safety-lever/default"
AWS = Path(sys.executable).with_name("aws")


def _move(fis: Any, status: str, reason: str = "a test", lever: str = "default") -> dict[str, Any]:
    state = {"status": status, "reason": reason}
    moved: dict[str, Any] = fis.update_safety_lever_state(id=lever, state=state)["safetyLever"]
    return moved


def _code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_it_is_there_and_disengaged(fis: Any) -> None:
    lever = fis.get_safety_lever(id="default")["safetyLever"]
    assert (lever["id"], lever["arn"]) == ("default", ARN)
    assert lever["state"]["status"] == "disengaged"


def test_it_is_engaged_and_disengaged_again(fis: Any) -> None:
    assert _move(fis, "engaged", "too much at once")["state"] == {
        "status": "engaged",
        "reason": "too much at once",
    }
    assert fis.get_safety_lever(id="default")["safetyLever"]["state"]["status"] == "engaged"
    assert _move(fis, "disengaged", "calm again")["state"]["reason"] == "calm again"


def test_the_same_status_again_is_a_conflict(fis: Any) -> None:
    with pytest.raises(ClientError, match="is disengaged already; its reason cannot") as refused:
        _move(fis, "disengaged")
    assert _code(refused) == "ConflictException"
    _move(fis, "engaged", "first")
    with pytest.raises(ClientError, match="is engaged already") as refused:
        _move(fis, "engaged", "second")
    assert _code(refused) == "ConflictException"
    assert fis.get_safety_lever(id="default")["safetyLever"]["state"]["reason"] == "first"


def test_runs_are_told_and_those_that_start_then_are_told_too(
    fis: Any, served: Served, create: Callable[..., dict[str, Any]]
) -> None:
    template = create()["id"]
    run = fis.start_experiment(experimentTemplateId=template)["experiment"]["id"]
    served.woken.runs.clear()
    assert _move(fis, "engaged")["state"]["status"] == "engaging"
    assert served.woken.runs == [run]
    with pytest.raises(ClientError, match="is engaging already; wait until") as refused:
        _move(fis, "disengaged")
    assert _code(refused) == "ConflictException"
    late = fis.start_experiment(experimentTemplateId=template)["experiment"]
    assert late["state"]["status"] == "initiating"


@pytest.mark.parametrize("lever", ["other", "Default"])
def test_there_is_no_other(fis: Any, lever: str) -> None:
    for call in (
        lambda: fis.get_safety_lever(id=lever),
        lambda: _move(fis, "engaged", lever=lever),
    ):
        with pytest.raises(ClientError, match='there is "default" only') as refused:
            call()
        assert _code(refused) == "ResourceNotFoundException"
    assert fis.get_safety_lever(id="default")["safetyLever"]["state"]["status"] == "disengaged"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "state: is required"),
        ({"state": {"status": "engaged"}}, "state.reason: is required"),
        ({"state": {"status": "engaging", "reason": "x"}}, '"disengaged" or "engaged"'),
        ({"state": {"status": "engaged", "reason": 7}}, "state.reason: is a number"),
        ({"state": {"status": "engaged", "reason": "x" * 513}}, "shorten it to 512"),
        ({"state": {"status": "engaged", "reason": "x", "by": "me"}}, "state.by: is not a member"),
    ],
)
def test_what_does_not_fit_moves_nothing(
    http: httpx.Client, body: dict[str, Any], words: str
) -> None:
    answer = http.patch("/safetyLevers/default/state", json=body)
    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (400, "ValidationException")
    assert words in answer.json()["message"]
    shown = http.get("/safetyLevers/default").json()
    assert shown["safetyLever"]["state"]["status"] == "disengaged"


def test_the_aws_cli_moves_it(served: Served, tmp_path: Path) -> None:
    def aws(*arguments: str) -> Any:
        done = subprocess.run(
            [AWS, "fis", *arguments, "--output", "json"],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "AWS_ENDPOINT_URL_FIS": served.url,
                "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
                "AWS_SECRET_ACCESS_KEY": "secret",
                "AWS_DEFAULT_REGION": "us-east-1",
                "NO_PROXY": "127.0.0.1",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        return json.loads(done.stdout) if done.returncode == 0 else done.stderr

    update = ("update-safety-lever-state", "--id", "default", "--state")
    moved = aws(*update, "status=engaged,reason=fire")
    assert moved["safetyLever"]["state"] == {"status": "engaged", "reason": "fire"}
    assert "(ConflictException)" in aws(*update, "status=engaged,reason=smoke")
    shown = aws("get-safety-lever", "--id", "default")
    assert shown["safetyLever"]["arn"] == ARN
