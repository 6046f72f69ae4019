"""The command line: Typer commands, their output and their exit codes.

The top of the house: it may import every other room, and none imports it. Commands speak HTTP to a
running bridge, or embed one where none is configured. What a command needs is imported when it is
run, so that `--help` and a mistyped option answer at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from bridge.cli.app import app
from bridge.cli.output import tell

__all__ = ["app", "main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command line (by default the process's own) and exit with its code."""
    try:
        app(arguments, prog_name="faultbridge")
    except Exception as error:  # noqa: BLE001 - a command ends with words, not with a stack trace
        from bridge.cli.refusals import explain

        code, words = explain(error)
        for line in words.splitlines():
            tell(f"faultbridge: {line}")
        sys.exit(code)
