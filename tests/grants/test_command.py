"""The command as it is typed, without a bridge and without a cloud."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
CARTS = "examples/fis/carts-latency.json"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("FAULTBRIDGE_")}
    return subprocess.run(
        [sys.executable, "-m", "bridge.cli", "grants", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=kept,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )


def test_json_and_yaml_say_the_same_and_a_cloud_can_be_chosen() -> None:
    found = json.loads(run(CARTS, "--format", "json").stdout)
    assert found == yaml.safe_load(run(CARTS, "--format", "yaml").stdout)
    assert {one["cloud"] for one in found["documents"]} == {"aws", "kubernetes"}
    only = json.loads(run(CARTS, "--format", "json", "--for", "kubernetes").stdout)
    assert {one["cloud"] for one in (*only["documents"], *only["grants"])} == {"kubernetes"}
    assert {one["need"] for one in found["grants"]} == {"required", "indirect"}
    assert {one["need"] for one in found["notGranted"]} == {"optional"}
    assert all(one["notes"] for one in found["notGranted"])


def test_options_that_contradict_each_other_are_refused() -> None:
    for pair in (("--include-optional", "--required-only"), ("--check", "--apply")):
        done = run(CARTS, *pair)
        assert done.returncode == 2
        assert "give one of them" in done.stderr


def test_a_template_with_errors_is_refused_as_validate_does() -> None:
    done = run("examples/fis/three-clouds.json")
    assert done.returncode == 2
    assert "FAULTBRIDGE_GCP_IDENTITIES" in done.stderr
    assert done.stdout == ""


def test_the_page_shows_what_is_printed() -> None:
    shown = (ROOT / "docs/grants.md").read_text("utf-8")
    printed = run(CARTS, "--required-only").stdout
    first, _, _ = printed.partition("\n\n")
    assert first in shown
