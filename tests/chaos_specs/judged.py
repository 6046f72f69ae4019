"""What the check says of one spec, by path."""

from __future__ import annotations

from typing import Any

from providers.kubernetes.specs import KINDS, Problem, check

ONE: dict[str, Any] = {"mode": "one", "selector": {}}


def judged(kind: str, spec: dict[str, Any]) -> list[Problem]:
    """All problems of a spec."""
    return check(KINDS[kind].api_version, kind, "default", spec)


def errors(kind: str, spec: dict[str, Any]) -> dict[str, str]:
    """Why a cluster would refuse it."""
    return {each.path: each.message for each in judged(kind, spec) if each.severity == "error"}


def warnings(kind: str, spec: dict[str, Any]) -> dict[str, str]:
    """Why it cannot work though a cluster accepts it; there must be no error."""
    problems = judged(kind, spec)
    assert [each for each in problems if each.severity == "error"] == []
    return {each.path: each.message for each in problems}
