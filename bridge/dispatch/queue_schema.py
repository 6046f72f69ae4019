"""The tables of the queue, which Procrastinate brings along."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import sqlalchemy as sa
from procrastinate.schema import SchemaManager

from bridge.store.database import open_engine
from bridge.store.migrate import lock_schema
from bridge.store.tables import meta

_VERSION: Final = meta.c.name == "queue-schema"


class QueueSchemaError(Exception):
    """The queue's tables are of an older Procrastinate than the one that is installed."""


def newest_migration() -> str:
    """Return the name of the last migration that the installed Procrastinate knows."""
    return max(path.stem for path in Path(SchemaManager.get_migrations_path()).glob("*.sql"))


def prepare_schema(url: str) -> None:
    """Create the queue's tables where they are missing; one process at a time does.

    Tables of a newer Procrastinate are taken as they are: it expands first, as we do. Raises
    QueueSchemaError for those of an older one.
    """
    engine = open_engine(url)
    ours = newest_migration()
    try:
        with engine.begin() as connection:
            lock_schema(connection)
            there = connection.execute(
                sa.select(sa.func.to_regclass("procrastinate_jobs"))
            ).scalar_one()
            if there is None:
                # As one script, which only the driver itself takes.
                driver = connection.connection.driver_connection
                assert driver is not None  # noqa: S101 - for the type: the connection is open
                driver.execute(SchemaManager.get_schema())
                connection.execute(sa.delete(meta).where(_VERSION))
                connection.execute(meta.insert().values(name="queue-schema", value=ours))
                return
            found = connection.execute(sa.select(meta.c.value).where(_VERSION)).scalar_one_or_none()
            if found is not None and found < ours:
                raise QueueSchemaError(
                    f"the queue's tables are at {found} and Procrastinate wants {ours}; apply its "
                    "migrations in between, then set the row queue-schema of the table meta"
                )
    finally:
        engine.dispose()
