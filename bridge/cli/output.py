"""Lines on standard output and standard error.

A reader that has gone away (a closed terminal, ``| head``) must not end a process that still has
faults to undo: what cannot be written is dropped.
"""

from __future__ import annotations

import io
import json
import os
import sys
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from rich.console import Console


def show(text: str) -> None:
    """Write a line of the command's result."""
    _write(sys.stdout, text)


def show_json(value: Any) -> None:
    """Write the command's result as one JSON document."""
    show(json.dumps(value, indent=2, ensure_ascii=False))


def tell(text: str) -> None:
    """Write a line that is not the result: progress, a warning, an error."""
    _write(sys.stderr, text)


def clean(text: str) -> str:
    """Return a text of others without what a terminal would obey (escape sequences)."""
    return "".join(
        c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text
    )


class Forgiving(io.TextIOBase):
    """A stream whose reader may go away: what cannot be written then is dropped."""

    def __init__(self, stream: IO[str]) -> None:
        """Write to a stream for as long as anybody reads it."""
        self._stream = stream

    @property
    def encoding(self) -> str:  # type: ignore[override] # a plain attribute there
        """The stream's own."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        """Whether somebody looks at it directly."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """The stream's own."""
        return self._stream.fileno()

    def write(self, text: str) -> int:
        """Write, or drop."""
        try:
            return self._stream.write(text)
        except UnicodeEncodeError:
            return self.write(text.encode("ascii", "backslashreplace").decode())
        except OSError:
            self._silence()
            return len(text)

    def flush(self) -> None:
        """Have it read, or drop it."""
        try:
            self._stream.flush()
        except OSError:
            self._silence()

    def _silence(self) -> None:
        # What the stream still holds goes nowhere, or its end would fail too.
        with suppress(OSError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            try:
                os.dup2(nowhere, self._stream.fileno())
            finally:
                os.close(nowhere)


def console() -> Console:
    """Return what draws on standard output, whether or not anybody still looks."""
    from rich.console import Console

    return Console(file=cast("IO[str]", Forgiving(sys.stdout)))


def _write(stream: IO[str], text: str) -> None:
    forgiving = Forgiving(stream)
    forgiving.write(f"{text}\n")
    forgiving.flush()
