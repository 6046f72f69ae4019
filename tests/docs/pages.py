"""The pages of the documentation, and what stands in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md")))

_FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"(?<!`)`(?P<text>[^`\n]+)`(?!`)")
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block, named by page and line for the test's report."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        """Return page and line."""
        return f"{self.page.name}:{self.line}"


def blocks(*languages: str) -> list[Block]:
    """Return the fenced blocks of all pages, of some languages or of all."""
    found = []
    for page in PAGES:
        text = page.read_text("utf-8")
        for match in _FENCE.finditer(text):
            line = text[: match.start()].count("\n") + 1
            found.append(Block(page, line, match["language"], match["text"]))
    return [one for one in found if not languages or one.language in languages]


def prose(page: Path) -> str:
    """Return a page without its fenced blocks."""
    return _FENCE.sub("", page.read_text("utf-8"))


def spans(page: Path) -> list[str]:
    """Return what stands in backticks in a page's prose."""
    return [match["text"] for match in _SPAN.finditer(prose(page))]


def links(page: Path) -> list[str]:
    """Return the targets of a page's links."""
    return [match["target"] for match in _LINK.finditer(prose(page))]


def shell_lines() -> Iterator[tuple[str, str]]:
    """Yield place and text of each command line behind a prompt, continued lines joined."""
    for block in blocks("console"):
        lines = block.text.replace("\\\n", " ").splitlines()
        yield from ((str(block), line[2:]) for line in lines if line.startswith("$ "))


def faultbridge_arguments() -> Iterator[tuple[str, list[str]]]:
    """Yield place and arguments of each `faultbridge` line: behind prompts and in backticks."""
    for place, line in shell_lines():
        words = shlex.split(line)
        if "faultbridge" in words and words[0] != "kubectl":  # there it names a namespace
            arguments = words[words.index("faultbridge") + 1 :]
            yield place, list(takewhile(lambda word: word not in {"<", ">", "|"}, arguments))
    for page in PAGES:
        for text in spans(page):
            words = shlex.split(text) if text.startswith("faultbridge ") else []
            # A name in capitals stands for any command, a bare prefix of a mark is none.
            if words and not words[1].isupper():
                yield page.name, words[1:]
