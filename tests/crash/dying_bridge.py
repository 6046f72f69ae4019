"""A real bridge process that kills itself with SIGKILL at the point it is told.

Points are: before and after every commit of a worker, and before and after every call to a
fault. Each one passed is appended to a file, so that the parent can count them.
"""

from __future__ import annotations

import functools
import itertools
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any

from bridge.cli import main
from bridge.store import Change, Claim, Store
from providers import registry

_AT = int(os.environ["DIE_AT"])
_LOG = os.open(os.environ["POINTS_FILE"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
_METHODS = ("prepare", "mark", "inject", "observe", "revert", "unmark")
_numbers = itertools.count(1)


def _point(name: str) -> None:
    number = next(_numbers)  # the store's thread passes points too
    os.write(_LOG, f"{number} {name}\n".encode())
    if number == _AT:
        os.kill(os.getpid(), signal.SIGKILL)


def _pointed(fault: str, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(method)
    async def call(*args: Any) -> Any:
        _point(f"before {fault} {method.__name__}")
        answer = await method(*args)
        _point(f"after {fault} {method.__name__}")
        return answer

    return call


def _instrument() -> None:
    commit = Store._commit

    def pointed_commit(self: Store, claim: Claim, change: Change) -> None:
        _point("before commit")
        commit(self, claim, change)
        _point("after commit")

    Store._commit = pointed_commit  # type: ignore[method-assign, assignment] # from a base class
    for name in registry.FAULTS:
        kind = type(registry.fault(name))
        for method in _METHODS:
            setattr(kind, method, _pointed(name, getattr(kind, method)))


if __name__ == "__main__":
    _instrument()
    main()
