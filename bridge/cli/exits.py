"""What each exit code of a command means."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Exit(IntEnum):
    """Exit codes; a script may rely on them."""

    COMPLETED = 0
    FAILED = 1
    INVALID = 2
    STOPPED = 3
    CANCELLED = 4
    NO_BRIDGE = 5
    LEFT_BEHIND = 6
    UNSEARCHED = 7
    INTERRUPTED = 130


MEANINGS: Final = {
    Exit.COMPLETED: "the experiment completed; of other commands: done",
    Exit.FAILED: "the experiment failed; every fault was undone; of policy simulate: denied; "
    "of grants --check: missing or too much; of release: refused; of rbac map: not written",
    Exit.INVALID: "wrong usage or setting, invalid document, no such object",
    Exit.STOPPED: "the experiment was stopped; every fault was undone",
    Exit.CANCELLED: "the experiment was cancelled before it began; of grants --apply: not written",
    Exit.NO_BRIDGE: "no bridge, of lint no cluster: not reachable, could not start, or failed",
    Exit.LEFT_BEHIND: "a fault was left behind, whatever the verdict",
    Exit.UNSEARCHED: "what rescue found is undone, but it could not look everywhere; "
    "of grants --check: as far as could be read, it is right; of rbac show: not all could be read",
    Exit.INTERRUPTED: "watching was interrupted; the experiment goes on",
}

EPILOG: Final = "\n".join(
    ["\b", "Exit codes:", *(f"{code.value:>5}  {meaning}" for code, meaning in MEANINGS.items())]
)


class CommandError(Exception):
    """A command ends here, with an exit code and what to say on standard error."""

    def __init__(self, code: Exit, message: str) -> None:
        """Say why, and what to do instead."""
        super().__init__(message)
        self.code = code
