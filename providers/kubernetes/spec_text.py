"""A custom resource's spec as its author wrote it: an object, or JSON or YAML text."""

from __future__ import annotations

import json
from typing import Any, Final

from bridge.model.notation import DEEPEST, Finding, Written, deeper_than, read
from bridge.model.problem import Problem, Severity

LARGEST: Final = 64 * 1024
"""Characters of text; FIS takes 1,024, the largest workflow of the Chaos Mesh docs has 3,000."""

_EXAMPLE: Final = 'such as {"action": "delay", …}'


class SpecTextError(ValueError):
    """The text is no object; the message says where and what to write."""

    def __init__(self, *findings: Finding) -> None:
        """Keep what is wrong with the writing; the message is the first of it."""
        self.problems = [_told(one) for one in findings]
        """Each with its path from the spec on."""
        super().__init__(str(self.problems[0]))

    def at(self, path: str) -> list[Problem]:
        """Return the problems in a document that has the spec at ``path``."""
        return [placed(problem, path) for problem in self.problems]


def read_spec(written: str | dict[str, Any]) -> dict[str, Any]:
    """Return the spec as an object. Raises SpecTextError."""
    return read_noted(written)[0]


def read_noted(written: str | dict[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Return the spec as an object, and what is noted of its writing. Raises SpecTextError.

    Paths of the problems begin at the spec.
    """
    if not isinstance(written, str):
        return _object(written), []
    document = read_text(written)
    errors = [one for one in document.findings if one.problem.severity is Severity.ERROR]
    if errors:
        raise SpecTextError(*errors)
    if not isinstance(document.value, dict):
        raise _refused(f"is not an object; write the fields of the spec, {_EXAMPLE}")
    return document.value, [_told(one) for one in document.findings]


def read_text(text: str) -> Written:
    """Read the text of a spec, at most `LARGEST` characters of it; never raises."""
    if len(text) > LARGEST:
        refused = Written(text)
        refused.add(None, f"is longer than {LARGEST} characters; select more, write less")
        return refused
    if not text.strip():
        refused = Written(text)
        refused.add(None, f"is empty; write the spec, {_EXAMPLE}")
        return refused
    return read(text)


def _object(spec: object) -> dict[str, Any]:
    if not isinstance(spec, dict):
        raise _refused(f"is not an object; write the fields of the spec, {_EXAMPLE}")
    if deeper_than(spec, DEEPEST):
        raise _refused(f"is nested more than {DEEPEST} levels deep; no chaos spec is")
    if len(json.dumps(spec)) > LARGEST:
        raise _refused(f"is larger than {LARGEST} characters; select more, write less")
    return spec


def _refused(message: str) -> SpecTextError:
    return SpecTextError(Finding(None, Problem("", message)))


def _told(finding: Finding) -> Problem:
    """Return a finding as a problem that says where in the text it is."""
    place, problem = finding
    where = f" (line {place.line}, column {place.column} of the text)" if place else ""
    return Problem(problem.path, problem.message + where, problem.severity)


def placed(problem: Problem, path: str) -> Problem:
    """Return a problem of the spec at its path in the document that has the spec at ``path``."""
    inner = problem.path
    dot = "." if inner and not inner.startswith("[") else ""
    return Problem(f"{path}{dot}{inner}", problem.message, problem.severity)
