"""A resident bridge that says what it costs: memory, processor time, threads, tasks, descriptors.

Run as a script it is the bridge of `faultbridge serve` in a process of its own, which knows the
double of `scale_double` besides and answers each line on standard input with its figures. It ends
when standard input does.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TextIO
from urllib.parse import urlsplit

import scale_double
from emulator_process import BenchmarkError, Child

if TYPE_CHECKING:
    from collections.abc import Callable

CLIENTS: Final = 4
"""Connections that requests come in by at once."""
_BOTH, _ANSWERS, _WORKS = "both", "answers", "works"
"""What a process does: it answers requests and advances runs, or one of the two."""
_PATIENCE: Final = 60.0
_KEPT_OPEN: Final = 2.0
"""Seconds for which an idle connection is used again; the bridge closes it a little later."""


@dataclass(frozen=True)
class Cost:
    """What the bridge's process holds and has used."""

    memory: int
    """Resident bytes."""
    cpu: float
    """Seconds of processor time, of all threads."""
    threads: int
    tasks: int
    """Of its event loop."""
    descriptors: int
    """Open files and connections."""


class ScaleBridge:
    """A running bridge on a data directory of its own or on a database, as a context manager."""

    def __init__(self, database: str = "", workers: int = 0) -> None:
        """Describe it; nothing runs yet.

        ``database`` is what FAULTBRIDGE_DATABASE would be. With ``workers``, so many processes
        advance the runs, and the bridge only answers; what they cost is the bridge's cost too.
        """
        self._database = database
        self._workers = workers

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            # Beside this file, not in a memory disk: a commit has to reach a real one.
            folder = tempfile.TemporaryDirectory(prefix=".data-", dir=Path(__file__).parent)
            self._data = stack.enter_context(folder)
            environment = {
                "FAULTBRIDGE_INSTALLATION": "bench",
                "FAULTBRIDGE_DATA": self._data,
                "FAULTBRIDGE_DATABASE": self._database,
            }
            roles = [_ANSWERS, *[_WORKS] * self._workers] if self._workers else [_BOTH]
            self._children: list[Child] = []
            for role in roles:
                child = Child(__file__, role, environment=environment)
                stack.callback(child.close)
                self._children.append(child)
            self.url: str = self._children[0].told["url"]
            self._place = urlsplit(self.url).netloc
            self._connections = threading.local()
            self._clients = stack.enter_context(ThreadPoolExecutor(CLIENTS))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def database(self) -> str:
        """URL of the database that it works on."""
        return self._database or f"sqlite:///{self._data}/faultbridge.sqlite3"

    def cost(self) -> Cost:
        """Ask it what it costs, with its workers."""
        told = [child.ask("cost") for child in self._children]
        return Cost(**{name: sum(one[name] for one in told) for name in told[0]})

    def ask(self, method: str, path: str, document: Any = None) -> Any:
        """Make one request on this thread's own connection. Raises BenchmarkError."""
        mine, now = self._connections, time.monotonic()
        if now - getattr(mine, "used", 0.0) > _KEPT_OPEN:
            mine.one = http.client.HTTPConnection(self._place, timeout=_PATIENCE)
        connection, mine.used = mine.one, now
        body = None if document is None else json.dumps(document)
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        read = answer.read()
        if answer.status not in (200, 201, 202):
            raise BenchmarkError(f"{method} {path}: {answer.status} {read.decode()}")
        return json.loads(read)

    def together(self, work: Callable[[Any], Any], items: list[Any]) -> list[Any]:
        """Do the work of all items, a few at once, and return the answers in order."""
        return list(self._clients.map(work, items))


def template(kind: str) -> dict[str, Any]:
    """Return the document of a run that waits: it lets time pass, or it holds a thing."""
    document: dict[str, Any] = {
        "description": "A run that waits",
        "roleArn": "arn:aws:iam::123456789012:role/benchmark",
        "stopConditions": [{"source": "none"}],
        "actions": {"wait": {"actionId": "aws:fis:wait", "parameters": {"duration": "PT6H"}}},
    }
    if kind == HOLDING:
        document["stopConditions"] = [{"source": scale_double.STOP_SOURCE, "value": _VALUE}]
        document["targets"] = {
            "thing": {
                "resourceType": scale_double.RESOURCE_TYPE,
                "resourceTags": {"any": "thing"},
                "selectionMode": "ALL",
            }
        }
        document["actions"] = {
            "hold": {
                "actionId": scale_double.ACTION,
                "parameters": {"duration": "PT6H"},
                "targets": {"Things": "thing"},
            }
        }
    return document


_VALUE: Final = "a signal that is always clear"
PLAIN: Final = "plain"
"""A run of one `aws:fis:wait`."""
HOLDING: Final = "with a fault"
"""A run with a record of a fault in effect, and a stop condition that is watched."""


def _serve(role: str) -> None:
    # What a worker says goes elsewhere: here the answers are read.
    answers, sys.stdout = sys.stdout, sys.stderr
    # Imported here: the benchmark's own process needs none of it.
    from bridge.cli.listening import listen, work  # noqa: PLC0415 - as above
    from bridge.settings import Settings  # noqa: PLC0415 - as above

    sys.modules.setdefault("scale_double", scale_double)
    scale_double.register()

    async def run() -> None:
        loop = asyncio.get_running_loop()

        def ready(url: str) -> None:
            threading.Thread(target=_answer, args=(loop, url, answers), daemon=True).start()

        if role == _WORKS:
            ready("")
            await work(Settings())
        else:
            await listen(Settings(), "127.0.0.1", 0, ready=ready, works=role == _BOTH)

    asyncio.run(run())


def _answer(loop: asyncio.AbstractEventLoop, url: str, answers: TextIO) -> None:
    """Answer each line with what this process costs; end it with standard input."""
    print(json.dumps({"url": url}), file=answers, flush=True)
    for _ in sys.stdin:
        told = {
            "memory": _resident(),
            "cpu": time.process_time(),
            "threads": threading.active_count(),
            "tasks": len(asyncio.all_tasks(loop)),
            "descriptors": len(os.listdir("/proc/self/fd")),  # noqa: PTH208 - names suffice
        }
        print(json.dumps(told), file=answers, flush=True)
    os.kill(os.getpid(), signal.SIGTERM)


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    _serve(sys.argv[1])
