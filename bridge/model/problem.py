"""What is wrong with a document, in the user's words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Whether a problem refuses the document or only warns its author."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Problem:
    """One problem of a document: where, what, and what to write instead."""

    path: str
    """JSON path from the document's root, such as ``actions.stop.parameters.duration``."""
    message: str
    """The reason and the mend, in one sentence each."""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        """Return ``path: message``."""
        return f"{self.path}: {self.message}" if self.path else self.message


class InvalidDocumentError(ValueError):
    """The document is refused; nothing of it was stored."""

    def __init__(self, problems: list[Problem]) -> None:
        """Keep every problem that was found, in document order."""
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems
