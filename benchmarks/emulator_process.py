"""An emulated cloud in a process of its own, and its log of calls."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx


class BenchmarkError(Exception):
    """A run failed, or left something behind: what was measured means nothing."""


@dataclass(frozen=True)
class Call:
    """One request as the emulator logged it; times in seconds since the epoch."""

    service: str
    operation: str
    at: float
    handling: float
    status: int


class Child:
    """A script of ours that answers each line it reads with one line of JSON.

    It says a first one when it is ready, and ends when its standard input does, whatever becomes
    of this process.
    """

    def __init__(self, *command: str, environment: dict[str, str] | None = None) -> None:
        """Start ``command`` in this interpreter and hear its first line, ``told``.

        Raises BenchmarkError when it ends before that; its own error is on standard error.
        """
        self._name = Path(command[0]).name
        self._process = subprocess.Popen(
            [sys.executable, *command],
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.told: Any = self._heard()

    def ask(self, line: str) -> Any:
        """Send a line and return the answer. Raises BenchmarkError when the child has ended."""
        if self._process.stdin is None:
            raise BenchmarkError(f"{self._name} has no pipes")
        print(line, file=self._process.stdin, flush=True)
        return self._heard()

    def cpu_seconds(self) -> float:
        """Return the processor time that it has used so far."""
        return cpu_seconds(self._process.pid)

    def close(self) -> None:
        """Let it end, and wait for that."""
        self._process.communicate()

    def _heard(self) -> Any:
        if self._process.stdout is None or not (line := self._process.stdout.readline()):
            raise BenchmarkError(f"{self._name} ended; its error is above")
        return json.loads(line)


def cpu_seconds(process: int) -> float:
    """Return the processor time that a running process has used; 0 where Linux does not say."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    # proc_pid_stat(5): utime and stime are the 14th and 15th field, the name is the second.
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class EmulatorProcess:
    """A running emulator, as a context manager; ``told`` is what its script says at first.

    Of that, ``environment`` and ``url`` are needed here: the variables that point a bridge and
    the cloud's SDK at it, and its endpoint.
    """

    def __init__(self, *command: str) -> None:
        """Describe it; nothing runs yet."""
        self._command = command

    def __enter__(self) -> Self:
        self._child = Child(*self._command)
        self.told: dict[str, Any] = self._child.told
        self.environment: dict[str, str] = self.told["environment"]
        self.url: str = self.told["url"]
        self._pages = httpx.Client(base_url=f"{self.url}/_faultbridge/", timeout=60)
        return self

    def __exit__(self, *_: object) -> None:
        self._pages.close()
        self._child.close()

    def ask(self, line: str) -> Any:
        """Ask the emulator's script. Raises BenchmarkError when it has ended."""
        return self._child.ask(line)

    def cpu_seconds(self) -> float:
        """Return the processor time that it has used so far."""
        return self._child.cpu_seconds()

    def calls(self) -> list[Call]:
        """Every call since ``forget_calls``, oldest first."""
        told = self._pages.get("calls").raise_for_status().json()
        return [
            Call(c["service"], c["operation"], c["at"], c["handling"], c["status"])
            for c in sorted(told, key=lambda c: c["at"])
        ]

    def forget_calls(self) -> None:
        """Begin a new log."""
        self._pages.delete("calls").raise_for_status()
