"""One world for all bridges of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crash_processes.house import Estate
from tests.crash_processes.offspring import preload
from tests.crash_processes.world import sandbox
from tests.postgresql.server import Server


@pytest.fixture(scope="session")
def estate(tmp_path_factory: pytest.TempPathFactory, postgresql: Server) -> Iterator[Estate]:
    preload()
    with sandbox(tmp_path_factory.mktemp("sandbox")) as world:
        made = Estate(world, tmp_path_factory.mktemp("cases"), postgresql)
        yield made
        made.close()
