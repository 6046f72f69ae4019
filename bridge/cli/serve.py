"""`faultbridge serve`: the bridge alone, until a signal."""

from __future__ import annotations

import asyncio
import logging
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.connection import PORT, load_settings
from bridge.cli.exits import CommandError, Exit


def serve(
    data: Annotated[
        Path | None,
        typer.Option(help="Data directory: database and lock. Default: FAULTBRIDGE_DATA."),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = PORT,
    host: Annotated[str, typer.Option(help="Loopback address to listen on.")] = "127.0.0.1",
) -> None:
    """Run the bridge until SIGTERM or SIGINT.

    A signal drains it: calls in flight return, and faults that are in effect are left to the
    next process on the same data, which goes on where this one stopped. A second signal ends it
    at once.
    """
    _refuse_open_door(host)
    settings = load_settings(data)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    from bridge.cli.listening import listen

    asyncio.run(listen(settings, host, port))


def _refuse_open_door(host: str) -> None:
    try:
        loopback = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        msg = (
            f'--host "{host}": only loopback is allowed, because the bridge does not ask yet '
            "who is calling; leave it out, and reach the bridge from elsewhere through "
            "`ssh -L` or a proxy that authenticates"
        )
        raise CommandError(Exit.INVALID, msg)
