"""A bridge behind a listening socket, ended by signals."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import uvicorn
from fastapi import FastAPI

from bridge import __version__
from bridge.api.app import create_app, health_app
from bridge.api.authenticators import authentication_for
from bridge.api.process import Process, StartError
from bridge.cli.exits import CommandError, Exit
from bridge.cli.output import show, tell
from bridge.cli.tls import Certificate, certificate_of
from bridge.settings import Settings
from bridge.store import DirectoryInUseError
from iam.authentication import Authentication

_LAST_REQUESTS: Final = 3
"""Seconds that requests in flight may take once the server is told to end."""
_BACKLOG: Final = 128
_DRAINING: Final = "faultbridge: draining; faults in effect are left to the next process"
_TOGETHER: Final = 1.0
"""Seconds within which signals count as one: `timeout` signals the process and its group."""


class _Server(uvicorn.Server):
    """A server that leaves signals to us: ours end with a drain and exit code 0."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


async def listen(
    settings: Settings,
    host: str,
    port: int,
    *,
    ready: Callable[[str], None] | None = None,
    works: bool = True,
) -> None:
    """Run a bridge until SIGTERM or SIGINT, then drain it. Raises CommandError.

    ``ready`` is told the bridge's URL once it answers; by default that is printed. One that does
    not work leaves its runs to workers.
    """
    ended = signalled()
    async with bridge_on(settings, host, port, works=works) as url:
        where = "FAULTBRIDGE_DATABASE" if settings.database else settings.data
        if ready is None:
            show(
                f"Faultbridge {__version__} ready on {url} "
                f"(installation {settings.installation}, {where})"
            )
        else:
            ready(url)
        await ended.wait()
        tell(_DRAINING)


async def work(settings: Settings, probes: tuple[str, int] | None = None) -> None:
    """Advance runs until SIGTERM or SIGINT, then drain. Raises CommandError.

    ``probes`` is where an orchestrator may ask whether the worker is alive and has its database.
    """
    ended = signalled()
    with _start_errors():
        async with Process(settings) as process, _probed(process, probes) as asked_at:
            show(
                f"Faultbridge {__version__} worker ready "
                f"(installation {settings.installation}, FAULTBRIDGE_DATABASE)"
                + (f", probes on {asked_at}" if asked_at else "")
            )
            await ended.wait()
            tell(_DRAINING)


@asynccontextmanager
async def bridge_on(
    settings: Settings, host: str, port: int, *, works: bool = True, asks: bool = True
) -> AsyncIterator[str]:
    """Run a bridge that answers on a socket for as long as the block runs; yield its URL.

    One that does not ask who is calling, whatever the settings say, is for this command alone.
    Raises CommandError where it cannot listen or start.
    """
    with _bind(host, port) as listener, _start_errors():
        certificate = certificate_of(settings) if asks else None
        async with (
            Process(settings, works=works) as process,
            _authentication(process, asks=asks) as authentication,
            _answering(_bridge_app(process, authentication), listener, certificate),
        ):
            yield _url(host, listener, "http" if certificate is None else "https")


@asynccontextmanager
async def _probed(process: Process, place: tuple[str, int] | None) -> AsyncIterator[str]:
    if place is None:
        yield ""
        return
    with _bind(*place, option="--probe-port") as listener:
        async with _answering(health_app(process.bridge), listener, None):
            yield _url(place[0], listener, "http")


@asynccontextmanager
async def _authentication(process: Process, *, asks: bool) -> AsyncIterator[Authentication | None]:
    made = authentication_for(process.settings, process.bridge.store) if asks else None
    try:
        yield made
    finally:
        if made is not None:
            await made.close()


@contextmanager
def _start_errors() -> Iterator[None]:
    try:
        yield
    except (StartError, DirectoryInUseError) as error:
        code = Exit.INVALID if isinstance(error, StartError) else Exit.NO_BRIDGE
        raise CommandError(code, str(error)) from None


def signalled() -> asyncio.Event:
    """Take SIGTERM and SIGINT: the first sets the event, a second ends the process at once."""
    event = asyncio.Event()
    loop = asyncio.get_running_loop()
    first = 0.0

    def end() -> None:
        nonlocal first
        if not event.is_set():
            first = loop.time()
            event.set()
        elif loop.time() - first >= _TOGETHER:
            os._exit(Exit.LEFT_BEHIND)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    return event


def _bridge_app(process: Process, authentication: Authentication | None) -> FastAPI:
    return create_app(process.bridge, hosts=process.settings.hosts, authentication=authentication)


@asynccontextmanager
async def _answering(
    app: FastAPI, listener: socket.socket, certificate: Certificate | None
) -> AsyncIterator[None]:
    config = uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        # By itself the server believes whoever is on this machine where a request comes from:
        # failures are counted by that address, and policies and the log name it.
        forwarded_allow_ips=os.environ.get("FORWARDED_ALLOW_IPS", ""),
        timeout_graceful_shutdown=_LAST_REQUESTS,
        ssl_context_factory=None if certificate is None else lambda *_: certificate.context,
    )
    server = _Server(config)
    following = asyncio.create_task(certificate.follow()) if certificate is not None else None
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    ready = asyncio.create_task(server.ready.wait())
    try:
        await asyncio.wait({ready, serving}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            await serving  # raises what kept it from starting
        yield
    finally:
        ready.cancel()
        if following is not None:
            following.cancel()
        server.should_exit = True
        await serving


def _bind(host: str, port: int, option: str = "--port") -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio switches Nagle's delay off only where it is.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        msg = f"cannot listen on {host} port {port} ({error.strerror}); give another {option}"
        raise CommandError(Exit.NO_BRIDGE, msg) from None
    return listener


def _url(host: str, listener: socket.socket, scheme: str) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{listener.getsockname()[1]}"
