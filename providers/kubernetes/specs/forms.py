"""How a cloud writes its names, where one becomes a part of a full resource name."""

from __future__ import annotations

import re
from typing import NamedTuple

from bridge.model.problem import Problem
from providers.kubernetes.specs.problems import shown


class Form(NamedTuple):
    """One kind of name: its pattern, and an example for those who miss it."""

    pattern: str
    example: str

    def problem(self, value: str, path: str) -> Problem | None:
        """Return what is wrong with a name, or None."""
        if re.fullmatch(self.pattern, value):
            return None
        message = f'{shown(value)} is no such name, write it like "{self.example}"'
        return Problem(path, message)
