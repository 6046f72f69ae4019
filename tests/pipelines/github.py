"""What GitHub's runner does with a composite action, as far as ours asks for it.

Steps are scripts for ``bash --noprofile --norc -e -o pipefail``, as the runner starts them, with
files for outputs, the path and the summary. A cancelled job sends SIGINT to the step's own process
and SIGTERM after 7.5 seconds; steps whose condition says ``always()`` run all the same.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
_EXPRESSION: Final = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_TO_TERM: Final = 7.5
_TO_KILL: Final = 2.5


@dataclass
class Job:
    """One job that uses the action."""

    folder: Path
    environment: Mapping[str, str]
    inputs: Mapping[str, str]
    cancel_when: Callable[[str], bool] | None = None
    """Given the name of the step that runs: whether the job is cancelled now."""
    steps: dict[str, dict[str, str]] = field(default_factory=dict)
    """Outputs by the id of the step."""
    ran: dict[str, int] = field(default_factory=dict)
    """Exit codes by the name of the step."""
    logs: dict[str, str] = field(default_factory=dict)
    """What each step printed, by its name."""
    log: str = ""
    _failed: bool = False
    _cancelled: bool = False

    @property
    def ok(self) -> bool:
        """Whether the job goes on after the action."""
        return not self._failed and not self._cancelled

    @property
    def summary(self) -> str:
        """What the job's page shows."""
        return (self.folder / "summary").read_text("utf-8")

    def run(self) -> Job:
        """Run every step whose condition holds."""
        action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
        declared = action["inputs"]
        assert set(self.inputs) <= set(declared)
        given = {name: one.get("default", "") for name, one in declared.items()}
        given |= self.inputs
        given["installation"] = "github-1"
        (self.folder / "temp").mkdir()
        for name in ("path", "summary"):
            (self.folder / name).touch()
        for step in action["runs"]["steps"]:
            if self._holds(step.get("if"), given):
                self._step(step, given)
        return self

    def _step(self, step: dict[str, Any], given: Mapping[str, Any]) -> None:
        name = step["name"]
        script, output = self.folder / "script.sh", self.folder / "output"
        script.write_text(step["run"])
        output.write_text("")
        variables = {
            key: _EXPRESSION.sub(lambda m: _shown(self._value(m[1], given)), str(text))
            for key, text in step.get("env", {}).items()
        }
        added = (self.folder / "path").read_text().split("\n")
        log = (self.folder / "log").open("ab")
        process = subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={
                **self.environment,
                "PATH": os.pathsep.join([*filter(None, reversed(added)), self.environment["PATH"]]),
                "GITHUB_OUTPUT": str(output),
                "GITHUB_PATH": str(self.folder / "path"),
                "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
                "RUNNER_TEMP": str(self.folder / "temp"),
                **variables,
            },
        )
        log.close()
        self.ran[name] = self._ended(process, name)
        self._failed |= self.ran[name] != 0
        before, self.log = self.log, (self.folder / "log").read_text("utf-8", "replace")
        self.logs[name] = self.log.removeprefix(before)
        lines = [line.partition("=") for line in output.read_text("utf-8").splitlines()]
        self.steps[step.get("id", name)] = {key: value for key, _, value in lines}

    def _ended(self, process: subprocess.Popen[bytes], name: str) -> int:
        while True:
            try:
                return process.wait(0.1)
            except subprocess.TimeoutExpired:
                if self.cancel_when and not self._cancelled and self.cancel_when(name):
                    self._cancelled = True
                    break
        for number, seconds in ((signal.SIGINT, _TO_TERM), (signal.SIGTERM, _TO_KILL)):
            process.send_signal(number)
            try:
                return process.wait(seconds)
            except subprocess.TimeoutExpired:
                continue
        process.kill()
        return process.wait()

    def _holds(self, condition: str | None, given: Mapping[str, Any]) -> bool:
        going = self.ok or "always()" in (condition or "")
        return going and (condition is None or bool(self._value(condition, given)))

    def _value(self, expression: str, given: Mapping[str, Any]) -> Any:
        """Return an expression's value; of GitHub's language what the action uses."""

        def named(match: re.Match[str]) -> str:
            head, *rest = match[0].split(".")
            if head == "inputs":
                return repr(str(given[rest[0]]))
            if head == "steps":
                return repr(self.steps.get(rest[0], {}).get(rest[2], ""))
            return repr({"action_path": str(ROOT), "repository_id": "1"}[rest[0]])

        text = re.sub(r"\b(?:inputs|steps|github)\.[\w.-]+", named, expression)
        for theirs, pythons in (("always()", "True"), ("&&", " and "), ("||", " or ")):
            text = text.replace(theirs, pythons)
        return eval(text, {"__builtins__": {}})  # noqa: S307 - the action's own file


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
