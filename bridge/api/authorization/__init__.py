"""What callers may do: each operation asks before it acts, and every answer is logged.

`rules` lists what each route asks for. A request's `Access` does the asking; a response of an
operation that never asked is withheld, so that a forgotten question is a failure, not a hole.
"""

from __future__ import annotations

from bridge.api.authorization import resources
from bridge.api.authorization.access import Access, Ask, Asking, access_of
from bridge.api.authorization.attached import Attached
from bridge.api.authorization.file import read_policy_file
from bridge.api.authorization.middleware import Authorization

__all__ = [
    "Access",
    "Ask",
    "Asking",
    "Attached",
    "Authorization",
    "access_of",
    "read_policy_file",
    "resources",
]
