"""Findings as SARIF 2.1.0, which code scanning of the forges reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any, Final
from urllib.parse import quote

from bridge import __version__
from bridge.cli.files import STANDARD_INPUT
from bridge.cli.linting.findings import MEANINGS, Finding, Rule
from bridge.model.problem import Severity

ROOT: Final = "%SRCROOT%"
"""Base of relative addresses: where the command ran, which is the checkout's root in a pipeline."""

_WARNINGS: Final = frozenset({Rule.DOUBTFUL, Rule.PORTABILITY, Rule.CLUSTER_ACCESS})
_RULES: Final = tuple(Rule)


def sarif(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the log document of one run."""
    return {
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "Faultbridge",
                        "semanticVersion": __version__,
                        "rules": [_rule(rule) for rule in _RULES],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(finding) for finding in findings],
            }
        ],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    level = Severity.WARNING if rule in _WARNINGS else Severity.ERROR
    return {
        "id": rule.value,
        "shortDescription": {"text": MEANINGS[rule]},
        "defaultConfiguration": {"level": level.value},
    }


def _result(finding: Finding) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.rule.value,
        "ruleIndex": _RULES.index(finding.rule),
        "level": finding.severity.value,
        "message": {"text": str(finding.problem)},
    }
    physical: dict[str, Any] = {"artifactLocation": _artifact(finding.file)}
    if finding.place is not None:
        line, column = finding.place
        physical["region"] = {"startLine": line, "startColumn": column}
    result["locations"] = [{"physicalLocation": physical}]
    return result


def _artifact(name: str) -> dict[str, Any]:
    path = PurePath(name)
    if name == STANDARD_INPUT or name.startswith("<"):
        return {"uri": "stdin"}
    if path.is_absolute():
        return {"uri": path.as_uri()}
    return {"uri": quote(path.as_posix()), "uriBaseId": ROOT}
