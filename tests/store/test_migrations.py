"""The migrations make the tables that the code works with, and can be taken back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from bridge.store import Store, migrate
from bridge.store.database import open_engine
from bridge.store.migrate import downgrade, upgrade
from bridge.store.tables import meta, metadata

REVISIONS = sorted(
    path.name[:4] for path in Path(migrate.__file__).parent.glob("migrations/versions/0*.py")
)


@pytest.fixture
def engine(database: str) -> Iterator[sa.Engine]:
    opened = open_engine(database)
    yield opened
    opened.dispose()


def _tables(engine: sa.Engine) -> set[str]:
    with engine.connect() as connection:
        return set(sa.inspect(connection).get_table_names())


def test_the_migrations_make_exactly_the_tables_of_the_code(engine: sa.Engine) -> None:
    upgrade(engine)
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), metadata)
    assert found == []


def test_every_migration_can_be_taken_back_and_done_again(engine: sa.Engine) -> None:
    made = []
    for revision in REVISIONS:
        upgrade(engine, revision)
        made.append(_tables(engine))
    for revision, before in zip(reversed(["base", *REVISIONS[:-1]]), made[-2::-1], strict=False):
        downgrade(engine, revision)
        assert _tables(engine) == before
    downgrade(engine, "base")
    assert _tables(engine) == {"alembic_version"}
    upgrade(engine)
    assert _tables(engine) == made[-1]


def test_a_repeated_upgrade_does_nothing(engine: sa.Engine) -> None:
    upgrade(engine)
    upgrade(engine)


def _pretend_a_newer_version(engine: sa.Engine, *, oldest_code: str | None) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        connection.execute(meta.delete().where(meta.c.name == "oldest-code"))
        if oldest_code is not None:
            connection.execute(meta.insert().values(name="oldest-code", value=oldest_code))


def test_old_code_goes_on_on_newer_tables_that_say_so(database: str, engine: sa.Engine) -> None:
    upgrade(engine)
    _pretend_a_newer_version(engine, oldest_code=REVISIONS[-1])
    Store.open(database)._engine.dispose()
    with engine.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == "9999"


@pytest.mark.parametrize("oldest_code", ["9998", None])
def test_old_code_leaves_newer_tables_alone_that_do_not(
    engine: sa.Engine, oldest_code: str | None
) -> None:
    upgrade(engine)
    _pretend_a_newer_version(engine, oldest_code=oldest_code)
    with pytest.raises(CommandError):
        upgrade(engine)


def test_every_migration_says_which_code_may_stay_beside_it() -> None:
    """Code of the version before may be running: what it needs is dropped one version later."""
    scripts = ScriptDirectory(str(Path(migrate.__file__).parent / "migrations"))
    for script in scripts.walk_revisions():
        if script.revision == REVISIONS[0]:
            continue
        source = Path(script.path).read_text()
        up = source.partition("def upgrade")[2].partition("def downgrade")[0]
        assert "oldest-code" in up or "op.drop" not in up, script.revision
