"""Locks of the whole store, held until the transaction ends.

SQLite needs none: a write transaction begins IMMEDIATE, so there is one at a time. On PostgreSQL
they are advisory locks, which work without a row that would have to be there first.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import sqlalchemy as sa

_SPACE: Final = 0x4642
"""First half of our keys, apart from those of other users of the database."""


class Lock(IntEnum):
    """What is guarded."""

    LEVER = 1
    """Whether new runs may begin: starting shares it, moving the lever takes it alone."""
    AT_ONCE = 2
    """How many records are live in all runs together."""
    POLICIES = 3
    """What callers may do: changed by one at a time."""


def hold(connection: sa.Connection, lock: Lock, *, shared: bool = False) -> None:
    """Wait for a lock and hold it until the transaction ends.

    A statement that follows sees what earlier holders have committed (READ COMMITTED).
    """
    if connection.dialect.name == "postgresql":
        take = sa.func.pg_advisory_xact_lock_shared if shared else sa.func.pg_advisory_xact_lock
        connection.execute(sa.select(take(_SPACE, int(lock))))
