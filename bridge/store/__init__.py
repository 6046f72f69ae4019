"""What the bridge remembers: tables, leases and fences, inbox and journal.

May touch the database and the model, nothing else. Every write of a run's worker is a
compare-and-set on the run's fence; requests to a run are appended without one.
"""

from __future__ import annotations

from bridge.store.database import Clock, database_url, is_server, sqlite_url, system_clock
from bridge.store.directory import DataDirectory
from bridge.store.errors import (
    AtOnceError,
    DeletedError,
    DirectoryInUseError,
    InUseError,
    LeaseLostError,
    NameTakenError,
    OverlapError,
    StoreError,
    TokenConflictError,
    TooManyError,
)
from bridge.store.levers import Moved
from bridge.store.runs import Change, Claim, Claimed
from bridge.store.stops import Reading
from bridge.store.store import Store
from bridge.store.templates import Token

__all__ = [
    "AtOnceError",
    "Change",
    "Claim",
    "Claimed",
    "Clock",
    "DataDirectory",
    "DeletedError",
    "DirectoryInUseError",
    "InUseError",
    "LeaseLostError",
    "Moved",
    "NameTakenError",
    "OverlapError",
    "Reading",
    "Store",
    "StoreError",
    "Token",
    "TokenConflictError",
    "TooManyError",
    "database_url",
    "is_server",
    "sqlite_url",
    "system_clock",
]
