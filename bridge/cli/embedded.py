"""A run in a bridge of its own, within the command: it always waits, and undoes on signals."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

import httpx

from bridge.api.app import create_app
from bridge.api.process import Process, StartError
from bridge.cli.exits import CommandError, Exit
from bridge.cli.follow import follow
from bridge.cli.live import View
from bridge.cli.output import tell
from bridge.client import AsyncClient, StartRequest
from bridge.client.documents import ExperimentDetail
from bridge.settings import Settings
from bridge.store import DirectoryInUseError, is_server

_URL: Final = "http://127.0.0.1"
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PATIENCE: Final = 2.0
"""Seconds of waiting for the last marks before it is said that there is waiting."""
TOGETHER: Final = 1.0
"""Seconds within which signals count as one."""
_SHOW_CURSOR: Final = b"\x1b[?25h"


class Interruption:
    """Signals to a command that has faults to undo.

    The first asks for the end; the second ends the process at once, and says how to undo what
    is left.
    """

    def __init__(self, settings: Settings) -> None:
        """Prepare; `listening` takes the signals."""
        self.asked = asyncio.Event()
        self.name = ""
        self._asked_at = 0.0
        self._farewell = _farewell(settings).encode()
        self._loop = asyncio.get_running_loop()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals; one that is ignored (``nohup``) stays ignored."""
        taken = [one for one in _SIGNALS if signal.getsignal(one) is not signal.SIG_IGN]
        # A handler of the loop's would wait for the loop; the second signal must not.
        before = {one: signal.signal(one, self._handle) for one in taken}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if not self.name:
            self.name = signal.Signals(number).name
            self._asked_at = time.monotonic()
            self._loop.call_soon_threadsafe(self.asked.set)
            return
        if time.monotonic() - self._asked_at < TOGETHER:
            return  # `timeout` and terminals signal the process and its group: meant as one
        # Not through Python's streams: the signal may have come in the middle of a write.
        for stream, text in ((1, _SHOW_CURSOR), (2, self._farewell)):
            if stream == 1 and not os.isatty(1):
                continue
            try:
                os.write(stream, text)
            except OSError:
                continue
        os._exit(Exit.LEFT_BEHIND)


async def run_embedded(
    settings: Settings, document: dict[str, Any], view: View | None
) -> ExperimentDetail:
    """Run a document to its end and undo everything, whatever signal comes.

    Raises CommandError where the bridge cannot start or was told to stop before the run began,
    and what the client raises where the document is refused.
    """
    interruption = Interruption(settings)
    with interruption.listening():
        try:
            async with Process(settings, schedules=False) as process:
                return await _run(process, document, view, interruption)
        except (StartError, DirectoryInUseError) as error:
            code = Exit.INVALID if isinstance(error, StartError) else Exit.NO_BRIDGE
            raise CommandError(code, str(error)) from None


async def _run(
    process: Process, document: dict[str, Any], view: View | None, interruption: Interruption
) -> ExperimentDetail:
    transport = httpx.ASGITransport(app=create_app(process.bridge))
    async with AsyncClient(_URL, transport=transport) as client:
        if interruption.name:
            msg = f"{interruption.name} came before the experiment began; nothing was touched"
            raise CommandError(Exit.STOPPED, msg)
        started = await client.start(StartRequest(template=document))
        # A database of one's own has one user; on a shared one, other runs are other people's.
        mine = started.id if is_server(process.settings.database) else None
        stopper = asyncio.create_task(_stop_when_asked(process, interruption, mine))
        try:
            await follow(client, started.id, view)
            await _settle(process, mine)
            return await client.experiment(started.id)
        finally:
            stopper.cancel()
            await asyncio.gather(stopper, return_exceptions=True)


async def _settle(process: Process, only: str | None) -> None:
    """Wait until nothing is open: nobody may come after us to undo it.

    Marks go after the last fault, and an earlier process may have left runs on the same data.
    """
    try:
        await asyncio.wait_for(process.settled(only), _PATIENCE)
    except TimeoutError:
        tell("faultbridge: waiting until marks, and what earlier runs left here, are undone too")
        await process.settled(only)


async def _stop_when_asked(process: Process, interruption: Interruption, only: str | None) -> None:
    await interruption.asked.wait()
    tell(
        f"faultbridge: {interruption.name}: stopping and undoing every fault; "
        "a second signal leaves at once"
    )
    reason = f"{interruption.name} to `faultbridge run`."
    if only is None:
        await process.stop_all(reason)
    else:
        await process.stop(only, reason)


def _farewell(settings: Settings) -> str:
    name = f"FAULTBRIDGE_INSTALLATION={shlex.quote(settings.installation)}"
    data = shlex.quote(str(settings.data.absolute()))
    program = shlex.quote(sys.argv[0] if os.access(sys.argv[0], os.X_OK) else "faultbridge")
    return (
        "\nfaultbridge: left at once; faults may still be in effect. Undo them from their marks:\n"
        f"    {name} {program} rescue\n"
        "or, with everything this run has noted, by a bridge on the same data:\n"
        f"    {name} {program} serve --data {data}\n"
    )
