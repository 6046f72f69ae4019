"""The expressions of a Task's branches, as far as they can be judged without evaluating them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from bridge.model.problem import Problem, Severity
from providers.kubernetes.specs.problems import shown

VARIABLES: Final = ("exitCode", "stdout")
"""What an expression may look at: a number, and the output without spaces around it."""

_LONGEST: Final = 10_000
_QUOTED: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`")
_WORD: Final = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
_ASSIGNED: Final = re.compile(r"(?<![=!<>])=(?![=~])")
_EXAMPLE: Final = 'write it like exitCode == 0 or stdout contains "ok"'


def expression_findings(text: str, path: str) -> Iterator[Problem]:
    """Warn of what makes a branch always, or never, be taken; no webhook looks at it."""
    bare = _QUOTED.sub(" ", text[:_LONGEST])
    words = set(_WORD.findall(bare))
    for word in sorted(words):
        folded = word.replace("_", "").lower()
        near = next((known for known in VARIABLES if known.lower() == folded), None)
        if near and word != near:
            message = f"{shown(word)} is not known there, so the branch fails; write {near}"
            yield Problem(path, message, Severity.WARNING)
            return
    if not words.intersection(VARIABLES):
        message = f"does not look at {' or '.join(VARIABLES)}, so it always says the same"
        yield Problem(path, f"{message}; {_EXAMPLE}", Severity.WARNING)
    elif _ASSIGNED.search(bare):
        message = f"has a single =, which is no comparison, so the branch fails; {_EXAMPLE}"
        yield Problem(path, message, Severity.WARNING)
