"""Identifiers in the shape that each kind of object has in AWS FIS."""

from __future__ import annotations

import secrets
from typing import Final

_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_LENGTH: Final = 15


def _random(prefix: str) -> str:
    return prefix + "".join(secrets.choice(_BASE58) for _ in range(_LENGTH))


def new_template_id() -> str:
    """Return a fresh experiment template id (``EXT`` and 15 base-58 characters)."""
    return _random("EXT")


def new_experiment_id() -> str:
    """Return a fresh experiment id (``EXP`` and 15 base-58 characters, 87 bits of chance)."""
    return _random("EXP")


def is_experiment_id(name: str) -> bool:
    """Whether a name is that of an experiment, by its form."""
    return name.startswith("EXP")


def new_schedule_id() -> str:
    """Return a fresh schedule id (``SCH`` and 15 base-58 characters); AWS FIS has no schedules."""
    return _random("SCH")
