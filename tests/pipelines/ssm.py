"""What Systems Manager does with an Automation document, as far as ours asks for it.

Steps run in order or where ``nextStep`` leads, a loop repeats its steps while its condition holds,
a script's ``handler(events, context)`` is called with the payload, and a cancelled automation goes
on with ``onCancel`` of the step that it was in. Nothing is slept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

_REFERENCE: Final = re.compile(r"\{\{\s*([\w:.]+)\s*\}\}")


class CancelledError(Exception):
    """The user cancels the automation; it goes on where ``onCancel`` of the step leads."""


@dataclass
class Automation:
    """One execution of a document."""

    document: dict[str, Any]
    values: dict[str, str]
    """Parameters, and ``global:`` and ``automation:`` variables."""
    cancel_when: Callable[[str], bool] = lambda _step: False
    """Given the step that is to run: whether the user cancels now."""
    outputs: dict[str, Any] = field(default_factory=dict)
    went: list[str] = field(default_factory=list)
    status: str = "Success"
    failure: str = ""

    def run(self) -> Automation:
        """Run to an end."""
        steps = {step["name"]: step for step in self.document["mainSteps"]}
        names = list(steps)
        name: str | None = names[0]
        while name is not None:
            step = steps[name]
            following = step.get("nextStep")
            try:
                jump = self.step(step)
            except CancelledError as cancelled:
                self.status = "Cancelled"
                jump = _target(str(cancelled))
                if jump is None:
                    return self
            except RuntimeError as error:
                self.failure = str(error)
                jump = _target(step.get("onFailure", "Abort"))
                self.status = self.status if self.status == "Cancelled" else "Failed"
                if jump is None:
                    return self
            if jump is None and step.get("isEnd"):
                return self
            name = jump or following
        return self

    def step(self, step: dict[str, Any]) -> str | None:
        """Run a step; return the step that it jumps to."""
        self.went.append(step["name"])
        if self.cancel_when(step["name"]):
            raise CancelledError(step.get("onCancel", "Abort"))
        inputs = step["inputs"]
        if step["action"] == "aws:branch":
            for choice in inputs["Choices"]:
                if self._filled(choice["Variable"]) == choice["StringEquals"]:
                    return str(choice["NextStep"])
            return str(inputs["Default"])
        if step["action"] == "aws:loop":
            return self._loop(inputs)
        if step["action"] == "aws:executeScript":
            self._script(step, inputs)
            return None
        assert step["action"] == "aws:sleep"
        return None

    def _loop(self, inputs: dict[str, Any]) -> str | None:
        for _ in range(inputs["MaxIterations"]):
            for step in inputs["Steps"]:
                try:
                    self.step(step)
                except RuntimeError as error:
                    self.failure, self.status = str(error), "Failed"
                    return _target(step["onFailure"])
            condition = inputs["LoopCondition"]
            if self._filled(condition["Variable"]) is not condition["BooleanEquals"]:
                break
        return None

    def _script(self, step: dict[str, Any], inputs: dict[str, Any]) -> None:
        namespace: dict[str, Any] = {"__name__": "script"}
        exec(compile(inputs["Script"], step["name"], "exec"), namespace)  # noqa: S102 - as there
        events = {key: self._filled(value) for key, value in inputs["InputPayload"].items()}
        payload: dict[str, Any] = {}
        for left in reversed(range(step.get("maxAttempts", 1))):
            try:
                payload = json.loads(json.dumps(namespace[inputs["Handler"]](events, {})))
                break
            except RuntimeError:
                if not left:
                    raise
        for output in step.get("outputs", ()):
            key = output["Selector"].removeprefix("$.Payload.")
            self.outputs[f"{step['name']}.{output['Name']}"] = payload[key]

    def _filled(self, value: str) -> Any:
        known = {**self.values, **self.outputs}
        whole = _REFERENCE.fullmatch(value)
        if whole is not None:
            return known[whole[1]]
        return _REFERENCE.sub(lambda match: str(known[match[1]]), value)


def _target(where: str) -> str | None:
    return where.removeprefix("step:") if where.startswith("step:") else None
