"""The migrations make the tables that the code works with, and can be taken back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from bridge.store.database import open_engine
from bridge.store.migrate import downgrade, upgrade
from bridge.store.tables import metadata


def test_the_migrations_make_exactly_the_tables_of_the_code() -> None:
    engine = open_engine("sqlite://")
    upgrade(engine)
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    assert found == []


def test_every_migration_can_be_taken_back_and_done_again() -> None:
    engine = open_engine("sqlite://")
    upgrade(engine)
    downgrade(engine, "base")
    with engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == ["alembic_version"]
    upgrade(engine)
    with engine.connect() as connection:
        assert "experiments" in sa.inspect(connection).get_table_names()
    engine.dispose()


def test_a_repeated_upgrade_does_nothing() -> None:
    engine = open_engine("sqlite://")
    upgrade(engine)
    upgrade(engine)
    engine.dispose()
