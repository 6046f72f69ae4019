"""Which bridge a command speaks to, and what is set up for one that runs here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bridge.cli.exits import CommandError, Exit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.client import AsyncClient, Client
    from bridge.model.scope import Scope
    from bridge.settings import Settings

PORT: Final = 4520
"""Where `serve` listens unless told otherwise."""
DEFAULT_URL: Final = f"http://127.0.0.1:{PORT}"


def configured_url() -> str | None:
    """Return where the bridge is said to be, by FAULTBRIDGE_URL; None where nothing is said.

    Raises CommandError for what is no address of a bridge.
    """
    url = os.environ.get("FAULTBRIDGE_URL", "").strip().rstrip("/")
    if not url:
        return None
    if not url.startswith(("http://", "https://")):
        shown = url.rpartition("@")[2]
        msg = f'FAULTBRIDGE_URL: "{shown}" is no address; write it like {DEFAULT_URL}'
        raise CommandError(Exit.INVALID, msg)
    return url


def connect() -> Client:
    """Return a client of the configured bridge, or of one that `serve` runs by default."""
    from bridge.client import Client
    from iam.credentials import credentials

    url = configured_url() or DEFAULT_URL
    return Client(url, auth=credentials(url))


def connect_async() -> AsyncClient:
    """Return a client as `connect` does, for an event loop."""
    from bridge.client import AsyncClient
    from iam.credentials import credentials

    url = configured_url() or DEFAULT_URL
    return AsyncClient(url, auth=credentials(url))


def scope_of(settings: Settings) -> Scope:
    """Return the AWS account and Region that templates belong to where no bridge is asked."""
    from bridge.model.scope import Scope

    return Scope(cloud="aws", account=settings.account, region=settings.region)


def load_settings(data: Path | None = None, **further: Sequence[str] | None) -> Settings:
    """Return the settings from the environment, with what a command line says besides.

    That is the data directory, and ``further`` names that come before those of a setting.
    Raises pydantic's ValidationError naming the settings that do not fit.
    """
    from bridge.settings import Settings

    settings = Settings() if data is None else Settings(data=data)
    added = {
        name: tuple(dict.fromkeys((*names, *getattr(settings, name))))
        for name, names in further.items()
        if names
    }
    return Settings(**{**dict(settings), **added}) if added else settings
