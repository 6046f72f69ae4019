"""A run as JUnit XML, which every pipeline can show.

One suite for the run, and in it one case for the verdict, one for each action, and one for the
undoing of what each action did. The case of the verdict passes only where the command's exit code
is 0, so that a consumer that counts cases and a script that looks at the exit code never disagree.

JUnit has no schema of its own; what is written here is what Jenkins' and Surefire's have in common:
``failure`` is a judgement (the experiment did not hold), ``error`` is trouble that nobody judged
(a fault left behind, a run that could not begin), ``skipped`` did not happen.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from bridge.cli.exits import Exit
from bridge.cli.output import clean
from bridge.cli.verdict import account, verdict
from bridge.model.experiment import ActionStatus
from bridge.model.record import Phase

if TYPE_CHECKING:
    from bridge.client.documents import ExperimentAction, ExperimentDetail, ExperimentRecord

SUITE: Final = "faultbridge"
_PASSED: Final = ActionStatus.COMPLETED
_SKIPPED: Final = frozenset({ActionStatus.SKIPPED, ActionStatus.CANCELLED, ActionStatus.PENDING})


def of_run(experiment: ExperimentDetail) -> str:
    """Return the XML of a run that has ended."""
    suite = ET.Element("testsuite", name=_text(experiment.description or experiment.id))
    properties = ET.SubElement(suite, "properties")
    for name, value in (
        ("experiment", experiment.id),
        ("template", experiment.template_id),
        ("status", experiment.status.value),
        ("exit-code", str(int(verdict(experiment)))),
    ):
        ET.SubElement(properties, "property", name=name, value=_text(value))
    _verdict(suite, experiment)
    for action in experiment.actions:
        _action(suite, action)
        _undoing(suite, action, [one for one in experiment.records if one.action == action.name])
    output = ET.SubElement(suite, "system-out")
    output.text = _text("\n".join(account(experiment)))
    since = experiment.started_at or experiment.created_at
    return _whole(suite, since, _seconds(since, experiment.ended_at))


def of_refusal(name: str, code: Exit, message: str) -> str:
    """Return the XML of a run that never began, or that could not be followed to its end."""
    suite = ET.Element("testsuite", name=_text(name))
    case = _case(suite, "verdict", 0.0)
    _mark(case, "error", f"exit code {int(code)}: {message.splitlines()[0]}", message, code.name)
    return _whole(suite, None, 0.0)


def _verdict(suite: ET.Element, experiment: ExperimentDetail) -> None:
    since = experiment.started_at or experiment.created_at
    case = _case(suite, "verdict", _seconds(since, experiment.ended_at))
    code = verdict(experiment)
    if code is Exit.COMPLETED:
        return
    kind = "error" if code is Exit.LEFT_BEHIND else "failure"
    said = f"{experiment.status.value}: {experiment.reason}"
    _mark(case, kind, said, "\n".join(account(experiment)), code.name)


def _action(suite: ET.Element, action: ExperimentAction) -> None:
    case = _case(suite, action.name, _seconds(action.started_at, action.ended_at))
    said = action.reason or action.status.value
    if action.status in _SKIPPED:
        _mark(case, "skipped", f"{action.status.value}: {said}")
    elif action.status is not _PASSED:
        text = f"{action.action_id} {action.status.value}: {said}"
        _mark(case, "failure", said, text, action.status.value)


def _undoing(suite: ET.Element, action: ExperimentAction, records: list[ExperimentRecord]) -> None:
    if not records:
        return  # nothing was touched
    case = _case(suite, f"{action.name}: undone", 0.0)
    left = [one for one in records if one.left_behind or not one.ended]
    kept = [one for one in records if one.phase is Phase.KEPT]
    lines = "\n".join(
        f"{one.resource}: {one.phase.value}" + (f" ({one.last_error})" if one.last_error else "")
        for one in records
    )
    if left:
        names = ", ".join(one.resource for one in left)
        _mark(case, "error", f"left behind: {names}", lines, "LEFT_BEHIND")
    elif len(kept) == len(records):
        _mark(case, "skipped", "is meant to stay, or cannot be undone")
    else:
        ET.SubElement(case, "system-out").text = _text(lines)


def _case(suite: ET.Element, name: str, seconds: float) -> ET.Element:
    named = {"classname": SUITE, "name": _text(name), "time": f"{seconds:.3f}"}
    return ET.SubElement(suite, "testcase", named)


def _mark(case: ET.Element, kind: str, message: str, text: str = "", of: str = "") -> None:
    marked = ET.SubElement(case, kind, message=_text(message))
    if of:
        marked.set("type", _text(of))
    if text:
        marked.text = _text(text)


def _whole(suite: ET.Element, since: datetime | None, seconds: float) -> str:
    counts = {
        "tests": len(suite.findall("testcase")),
        **{f"{kind}s": len(suite.findall(f"testcase/{kind}")) for kind in ("failure", "error")},
        "skipped": len(suite.findall("testcase/skipped")),
    }
    suites = ET.Element("testsuites", name=SUITE)
    for element in (suites, suite):
        for name, count in counts.items():
            element.set(name, str(count))
        element.set("time", f"{seconds:.3f}")
    if since is not None:
        suite.set("timestamp", since.strftime("%Y-%m-%dT%H:%M:%S"))
    suites.append(suite)
    ET.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, "unicode") + "\n"


def _seconds(since: datetime | None, until: datetime | None) -> float:
    return (until - since).total_seconds() if since and until else 0.0


def _text(text: str) -> str:
    """Return a text with nothing in it that XML cannot hold: none of that can be printed."""
    return clean(text)
