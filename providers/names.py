"""Names of what a run creates: always the same for one action, so that a repeat finds its own."""

from __future__ import annotations

import hashlib
from base64 import b32encode
from typing import Final

_LENGTH: Final = 26
"""130 bits of the digest; with a short prefix well inside a label value's 63 characters."""


def own_name(prefix: str, installation: str, experiment: str, action: str) -> str:
    """Return the name of what one action creates: ``prefix`` and 26 base-32 characters."""
    text = f"{installation}\0{experiment}\0{action}"
    digest = b32encode(hashlib.sha256(text.encode()).digest()).decode().lower()
    return prefix + digest[:_LENGTH]
