"""Policies and policy files in the pages are read by the reader that judges users' own."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from bridge.api.authorization.file import read_policy_file
from iam.policy import read_policy
from tests.docs.pages import blocks


def test_policy_files_in_the_pages_are_valid(tmp_path: Path) -> None:
    found = [block for block in blocks("yaml") if block.text.startswith("policies:")]
    assert found
    for block in found:
        path = tmp_path / "policies.yaml"
        path.write_text(block.text)
        assert read_policy_file(path)


def test_policies_of_callers_in_the_pages_are_valid() -> None:
    documents = [(block, yaml.safe_load(block.text)) for block in blocks("json")]
    found = [
        (block, document)
        for block, document in documents
        if isinstance(document, dict) and "faultbridge:TemplateDigest" in json.dumps(document)
    ]
    assert found
    for block, document in found:
        assert read_policy(document, name=str(block)).warnings == ()
