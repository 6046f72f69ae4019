"""serverless.yml, held against the code: handlers, variables, roles, alarms, and the package."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest

from bridge.api.authorization import read_policy_file
from bridge.settings import Settings
from bridge.triggers.service.minute import METRICS, NAMESPACE
from deploy.serverless import roles
from tests.serverless.service import (
    EXTENSIONS,
    FUNCTIONS,
    PARAMETERS,
    RESOURCES,
    ROOT,
    SERVICE,
    environment,
    references,
)

BRIDGE = ("api", "loop", "minute")
LOCK = ROOT / "deploy/serverless/package-lock.json"
OF_THE_FRAMEWORK = {
    "HttpApi",
    *(f"{name[0].upper()}{name[1:]}LambdaFunction" for name in FUNCTIONS),
}
CONDITIONS = {name for part in SERVICE["resources"] for name in part.get("Conditions", {})}


def handlers() -> list[str]:
    found = [one["handler"] for one in FUNCTIONS.values()]
    assert len(found) == len(set(found)) == 9
    return found


@pytest.mark.parametrize("handler", handlers())
def test_every_handler_can_be_called(handler: str) -> None:
    module, _, name = handler.rpartition(".")
    if module == "bridge.triggers.aws" and find_spec(module) is None:
        pytest.skip("the triggers have not arrived yet")
    assert callable(getattr(import_module(module), name))


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_every_variable_is_read_by_the_code(function: str) -> None:
    ours = {name for name in environment(function) if name.startswith("FAULTBRIDGE_")}
    settings = {f"FAULTBRIDGE_{name.upper()}" for name in Settings.model_fields}
    if function in BRIDGE:
        assert ours <= settings
    source = "".join(path.read_text() for path in [*_sources("bridge"), *_sources("iam")])
    missing = {name for name in ours - settings if f'"{name}"' not in source}
    if find_spec("bridge.triggers.aws") is None:
        missing -= {"FAULTBRIDGE_TRIGGER_RULES", *_of_tokens(ours)}
    assert missing == set()


def _of_tokens(names: set[str]) -> set[str]:
    return {name for name in names if name.startswith("FAULTBRIDGE_TOKEN_")}


def _sources(package: str) -> list[Any]:
    return sorted((ROOT / package).rglob("*.py"))


def test_the_bridges_role_follows_from_declarations() -> None:
    assert roles.FILE.read_text("utf-8") == roles.text(), "python -m deploy.serverless.roles"
    (attached,) = RESOURCES["BridgeRole"]["Properties"]["ManagedPolicyArns"]
    assert attached == {"Ref": "BridgePolicy"}
    assert RESOURCES["BridgePolicy"]["Properties"]["PolicyDocument"] == json.loads(roles.text())
    assert {FUNCTIONS[name]["role"] for name in BRIDGE} == {"BridgeRole"}


def test_no_role_may_do_what_breaks_things() -> None:
    harmless = re.compile(
        r"sts:AssumeRole|(logs|secretsmanager|sqs|states|codedeploy|lambda):\w+|"
        r"(cloudwatch|eks):Describe\w+|ec2:(Describe\w+|\w+NetworkInterface|\w+PrivateIpAddresses)"
    )
    for name, resource in RESOURCES.items():
        if not resource["Type"].startswith("AWS::IAM::"):
            continue
        for action in _actions(resource["Properties"]):
            assert harmless.fullmatch(action), f"{name}: {action}"


def _actions(value: Any) -> list[str]:
    if isinstance(value, list):
        return [action for one in value for action in _actions(one)]
    if not isinstance(value, dict):
        return []
    own = value.get("Action", [])
    found = [own] if isinstance(own, str) else list(own)
    return found + [action for one in value.values() for action in _actions(one)]


def test_what_is_referred_to_is_there() -> None:
    known = {*RESOURCES, *PARAMETERS, *CONDITIONS, *OF_THE_FRAMEWORK}
    parts = [FUNCTIONS, RESOURCES, EXTENSIONS, SERVICE["provider"]]
    for name in references(parts):
        assert name in known or name.startswith("AWS::"), name
    assert {one["role"] for one in FUNCTIONS.values()} <= set(RESOURCES)
    used = references([*parts, *(part.get("Conditions", {}) for part in SERVICE["resources"])])
    assert set(PARAMETERS) <= used


def test_every_parameter_is_given_and_described() -> None:
    given = {one["ParameterKey"] for one in SERVICE["provider"]["stackParameters"]}
    assert given == set(PARAMETERS)
    page = (ROOT / "docs/serverless.md").read_text("utf-8")
    for one in SERVICE["provider"]["stackParameters"]:
        (name,) = re.findall(r"\$\{param:(\w+)", one["ParameterValue"])
        assert f"| `{name}` |" in page
        assert PARAMETERS[one["ParameterKey"]]["Description"]


def test_the_loop_is_durable_and_every_log_ends() -> None:
    durable = EXTENSIONS["LoopLambdaFunction"]["Properties"]["DurableConfig"]
    longest = (PARAMETERS["LoopOperations"]["MaxValue"] // 2) * 3600
    assert longest < durable["ExecutionTimeout"] < 366 * 24 * 3600
    for name in FUNCTIONS:
        group = EXTENSIONS[f"{name[0].upper()}{name[1:]}LogGroup"]["Properties"]
        assert group == {"RetentionInDays": {"Ref": "LogRetention"}}
    for name in BRIDGE:
        assert "VpcConfig" in EXTENSIONS[f"{name.title()}LambdaFunction"]["Properties"]


def test_alarms_are_on_what_is_told() -> None:
    alarms = [
        one["Properties"] for one in RESOURCES.values() if one["Type"] == "AWS::CloudWatch::Alarm"
    ]
    watched = {one["MetricName"] for one in alarms if one["Namespace"] == NAMESPACE}
    assert watched == {"QueueAge", "UndoLate", "RunsStuck"}
    assert watched < set(METRICS)
    (age,) = (one for one in alarms if one["MetricName"] == "QueueAge")
    assert age["TreatMissingData"] == "breaching"


def test_messages_that_fail_are_kept() -> None:
    ((_, event),) = [pair for one in FUNCTIONS["sqs"]["events"] for pair in one.items()]
    assert event["functionResponseType"] == "ReportBatchItemFailures"
    queue = RESOURCES["TriggerQueue"]["Properties"]
    assert queue["RedrivePolicy"]["deadLetterTargetArn"] == {
        "Fn::GetAtt": ["TriggerDeadLetters", "Arn"]
    }
    assert queue["VisibilityTimeout"] >= 6 * FUNCTIONS["sqs"]["timeout"]


def test_what_is_packaged_can_be_read() -> None:
    paths = {
        environment("api")["FAULTBRIDGE_POLICIES"],
        environment("sns")["FAULTBRIDGE_TRIGGER_RULES"],
    }
    assert all((ROOT / path).is_file() for path in paths)
    assert read_policy_file(ROOT / environment("api")["FAULTBRIDGE_POLICIES"])
    if find_spec("bridge.triggers.aws") is not None:
        reading: Any = import_module("bridge.triggers.rules_reading")
        assert reading.read_rules_file(ROOT / environment("sns")["FAULTBRIDGE_TRIGGER_RULES"])


def test_no_account_and_no_address_is_written_down() -> None:
    files = [ROOT / "serverless.yml", *(ROOT / "deploy/serverless").glob("*.yml")]
    text = "".join(path.read_text("utf-8") for path in files)
    assert set(re.findall(r"\b\d{12}\b", text)) <= {"111111111111"}  # in a comment, to be replaced
    assert '"resolved"' not in LOCK.read_text("utf-8")


def test_the_functions_do_without_what_is_left_out_of_the_package() -> None:
    patterns = SERVICE["package"]["patterns"]
    out = [name for one in patterns for name in _left_out(one)]
    assert {"bridge.cli", "bridge.sandbox", "rich", "typer", "procrastinate"} <= set(out)
    code = "; ".join(
        [
            "import sys",
            f"sys.modules.update(dict.fromkeys({out!r}))",
            *(f"import {one.rpartition('.')[0]}" for one in handlers() if ".service." in one),
            "import kubernetes.aio.client, kubernetes.aio.config, psycopg, botocore.session",
        ]
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr[-600:]


def _left_out(pattern: str) -> list[str]:
    found = re.fullmatch(
        r"!(?:build/lambda/)?(?P<before>[\w/]*)\{(?P<names>[\w,]+)\}/\*\*", pattern
    )
    if found is None:
        return []
    before = found["before"].replace("/", ".")
    return [f"{before}{name}" for name in found["names"].split(",")]


def test_the_pages_commands_are_real(capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs/serverless.md").read_text("utf-8")
    declared = {
        name
        for one in SERVICE["provider"]["stackParameters"]
        for name in re.findall(r"\$\{param:(\w+)", one["ParameterValue"])
    }
    assert set(re.findall(r"--param=(\w+)=", page)) == {"installation", "secret"} <= declared
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert set(re.findall(r"^make ([a-z-]+)", page, re.MULTILINE)) <= set(targets)
    assert "python -m deploy.serverless.roles" in page
    assert roles.main() == 0
    assert capsys.readouterr().out == ""
    (secret,) = re.findall(r"^ +(\{\"database\".*\})$", page, re.MULTILINE)
    assert set(json.loads(secret)) <= set(Settings.model_fields)


def test_the_functions_run_on_what_is_tested() -> None:
    def pins(name: str) -> dict[str, str]:
        text = (ROOT / ".ci/requirements" / name).read_text("utf-8")
        return dict(re.findall(r"^([a-z0-9.-]+)==([^\s;]+)", text, re.MULTILINE))

    vendored = pins("lambda.txt")
    assert {"mangum", "boto3", "psycopg-binary", "kubernetes", "jmespath"} <= set(vendored)
    tested = pins("dev.txt")
    assert {name: tested.get(name) for name in vendored} == vendored
