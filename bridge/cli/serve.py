"""`faultbridge serve` and `faultbridge worker`: a bridge, or a part of one, until a signal."""

from __future__ import annotations

import asyncio
import logging
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.connection import PORT, load_settings
from bridge.cli.exits import CommandError, Exit

if TYPE_CHECKING:
    from bridge.settings import Settings


def serve(
    data: Annotated[
        Path | None,
        typer.Option(help="Data directory: database and lock. Default: FAULTBRIDGE_DATA."),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = PORT,
    host: Annotated[
        str,
        typer.Option(
            help="Address to listen on; another than loopback only where callers are asked who "
            "they are."
        ),
    ] = "127.0.0.1",
    api_only: Annotated[
        bool,
        typer.Option("--api-only", help="Leave the runs to `faultbridge worker` processes."),
    ] = False,
) -> None:
    """Run the bridge until SIGTERM or SIGINT.

    A signal drains it: calls in flight return, and faults that are in effect are left to the
    next process on the same data, which goes on where this one stopped. A second signal ends it
    at once.
    """
    settings = load_settings(data)
    _refuse_open_door(host, settings)
    if api_only:
        _require_server(settings, "--api-only")
    _log_warnings()
    from bridge.cli.listening import listen

    asyncio.run(listen(settings, host, port, works=not api_only))


def worker(
    probe_port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port for `/healthz` and `/readyz`, and nothing else."),
    ] = None,
    host: Annotated[str, typer.Option(help="Address of that port.")] = "127.0.0.1",
) -> None:
    """Advance the runs of a shared PostgreSQL database until SIGTERM or SIGINT.

    Any number of workers may run beside `serve`, on any machines. One that ends drains as `serve`
    does; one that dies loses its runs to the others within FAULTBRIDGE_LEASE.
    """
    settings = load_settings()
    _require_server(settings, "faultbridge worker")
    _log_warnings()
    from bridge.cli.listening import work

    asyncio.run(work(settings, None if probe_port is None else (host, probe_port)))


def _log_warnings() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")


def _require_server(settings: Settings, asked: str) -> None:
    from sqlalchemy.exc import ArgumentError

    from bridge.store import is_server

    try:
        shared = is_server(settings.database)
    except ArgumentError:
        shared = False
    if not shared:
        msg = (
            f"{asked}: FAULTBRIDGE_DATABASE is no PostgreSQL database that processes could share; "
            "write it like postgresql://user:password@host/name, or run `faultbridge serve` alone"
        )
        raise CommandError(Exit.INVALID, msg)


def _refuse_open_door(host: str, settings: Settings) -> None:
    try:
        loopback = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback and not settings.asks_who_calls:
        msg = (
            f'--host "{host}": only loopback is allowed while the bridge asks nobody who is '
            "calling; set FAULTBRIDGE_MASTER_KEY (access keys), FAULTBRIDGE_STS_ACCOUNTS (AWS "
            "roles), FAULTBRIDGE_OIDC_ISSUERS or FAULTBRIDGE_TOKEN_REVIEW (service accounts), or "
            "leave --host out"
        )
        raise CommandError(Exit.INVALID, msg)
