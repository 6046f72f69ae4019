"""What is found: one thing that is wrong, where, and by which rule."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from bridge.catalog.portability import REFUSED_BY_FIS
from bridge.cli.files import TemplateFile
from bridge.model.notation import Place
from bridge.model.problem import Problem, Severity

_UNKNOWN: Final = ("unknown field", "is not a member of this object", "is not known", "is not read")
"""How messages begin that refuse a field by its name."""


class Rule(StrEnum):
    """Classes of findings; a pipeline may rely on them."""

    SYNTAX = "syntax"
    UNKNOWN_FIELD = "unknown-field"
    INVALID = "invalid"
    DOUBTFUL = "doubtful"
    PORTABILITY = "portability"
    UNRECOGNIZED = "unrecognized"
    CLUSTER_SCHEMA = "cluster-schema"
    CLUSTER_REFUSES = "cluster-refuses"
    CLUSTER_SELECTOR = "cluster-selector"
    CLUSTER_ACCESS = "cluster-access"


MEANINGS: Final = {
    Rule.SYNTAX: "The text cannot be read as JSON or YAML, or would be read differently by others.",
    Rule.UNKNOWN_FIELD: "A field that nothing reads.",
    Rule.INVALID: "A value that is refused, or a required one that is missing.",
    Rule.DOUBTFUL: "Accepted, but it does not do what it looks like.",
    Rule.PORTABILITY: "Accepted here, refused by AWS FIS itself.",
    Rule.UNRECOGNIZED: "Neither a FIS template or action, nor a chaos manifest, nor an action "
    "template.",
    Rule.CLUSTER_SCHEMA: "The schema that the cluster serves for the kind says otherwise.",
    Rule.CLUSTER_REFUSES: "The cluster refused the resource in a dry run.",
    Rule.CLUSTER_SELECTOR: "What the selector takes in the cluster now.",
    Rule.CLUSTER_ACCESS: "The cluster could not be asked.",
}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a document."""

    file: str
    place: Place | None
    rule: Rule
    problem: Problem

    @property
    def severity(self) -> Severity:
        """Error or warning."""
        return self.problem.severity

    def strict(self) -> Finding:
        """Return it as an error."""
        return replace(self, problem=replace(self.problem, severity=Severity.ERROR))

    def line(self) -> str:
        """Return ``file:line:column: severity: path: message [rule]``."""
        where = f"{self.file}:{self.place.line}:{self.place.column}" if self.place else self.file
        return f"{where}: {self.severity}: {self.problem} [{self.rule}]"

    def wire(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "file": self.file,
            "line": self.place.line if self.place else None,
            "column": self.place.column if self.place else None,
            "severity": self.severity.value,
            "rule": self.rule.value,
            "path": self.problem.path,
            "message": self.problem.message,
        }


def found(file: TemplateFile, problem: Problem, rule: Rule | None = None) -> Finding:
    """Return a problem of a document as a finding at the place of its path."""
    return Finding(file.name, file.place_of(problem.path), rule or rule_of(problem), problem)


def rule_of(problem: Problem) -> Rule:
    """Return the rule of a problem that was found without a cluster."""
    if problem.message.startswith(REFUSED_BY_FIS):
        return Rule.PORTABILITY
    if problem.message.startswith(_UNKNOWN):
        return Rule.UNKNOWN_FIELD
    return Rule.DOUBTFUL if problem.severity is Severity.WARNING else Rule.INVALID
