"""How one variable holds several values: what a shell, a unit file and a container all pass on."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, SecretStr
from pydantic_settings import NoDecode


def _listed(value: object) -> object:
    """Return the parts of a text that are separated by commas; what is no text as it is."""
    if not isinstance(value, str):
        return value
    return tuple(name for part in value.split(",") if (name := part.strip()))


def _paired(value: object) -> object:
    """Return the pairs of a text; what is no text as it is. Raises ValueError for what is none."""
    if not isinstance(value, str):
        return value
    pairs = []
    for part in filter(None, (part.strip() for part in value.split(","))):
        pattern, equals, identity = (word.strip() for word in part.rpartition("="))
        if not (pattern and equals and identity):
            raise ValueError(f'"{part[:64]}" is no pair; write pattern=identity')
        pairs.append((pattern, identity))
    return tuple(pairs)


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]
"""Names separated by commas."""

Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_listed)]
"""The same, and never shown."""

Pairs = Annotated[tuple[tuple[str, str], ...], NoDecode, BeforeValidator(_paired)]
"""``pattern=identity`` pairs separated by commas."""
