"""What docs/triggers.md and the examples say is so; the commands of the page are run."""

from __future__ import annotations

import importlib
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from bridge.triggers import rules_reading
from bridge.triggers.event import Event
from bridge.triggers.rules import Start
from bridge.triggers.rules_reading import read_rules, read_rules_file
from tests.docs.pages import ROOT, Block, blocks, shell_lines
from tests.triggers import events
from tests.triggers.conftest import PATIENCE, Bridge

PAGE = ROOT / "docs/triggers.md"
TEXT = PAGE.read_text("utf-8")
FUNCTIONS = ROOT / "examples/functions"


def of_page(language: str) -> list[Block]:
    return [block for block in blocks(language) if block.page == PAGE]


def first_cells(heading: str) -> list[str]:
    section = TEXT.split(f"\n{heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)


def fits(text: str, document: Any) -> str | None:
    rule = read_rules(text).rule_for(Event(document))
    return None if rule is None else rule.name


def test_the_rules_of_the_page_are_about_the_events_they_say() -> None:
    first, scheduler = (block.text for block in of_page("yaml"))
    assert fits(first, events.scheduled()) == "nightly"
    assert fits(first, events.alarm_state_change()) == "alarm-stops-checkout"
    assert fits(first, events.alarm_state_change("OK")) is None
    released = {"source": "shop", "detail-type": "Released", "detail": {"service": "checkout"}}
    assert fits(first, released) == "slow-network-after-release"
    (given,) = (json.loads(one.text) for one in of_page("json") if "StartAt" not in one.text)
    (rule,) = read_rules(scheduler).rules
    assert set(given) == set(events.scheduler())
    assert rule.token(Event(events.scheduler())) != rule.token(Event(events.scheduler("later")))


def test_every_member_of_a_rule_is_documented() -> None:
    assert first_cells("## Rules") == list(rules_reading._RULE)
    for name in (
        *rules_reading._START,
        *rules_reading._WITH_ACTION_TEMPLATE,
        *rules_reading._STOP,
    ):
        assert f"`{name}`" in TEXT


def test_every_handler_that_is_named_exists_and_every_one_is_named() -> None:
    table = TEXT.split("\n## ", 1)[0]
    named = {}
    for module, handlers in re.findall(r"`(bridge\.triggers\.\w+)`: (.+?) \|", table):
        named[module] = set(re.findall(r"`(\w+)`", handlers))
        loaded = importlib.import_module(module)
        assert all(callable(getattr(loaded, name)) for name in named[module])
    aws = importlib.import_module("bridge.triggers.aws")
    assert named["bridge.triggers.aws"] == set(aws.__all__)
    assert set(named) == {f"bridge.triggers.{one}" for one in ("aws", "gcp", "azure")}


@pytest.mark.parametrize(
    ("path", "document", "name"),
    [
        ("gcp", {"method": "POST", "body": {"templateId": "EXT1"}}, "on-request"),
        ("gcp", {"data": {"message": {"data": {"incident": {"state": "open"}}}}}, "incident-"),
        (
            "gcp",
            {
                "type": "google.cloud.pubsub.topic.v1.messagePublished",
                "data": {"message": {"data": {"released": "checkout"}}},
            },
            "checkout-released",
        ),
        ("azure", {"name": "nightly", "slot": "2026-11-20T09:00:00+00:00"}, "nightly"),
        (
            "azure",
            {"eventType": "Shop.Released", "data": {"service": "checkout"}},
            "checkout-released",
        ),
        (
            "azure",
            {
                "method": "POST",
                "body": {
                    "schemaId": "azureMonitorCommonAlertSchema",
                    "data": {"essentials": {"monitorCondition": "Fired", "alertRule": "slow"}},
                },
            },
            "alert-stops-checkout",
        ),
    ],
)
def test_the_rules_of_the_examples_fit(path: str, document: Any, name: str) -> None:
    rule = read_rules_file(FUNCTIONS / path / "rules.yaml").rule_for(Event(document))
    assert rule is not None
    assert rule.name.startswith(name)


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ({"body": {"templateId": "EXT1"}}, "on-request"),
        ({"Message": {"templateId": "EXT1"}}, "on-request"),
        ({"input": {"templateId": "EXT1"}}, "on-request"),
        ({"detail": {"state": {"value": "ALARM"}, "alarmName": "checkout-x"}}, "alarm-stops-"),
    ],
)
def test_the_rules_that_serverless_deploys_fit_each_kind_of_event(document: Any, name: str) -> None:
    rules = read_rules_file(ROOT / "deploy/serverless/trigger-rules.yml")
    rule = rules.rule_for(Event(document, "1"))
    assert rule is not None
    assert rule.name.startswith(name)
    if isinstance(rule.does, Start):
        assert rule.does.request(document, rule=rule.name, token="t").template_id == "EXT1"


def test_the_examples_are_whole() -> None:
    for folder, extra in (("gcp", "cloud-functions"), ("azure", "azure-functions")):
        required = (FUNCTIONS / folder / "requirements.txt").read_text().split()
        assert required == [f"faultbridge[{extra}]"]
        assert f"faultbridge[{extra}]" in TEXT
    host = json.loads((FUNCTIONS / "azure/host.json").read_text())
    assert host["version"] == "2.0"


def test_the_commands_of_the_page_run(bridge: Bridge) -> None:
    """Google's framework as a process, with our example, as the page has it."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    template = bridge.template()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
    lines = [line for place, line in shell_lines() if place.startswith("triggers.md")]
    exported = dict(
        line.removeprefix("export ").split("=", 1) for line in lines if line.startswith("export ")
    )
    (serve,) = (line for line in lines if line.startswith("functions-framework "))
    (ask,) = (line for line in lines if line.startswith("curl "))
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    process = subprocess.Popen(
        shlex.split(serve.replace("8080", port)),
        env={
            **os.environ,
            **exported,
            "FAULTBRIDGE_URL": bridge.url,
            "PATH": path,
            "GUNICORN_LOG_LEVEL": "info",
        },
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    impatience = threading.Timer(PATIENCE, process.kill)
    impatience.start()
    try:
        assert process.stderr
        assert next((line for line in process.stderr if "Listening at: " in line), None)
        command = shlex.split(ask.replace("8080", port).replace("EXTX9Prz23rCnFVtM5", template))
        answers = [
            json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
            for _ in range(2)
        ]
    finally:
        impatience.cancel()
        process.terminate()
        process.communicate(timeout=PATIENCE)
    (run,) = bridge.runs_of(template)
    assert [one["experiments"][0]["id"] for one in answers] == [run.id, run.id]
    (shown,) = re.findall(r'^\{"result".*\}$', TEXT, re.MULTILINE)
    assert set(json.loads(shown)) == set(answers[0])
    assert json.loads(shown)["rule"] == answers[0]["rule"]
