"""Which files are looked at, and which documents are in them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bridge.cli.exits import CommandError, Exit
from bridge.cli.files import LARGEST, STANDARD_INPUT, TemplateFile, read_documents

SUFFIXES: Final = (".json", ".yaml", ".yml")
_HINTS: Final = (b"haos", b"actionId", b"maxDuration", b"stopConditions")
"""One of these is in every document that can be judged; files of a folder without are not read."""


@dataclass(frozen=True)
class Source:
    """One file with its documents."""

    name: str
    documents: tuple[TemplateFile, ...]
    named: bool
    """Whether it was named itself, and not found in a folder."""


@dataclass
class Sources:
    """Files as they are named on a command line."""

    names: tuple[str, ...]
    skipped: int = 0
    """Files of folders that cannot hold anything to judge; counted while they are gone through."""

    def __iter__(self) -> Iterator[Source]:
        """Read one file after the other. Raises CommandError where one cannot be read."""
        seen: set[str] = set()
        for name in self.names:
            folder = name != STANDARD_INPUT and Path(name).is_dir()
            for path in _within(name) if folder else [name]:
                if path in seen:
                    continue
                seen.add(path)
                if folder and not _worth_reading(path):
                    self.skipped += 1
                    continue
                yield Source(path, tuple(_documents(path)), named=not folder)


def _within(folder: str) -> Iterator[str]:
    """Yield the files of a folder in order; hidden folders and links are left alone."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (
            str(Path(place, name)) for name in sorted(files) if name.lower().endswith(SUFFIXES)
        )


def _worth_reading(path: str) -> bool:
    try:
        with Path(path).open("rb") as stream:
            raw = stream.read(LARGEST + 1)
    except OSError as error:
        raise _unreadable(path, error) from None
    return len(raw) <= LARGEST and _hinted(raw)


def _hinted(raw: bytes) -> bool:
    return any(hint in raw for hint in _HINTS)


def _documents(path: str) -> Iterable[TemplateFile]:
    try:
        return read_documents(path)
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: str, error: OSError) -> CommandError:
    msg = f"{path}: {error.strerror}; name files or folders, or - for standard input"
    return CommandError(Exit.INVALID, msg)
