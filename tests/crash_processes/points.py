"""The points that a bridge process passes, and what it does to itself at one of them.

Points are: before and after every commit of a worker, after each claim, before and after every
call to a fault, and between the check of the lease and the request that it lets go. All processes
of a case write them into one file of lines of one length, so that its length is their number.
"""

from __future__ import annotations

import functools
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bridge.store import Change, Claim, Claimed, Store
from providers import registry
from providers.aws import clients
from providers.contract import Guard

LINE: Final = 96
METHODS: Final = ("prepare", "mark", "inject", "observe", "revert", "unmark")
CHECKED: Final = "between the check and"
"""How the names of points begin that lie where no check comes any more."""
SLOW: Final = "slow"
"""An act: the request that has been checked leaves late, and nothing else stands still."""
SLOWNESS: Final = 6.0
"""Seconds: three of the leases that such a case has."""


@dataclass(frozen=True)
class Order:
    """What one of the processes of a case does to itself, once."""

    points: Path
    """Where all of them write the points that they pass."""
    act: str = ""
    """A signal's name, or `SLOW`; empty: nothing."""
    name: str = ""
    """At the first point of that name …"""
    not_before: int = 1
    """… whose number is not lower."""

    @property
    def acted(self) -> Path:
        """A file that is there once one of them has; it holds process, number and name."""
        return self.points.with_suffix(".acted")


@dataclass(frozen=True)
class Point:
    """One point that was passed."""

    process: int
    name: str


def read_points(file: Path) -> list[Point]:
    """Return the points passed so far, in order."""
    lines = file.read_text().splitlines() if file.exists() else []
    split = (line.strip().split(" ", 1) for line in lines)
    return [Point(int(process), name) for process, name in split]


class Points:
    """Writes down points and acts at one; called from any thread."""

    def __init__(self, order: Order) -> None:
        """Open the file that all processes of the case write to."""
        self._order = order
        self._lock = threading.Lock()
        self._file = os.open(order.points, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def __call__(self, name: str) -> None:
        """Pass a point."""
        line = f"{os.getpid()} {name}"[: LINE - 1].ljust(LINE - 1) + "\n"
        with self._lock:
            os.write(self._file, line.encode())
            number = os.lseek(self._file, 0, os.SEEK_CUR) // LINE
        order = self._order
        if order.act and name == order.name and number >= order.not_before and self._first(line):
            _act(order.act)

    def _first(self, line: str) -> bool:
        aside = self._order.acted.with_suffix(f".{os.getpid()}")
        aside.write_text(line)
        try:
            os.link(aside, self._order.acted)  # there as a whole, and once
        except FileExistsError:
            return False
        return True


def _act(act: str) -> None:
    if act == SLOW:
        time.sleep(SLOWNESS)
    elif act == "SIGSTOP":
        # To this very thread: sent to the process, it may take another thread first.
        signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
    else:
        os.kill(os.getpid(), signal.Signals[act])


def instrument(order: Order) -> None:
    """Let everything in this process pass points."""
    point = Points(order)
    commit, claim, check = Store._commit, Store._claim, Guard.check
    sent, sending = clients._check_guard, threading.local()

    def pointed_commit(self: Store, claim: Claim, change: Change) -> None:
        point("before a commit")
        commit(self, claim, change)
        point("after a commit")

    def pointed_claim(self: Store, experiment: str, owner: str, lease: Any) -> Claimed | None:
        claimed = claim(self, experiment, owner, lease)
        if claimed is not None:
            point("after a claim")
        return claimed

    def checked(self: Guard) -> None:
        check(self)
        operation = getattr(sending, "operation", "a change of the cluster")
        if not operation.startswith(("Describe", "List", "Get")):
            point(f"{CHECKED} {operation}")

    def named(event_name: str = "", **details: Any) -> None:
        # A dry run only asks whether it would be allowed.
        dry = "DryRun" in str(details["request"].body)
        sending.operation = event_name.rpartition(".")[2] + " as a dry run" * dry
        try:
            sent(event_name=event_name, **details)
        finally:
            del sending.operation

    Store._commit = pointed_commit  # type: ignore[method-assign, assignment] # from a base class
    Store._claim = pointed_claim  # type: ignore[method-assign, assignment] # the same
    Guard.check = checked  # type: ignore[method-assign] # to pass a point behind it
    clients._check_guard = named  # type: ignore[assignment] # the same
    for fault in registry.FAULTS:
        kind = type(registry.fault(fault))
        for method in METHODS:
            setattr(kind, method, _pointed(point, fault, getattr(kind, method)))


def _pointed(
    point: Points, fault: str, method: Callable[..., Awaitable[Any]]
) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(method)
    async def call(*args: Any) -> Any:
        point(f"before {method.__name__} of {fault}")
        answer = await method(*args)
        point(f"after {method.__name__} of {fault}")
        return answer

    return call
