"""Bring a database's tables to the version that this code works with (Alembic).

Workers are replaced one by one, so for a while old code meets new tables. Migrations therefore
expand first and contract in a later version: the row ``oldest-code`` of the table ``meta`` names
the oldest revision whose code may still work on the tables as they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from bridge.store.tables import meta

if TYPE_CHECKING:
    from collections.abc import Iterator

_ONE_AT_A_TIME: Final = 0x6661756C74  # any number that is ours: "fault"


def _configuration(connection: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def lock_schema(connection: sa.Connection) -> None:
    """Let one process at a time change tables; on SQLite the transaction itself sees to that."""
    if connection.dialect.name == "postgresql":
        # Waits for as long as a migration may take, not for what a row may.
        connection.execute(sa.text("SET LOCAL lock_timeout = '10min'"))
        connection.execute(sa.text("SET LOCAL statement_timeout = '10min'"))
        connection.execute(sa.text("SET LOCAL idle_in_transaction_session_timeout = '10min'"))
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ONE_AT_A_TIME)))


def upgrade(engine: sa.Engine, revision: str = "head") -> None:
    """Run the migrations up to ``revision`` in one transaction; repeated, it does nothing.

    Tables of a newer version are left as they are if this code may work on them. Raises
    alembic.util.CommandError if it may not.
    """
    with engine.begin() as connection:
        lock_schema(connection)
        config = _configuration(connection)
        if not _newer_but_usable(connection, ScriptDirectory.from_config(config)):
            command.upgrade(config, revision)


def downgrade(engine: sa.Engine, revision: str) -> None:
    """Run the migrations back to ``revision`` in one transaction."""
    with engine.begin() as connection:
        lock_schema(connection)
        command.downgrade(_configuration(connection), revision)


def _newer_but_usable(connection: sa.Connection, ours: ScriptDirectory) -> bool:
    current = MigrationContext.configure(connection).get_current_revision()
    if current is None or current in set(_revisions(ours)):
        return False
    oldest = connection.execute(
        sa.select(meta.c.value).where(meta.c.name == "oldest-code")
    ).scalar_one_or_none()
    # Revisions are numbers of four digits, so they compare as text.
    return oldest is not None and oldest <= (ours.get_current_head() or "")


def _revisions(scripts: ScriptDirectory) -> Iterator[str]:
    for script in scripts.walk_revisions():
        yield script.revision
