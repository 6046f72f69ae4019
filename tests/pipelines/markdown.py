"""The commands of a runbook."""

from __future__ import annotations

import re
import textwrap
from typing import Final

_BLOCK: Final = re.compile(r"^ *```sh\n(?P<text>.*?)^ *```$", re.DOTALL | re.MULTILINE)


def section(text: str, heading: str) -> str:
    """Return what stands under a heading."""
    after = text.split(f"\n{heading}\n", 1)[1]
    level = heading.split(" ", 1)[0]
    return re.split(rf"^{level} ", after, maxsplit=1, flags=re.MULTILINE)[0]


def commands(text: str) -> list[str]:
    """Return the lines of its shell blocks."""
    blocks = (textwrap.dedent(match["text"]) for match in _BLOCK.finditer(text))
    return [line for block in blocks for line in block.splitlines()]
