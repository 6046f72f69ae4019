"""Bridge processes forked from one that has imported everything: a start costs little then.

What is forked is as whole a process as one that was started: it has its own process id, signals,
threads, sockets and memory, and goes through the command line's own `main`.
"""

from __future__ import annotations

import asyncio
import ctypes
import multiprocessing
import os
import signal
import sys
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Final

from bridge.cli import main
from tests.crash_processes.mutants import MUTANTS
from tests.crash_processes.points import Order, instrument

_DIE_WITH_PARENT: Final = 1  # PR_SET_PDEATHSIG of prctl(2)
_LOOK_EVERY: Final = 0.03


@dataclass(frozen=True)
class Life:
    """What a process is told before it begins."""

    arguments: tuple[str, ...]
    """Of the command line."""
    environment: dict[str, str]
    output: Path
    order: Order | None = None
    mutant: str = ""


def live(life: Life) -> None:
    """Be a bridge, in a process that was forked for it."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    handle = os.open(life.output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for standard in (1, 2):
        os.dup2(handle, standard)
    os.environ.update(life.environment)
    if life.mutant:
        MUTANTS[life.mutant]()
    if life.order is not None:
        instrument(life.order)
    sys.argv = ["faultbridge", *life.arguments]
    main()


class Offspring:
    """One forked process."""

    def __init__(self, life: Life) -> None:
        """Fork it."""
        self.life = life
        self._process = ForkServerProcess(target=live, args=(life,))
        self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    @property
    def code(self) -> int | None:
        """Exit code, negative for a signal; None while it lives."""
        return self._process.exitcode

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if self.code is None:
            os.kill(self.pid, number)

    async def ended(self, within: float) -> int:
        """Wait for its end; return the exit code. Raises TimeoutError."""
        async with asyncio.timeout(within):
            while (code := self.code) is None:  # noqa: ASYNC110 - another process has no event
                await asyncio.sleep(_LOOK_EVERY)
            return code

    async def said(self, words: str, within: float = 120) -> str:
        """Wait until it prints a line with these words; return the line."""
        async with asyncio.timeout(within):
            while True:
                text = self.life.output.read_text() if self.life.output.exists() else ""
                found = [line for line in text.splitlines() if words in line]
                if found:
                    return found[0]
                assert self.code is None, f"it ended with {self.code}: {text[-1000:]}"
                await asyncio.sleep(_LOOK_EVERY)

    def stopped(self) -> bool:
        """Say whether all of it stands still by SIGSTOP."""
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_text()
        except OSError:
            return False
        return stat.rpartition(")")[2].split()[0] == "T"

    def kill(self) -> None:
        """End it whatever state it is in, and wait for that."""
        self._process.kill()
        self._process.join()
        self._process.close()


def preload() -> None:
    """Have everything imported by the process that others are forked from."""
    modules = ["tests.crash_processes.rehearsal"]
    multiprocessing.get_context("forkserver").set_forkserver_preload(modules)
