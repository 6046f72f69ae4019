"""`faultbridge policy` and `faultbridge audit`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bridge.cli.app import app
from bridge.cli.exits import CommandError
from tests.authorization.conftest import ALICE, House, allow, deny, document
from tests.authorization.test_file import FILE, write

RUN = CliRunner()


@pytest.fixture
def here(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setenv("FAULTBRIDGE_URL", house.url)
    return house


def run(*arguments: str, code: int = 0) -> Result:
    result = RUN.invoke(app, list(arguments))
    assert result.exit_code == code, result.output
    return result


def test_a_policy_goes_its_way(here: House, tmp_path: Path) -> None:
    file = tmp_path / "lists.json"
    file.write_text(json.dumps(document(allow("fis:List*", "ec2:Stop*"))))
    put = run("policy", "put", "lists", str(file), "--description", "to list")
    assert put.stdout == "lists is stored\n"
    assert "another service" in put.stderr
    assert "attached to nobody" in put.stderr
    attached = run("policy", "attach", "lists", "--principal", ALICE, "--group", "sre")
    assert f"attached to {ALICE}" in attached.stderr
    listed = run("policy", "list").stdout.splitlines()
    assert [line.split()[0] for line in listed] == [
        *(f"Faultbridge{name}" for name in ("Administrator", "Author", "Operator", "Viewer")),
        "lists",
    ]
    assert listed[-1].endswith(f"{ALICE}, group sre")
    shown = run("policy", "show", "lists")
    assert json.loads(shown.stdout) == document(allow("fis:List*", "ec2:Stop*"))
    assert json.loads(run("policy", "show", "lists", "--json").stdout)["groups"] == ["sre"]
    detached = run("policy", "detach", "lists", "--group", "sre")
    assert "group sre" not in detached.stderr
    assert run("policy", "delete", "lists").stdout == "lists is deleted\n"


def test_what_is_wrong_with_a_policy_is_told_by_line(here: House, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(
        'Version: "2012-10-17"\nStatement:\n  - Effect: Allow\n    Action: fis:Startt*\n'
        '    Resource: "*"\n'
    )
    result = RUN.invoke(app, ["policy", "put", "x", str(file)])
    assert isinstance(result.exception, CommandError)
    assert f'{file}:4:5: error: Statement[0].Action: "fis:Startt*" is no action' in str(
        result.exception
    )
    missing = RUN.invoke(app, ["policy", "put", "x", str(tmp_path / "none")])
    assert "No such file" in str(missing.exception)
    nobody = RUN.invoke(app, ["policy", "attach", "x"])
    assert "say whom" in str(nobody.exception)


def test_a_simulation_explains_against_a_bridge(here: House) -> None:
    here.grant(ALICE, allow("fis:List*"), deny("fis:ListActions", Sid="Not"))
    asked = ["policy", "simulate", "--principal", ALICE, "--action"]
    assert run(*asked, "fis:ListExperiments").stdout.startswith(
        "allowed: fis:ListExperiments on * is allowed by test/Statement[0]"
    )
    denied = run(*asked, "fis:ListActions", code=1).stdout
    assert "explicitDeny: fis:ListActions on * is denied by test/Not" in denied
    found = json.loads(run(*asked, "fis:ListActions", "--json", code=1).stdout)
    assert found["decision"] == "explicitDeny"


def test_a_simulation_needs_no_bridge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAULTBRIDGE_URL", "http://127.0.0.1:1")
    file = str(write(tmp_path, FILE.replace('Resource: "*"', 'Resource: "arn:aws:fis:*:1:*"')))
    asked = ["policy", "simulate", "--file", file, "--principal", ALICE]
    start = [*asked, "--action", "fis:StartExperiment", "--resource"]
    assert "allowed by payments (file)/" in run(*start, "arn:aws:fis:us-east-1:1:x/y").stdout
    denied = run(*start, "arn:aws:fis:us-east-1:2:x/y", code=1).stdout
    assert 'would allow it, but its Resource is "arn:aws:fis:*:1:*", not' in denied
    group = run(*asked, "--action", "faultbridge:PutPolicy", "--group", "platform")
    assert "FaultbridgeAdministrator/Everything" in group.stdout
    for wrong, words in (
        (["--action", "fis:Nothing"], "is no action"),
        (["--action", "fis:ListActions", "--context", "x"], "is no pair"),
        (["--action", "fis:ListActions", "--context", "x=y"], "is no condition key"),
    ):
        result = RUN.invoke(app, [*asked, *wrong])
        assert words in str(result.exception)


def test_the_log_is_listed(here: House) -> None:
    here.grant(ALICE, allow("fis:ListExperiments", resource="arn:aws:fis:*:*:experiment/*"))
    with here.http(ALICE) as alice:
        alice.get("/experiments")
    lines = run("audit").stdout.splitlines()
    assert lines[0].split()[3:] == ["implicitDeny", ALICE, "fis:ListExperiments", "*"]
    assert lines[1].strip().startswith("test/Statement[0]: its Resource is")
    assert run("audit", "--denied", "--principal", "nobody").stderr.endswith("no entries\n")
    assert len(json.loads(run("audit", "--json").stdout)["entries"]) == 1
