"""A bench on each system, and yesterday's copy of its database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bridge.store.tables import metadata
from tests.engine.world import Bench, Thing

LEASE = 15
"""Seconds; the default."""


@pytest.fixture
def bench(database: str) -> Iterator[Bench]:
    made = Bench(database)
    made.world.things = {name: Thing() for name in ("a", "b")}
    yield made
    made.close()


@pytest.fixture
def backup(bench: Bench) -> Callable[[], Callable[[], None]]:
    """Keep what the database holds; what comes back puts it in place again."""

    def keep() -> Callable[[], None]:
        kept: dict[str, list[dict[str, Any]]] = {}
        with bench._database.connect() as connection:
            for table in metadata.sorted_tables:
                kept[table.name] = [
                    dict(row) for row in connection.execute(table.select()).mappings()
                ]

        def restore() -> None:
            with bench._database.begin() as connection:
                for table in reversed(metadata.sorted_tables):
                    connection.execute(table.delete())
                for table in metadata.sorted_tables:
                    if kept[table.name]:
                        connection.execute(table.insert(), kept[table.name])

        return restore

    return keep
