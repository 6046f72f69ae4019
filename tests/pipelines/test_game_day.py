"""Runbooks from their first command to their last, by a person's shell, against the sandbox."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.acceptance.conftest import Shell, needs_aws, needs_kubectl, shell
from tests.docs.pages import shell_lines
from tests.pipelines.github import ROOT
from tests.pipelines.markdown import commands, section

__all__ = ["shell"]

pytestmark = pytest.mark.pipelines

EXAMPLE = ROOT / "examples/runbooks/game-day.md"
TEMPLATE = "examples/fis/three-clouds.json"


def _bash(
    shell: Shell, script: str, folder: Path, where: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    return subprocess.run(
        ["bash", "-c", script],
        cwd=where,
        env={**shell.environment, "PATH": path, "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


@pytest.fixture(params=["example", "written"])
def runbook(request: pytest.FixtureRequest, shell: Shell, tmp_path: Path) -> str:
    """A runbook: the example, or one that is written now."""
    if request.param == "example":
        return EXAMPLE.read_text("utf-8")
    done = _bash(shell, f"faultbridge runbook {TEMPLATE} -o {tmp_path}/day.md", tmp_path)
    assert done.returncode == 0, done.stderr
    return (tmp_path / "day.md").read_text("utf-8")


@needs_aws
@needs_kubectl
def test_a_game_day_is_played_from_its_runbook(shell: Shell, runbook: str, tmp_path: Path) -> None:
    lines = commands(section(runbook, "## Commands"))
    before = lines[: lines.index('faultbridge stop "$EXPERIMENT"')]
    watch = before.pop().replace("junit.xml", f"{tmp_path}/junit.xml")
    after = lines[len(before) + 1 :]
    # One terminal watches, the other says stop once faults are there.
    script = "\n".join(
        [
            "set -e",
            *before,
            f'{{ {watch}; }} > "{tmp_path}/watched" & WATCH=$!',
            f'until grep -q " injected" "{tmp_path}/watched"; do sleep 0.2; done',
            *after[:1],
            'CODE=0; wait "$WATCH" || CODE=$?; test "$CODE" -eq 3',
            *after[1:-1],
            f'CODE=0; {after[-1]} || CODE=$?; test "$CODE" -eq 0 -o "$CODE" -eq 7',
        ]
    )
    done = _bash(shell, script, tmp_path)
    assert done.returncode == 0, (tmp_path / "watched").read_text("utf-8") + done.stderr
    assert "no marks were found" in done.stderr
    assert (tmp_path / "junit.xml").exists()
    assert set(shell.states()) == {"running"}


@needs_aws
@needs_kubectl
def test_a_fault_is_undone_by_hand_from_the_runbook(shell: Shell, tmp_path: Path) -> None:
    done = _bash(shell, f"faultbridge runbook {TEMPLATE} -o {tmp_path}/day.md", tmp_path)
    assert done.returncode == 0, done.stderr
    by_hand = section((tmp_path / "day.md").read_text("utf-8"), "## Undo by hand")
    found, delete = commands(by_hand)[-2:]
    started = _bash(shell, f"faultbridge run {TEMPLATE}", tmp_path)
    experiment = started.stdout.strip()
    give_up = time.monotonic() + 60
    while experiment not in (listed := _bash(shell, found, tmp_path)).stdout:
        assert time.monotonic() < give_up, listed.stderr
        time.sleep(0.5)
    name = next(line.split()[0] for line in listed.stdout.splitlines() if experiment in line)
    done = _bash(shell, delete.replace("NAME", name), tmp_path)
    assert done.returncode == 0, done.stderr
    assert name not in _bash(shell, found, tmp_path).stdout
    _bash(shell, f"faultbridge stop {experiment}; faultbridge watch {experiment}", tmp_path)


@needs_aws
def test_the_commands_of_the_pages_run(shell: Shell, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    short = tmp_path / TEMPLATE
    text = (ROOT / TEMPLATE).read_text("utf-8")
    short.write_text(text.replace("PT2M", "PT1S").replace("120s", "2s"))
    ran = _bash(shell, f"faultbridge run {TEMPLATE} --wait --json", tmp_path, tmp_path)
    known = json.loads(ran.stdout)
    lines = [
        line.replace("EXTX9Prz23rCnFVtM5", known["templateId"]).replace(
            "EXPE35HwjvAnvBqgHR", known["id"]
        )
        for place, line in shell_lines()
        if place.startswith(("runbooks.md", "pipelines.md"))
    ]
    assert len(lines) >= 6
    said = ""
    for line in lines:
        if "start-automation-execution" in line:
            continue  # moto runs no automation
        done = _bash(shell, line, tmp_path, tmp_path)
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        said += done.stdout
    assert '"phase":"completed"' in said
    assert {"chaos.md", "chaos.xml", "game-day.md"} <= {one.name for one in tmp_path.iterdir()}
