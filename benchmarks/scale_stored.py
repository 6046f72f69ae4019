"""Many experiments stored: what a page of the list, and one of them, take to read.

The rows are put in as a bridge would leave them, of runs that are over: each with its template's
snapshot, journal, record and resolved target. Half of them belong to one template.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from emulator_process import BenchmarkError
from scale_bridge import HOLDING, ScaleBridge, template

from bridge.store.database import database_url
from bridge.store.tables import experiments, journal, records, resolved_targets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

DEEP: Final = 1000
"""The page that is held against the first."""
PAGE: Final = 100
"""Experiments on a page, in both dialects the most and the default."""
_AT_ONCE: Final = 5000
"""Experiments in one transaction while they are put in."""
_TEMPLATES: Final = 20
_WAYS: Final = ("/v1", "FIS")


@dataclass(frozen=True)
class Latency:
    """How long one kind of request took, in seconds."""

    way: str
    """Through which API."""
    what: str
    seconds: Sequence[float]

    @property
    def median(self) -> float:
        """The middle one."""
        return median(self.seconds)


def fill(bridge: ScaleBridge, number: int) -> None:
    """Put so many runs that are over into the bridge's database, beside one that it made."""
    made = bridge.ask("POST", "/v1/experiments", {"template": template(HOLDING)})
    path = f"/v1/experiments/{made['id']}"
    while bridge.ask("GET", path)["actions"][0]["status"] != "running":
        time.sleep(0.1)
    bridge.ask("POST", f"{path}/stop", {})
    while not bridge.ask("GET", path)["endedAt"]:
        time.sleep(0.1)
    time.sleep(1)  # the run is closed a moment after it has ended
    engine = sa.create_engine(database_url(bridge.database))
    for first in range(0, number, _AT_ONCE):
        _copy(engine, made["id"], range(first, min(first + _AT_ONCE, number)))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    engine.dispose()


def _copy(engine: sa.Engine, original: str, numbers: range) -> None:
    """Copy one run, with all that belongs to it, under other names and at earlier times."""
    with engine.begin() as connection:
        for table in (experiments, records, journal, resolved_targets):
            name = table.name
            own = table.c.id if name == "experiments" else table.c.experiment_id
            rows = connection.execute(sa.select(table).where(own == original)).mappings().all()
            copies = [_renamed(name, row, original, n) for n in numbers for row in rows]
            connection.execute(table.insert(), copies)


def _renamed(table: str, row: Mapping[str, Any], original: str, number: int) -> dict[str, Any]:
    name = f"EXPbench{number:014}"
    copy = {
        column: value.replace(original, name) if isinstance(value, str) else value
        for column, value in row.items()
        if (table, column) != ("journal", "sequence")
    }
    if table == "experiments":
        of = "EXTbenchHalf" if number % 2 else f"EXTbench{number % _TEMPLATES:04}"
        copy["template_id"] = of
        copy["template"] = json.dumps({**json.loads(copy["template"]), "id": of})
        # A second apart, and all before the one that was copied.
        copy["created_at"] -= (number + 1) * 1_000_000
        copy["wake_at"] = copy["created_at"]
    return copy


def latencies(bridge: ScaleBridge, number: int, repetitions: int) -> list[Latency]:
    """Read pages near the top and far down, and single runs, through both dialects."""
    found = []
    for way in _WAYS:
        first, deep, middle, depth = _walked(bridge, way, number)
        asked: dict[str, Callable[[], Any]] = {
            "list, page 1": first,
            f"list, page {depth}": deep,
            "list of one template": lambda way=way: _page(bridge, way, "EXTbenchHalf"),
            "get": lambda way=way, middle=middle: _one(bridge, way, middle),
        }
        taken: dict[str, list[float]] = {what: [] for what in asked}
        # In turns, so that what else the machine does is in all of them.
        for repetition in range(repetitions + 1):
            for what, ask in asked.items():
                seconds = _timed(ask)
                if repetition:
                    taken[what].append(seconds)
        found += [Latency(way, what, seconds) for what, seconds in taken.items()]
    return found


def _walked(
    bridge: ScaleBridge, way: str, number: int
) -> tuple[Callable[[], Any], Callable[[], Any], str, int]:
    """Follow the list page by page; return its first and a deep page, and a run between them."""
    token, previous, middle = "", "", ""
    depth = 0
    while depth < min(DEEP, number // PAGE):
        page, following = _page(bridge, way, after=token)
        depth += 1
        middle = page[len(page) // 2]["id"] if depth <= DEEP // 2 else middle
        previous = token
        if not following:
            break
        token = following
    last = previous
    if depth < 2:  # noqa: PLR2004 - the fewest that can be compared
        raise BenchmarkError("there are not even two pages")
    return (
        lambda: _page(bridge, way),
        lambda: _page(bridge, way, after=last),
        middle,
        depth,
    )


def _page(
    bridge: ScaleBridge, way: str, of: str = "", *, after: str = ""
) -> tuple[list[dict[str, Any]], str]:
    """Return a page and what leads to the next."""
    if way == "FIS":
        query = f"?maxResults={PAGE}"
        query += f"&experimentTemplateId={of}" if of else ""
        query += f"&nextToken={after}" if after else ""
        answer = bridge.ask("GET", f"/experiments{query}")
        return answer["experiments"], answer.get("nextToken") or ""
    query = f"?limit={PAGE}"
    query += f"&templateId={of}" if of else ""
    query += f"&after={after}" if after else ""
    answer = bridge.ask("GET", f"/v1/experiments{query}")
    return answer["experiments"], answer["next"] or ""


def _one(bridge: ScaleBridge, way: str, experiment: str) -> Any:
    return bridge.ask("GET", f"/{'' if way == 'FIS' else 'v1/'}experiments/{experiment}")


def _timed(ask: Callable[[], Any]) -> float:
    began = time.perf_counter()
    ask()
    return time.perf_counter() - began
