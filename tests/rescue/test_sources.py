"""Who is asked how runs stand: the bridge that is named, the database, both, or nobody."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

import pytest

from bridge.cli import standings
from bridge.cli.standings import source
from bridge.settings import Settings
from bridge.store import DataDirectory
from bridge.store.standing import RunStanding, Standing, Unmarked


class Known:
    """A source that knows some runs, and one fault without a mark."""

    def __init__(self, **runs: Standing) -> None:
        self._runs = {name: RunStanding(one) for name, one in runs.items()}

    async def standings(self, ids: Iterable[str]) -> dict[str, RunStanding]:
        return {name: self._runs[name] for name in ids if name in self._runs}

    async def unmarked(self) -> list[Unmarked]:
        return [
            Unmarked(name, "act", "vm", "fault", "", one.standing)
            for name, one in self._runs.items()
        ]


@pytest.fixture
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    monkeypatch.delenv("FAULTBRIDGE_URL", raising=False)
    return Settings(installation="here", data=tmp_path / "data")


async def test_a_run_that_either_calls_held_is_held() -> None:
    bridge = Known(a=Standing.HELD, b=Standing.OVER)
    database = Known(a=Standing.IDLE, b=Standing.HELD, c=Standing.IDLE)
    for order in ([bridge, database], [database, bridge]):
        both = standings._Several(list(order))
        known = await both.standings(["a", "b", "c", "d"])
        assert {name: one.standing for name, one in known.items()} == {
            "a": Standing.HELD,
            "b": Standing.HELD,
            "c": Standing.IDLE,
        }
        assert len(await both.unmarked()) == 3


async def test_without_bridge_and_data_every_run_is_unknown(nothing_set: Settings) -> None:
    with ExitStack() as stack:
        known = source(nothing_set, stack)
        assert await known.standings(["a"]) == {}
        assert await known.unmarked() == []
    assert not nothing_set.data.exists(), "nothing is made where nothing was"


async def test_a_data_directory_is_held_while_it_is_rescued(nothing_set: Settings) -> None:
    DataDirectory(nothing_set.data).close()
    with ExitStack() as stack:
        source(nothing_set, stack)
        with pytest.raises(Exception, match="is in use"):
            DataDirectory(nothing_set.data)
    DataDirectory(nothing_set.data).close()
