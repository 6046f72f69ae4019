"""Kinds of parameters that several faults take."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from bridge.model.wording import quote


def _flag(value: object) -> object:
    if not isinstance(value, str):
        return value
    if value not in ("true", "false"):
        raise ValueError(f'{quote(value)} is neither "true" nor "false"')
    return value == "true"


Flag = Annotated[bool, BeforeValidator(_flag)]
"""Templates in FIS's form send ``"true"`` or ``"false"``."""
