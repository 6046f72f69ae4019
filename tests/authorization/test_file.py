"""The policy file: strict, named by its setting, and in force from the first request."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bridge.api.authorization.file import read_policy_file
from bridge.api.process import Process, StartError
from bridge.model.problem import InvalidDocumentError
from bridge.settings import Settings
from tests.authorization.conftest import ALICE, allow, document

FILE = """
policies:
  - name: FaultbridgeAdministrator
    attach:
      groups: [platform]
  - name: payments
    description: Start what the payments team has written
    document:
      Version: 2012-10-17
      Statement:
        - Effect: Allow
          Action: fis:StartExperiment
          Resource: "*"
    attach:
      principals: ["arn:aws:iam::123456789012:user/*"]
"""


def write(folder: Path, text: Any) -> Path:
    path = folder / "policies.yaml"
    path.write_text(text if isinstance(text, str) else json.dumps(text))
    return path


def test_a_file_of_yaml_or_json_is_read(tmp_path: Path) -> None:
    read = read_policy_file(write(tmp_path, FILE))
    assert list(read) == ["FaultbridgeAdministrator", "payments"]
    assert read["FaultbridgeAdministrator"].document is None
    assert read["FaultbridgeAdministrator"].attachment.groups == ("platform",)
    assert read["payments"].document == {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "fis:StartExperiment", "Resource": "*"}],
    }
    one = {"name": "x", "document": document(allow("*")), "attach": {"principals": [ALICE]}}
    assert list(read_policy_file(write(tmp_path, {"policies": [one]}))) == ["x"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 'must be an object with the one member "policies"'),
        ("policies: {}", "policies: must be a list"),
        ("policies: [x]", "policies[0]: is no policy"),
        ("policies: [{name: a b}]", "policies[0].name: must be 1 to 128 letters"),
        ("policies: [{name: x}]", "policies[0].document: is required"),
        (
            "policies: [{name: FaultbridgeViewer, document: {}}]",
            '"FaultbridgeViewer" is built in and has its document',
        ),
        ("policies: [{name: x, document: {}}]", "policies[0].document.Version: must be"),
        ("policies: [{name: FaultbridgeViewer, to: x}]", "policies[0].to: is not known"),
        (
            "policies: [{name: FaultbridgeViewer, attach: {users: []}}]",
            "policies[0].attach.users: is not known",
        ),
        (
            "policies: [{name: FaultbridgeViewer}, {name: FaultbridgeViewer}]",
            'policies[1].name: "FaultbridgeViewer" is there twice',
        ),
        ("policies: []\npolicies: []", '"policies" stands twice in one object'),
        ("policies: &a [*a]", "aliases are not read"),
        ("policies: [", "line 1, column"),
        ("policies: !!python/object:os.system []", "could not determine a constructor"),
    ],
)
def test_a_slip_in_a_file_is_named(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidDocumentError) as refused:
        read_policy_file(write(tmp_path, text))
    assert words in str(refused.value)


@pytest.mark.parametrize("text", ["policies: [x]", None, b"\xff"])
def test_a_bridge_does_not_start_without_its_policies(text: Any, tmp_path: Path) -> None:
    path = tmp_path / "policies.yaml"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    settings = Settings(installation="test", data=tmp_path / "data", policies=path)

    async def start() -> None:
        async with Process(settings, works=False):
            raise AssertionError

    with pytest.raises(StartError, match=r"FAULTBRIDGE_POLICIES: .*policies\.yaml"):
        asyncio.run(start())


def test_a_process_has_the_policies_of_its_file(tmp_path: Path) -> None:
    path = write(tmp_path, FILE)
    settings = Settings(installation="test", data=tmp_path / "data", policies=path)

    async def names() -> list[str]:
        async with Process(settings, works=False) as process:
            return list(process.bridge.policies)

    assert asyncio.run(names()) == ["FaultbridgeAdministrator", "payments"]
