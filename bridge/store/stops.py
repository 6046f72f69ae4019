"""Stop conditions: which ones open runs watch, and what was last read of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from bridge.model.inbox import Request, RequestKind
from bridge.model.moment import MINUTE, Micros
from bridge.model.scope import Scope
from bridge.store.database import Database, chunks, in_scope, insert_if_absent
from bridge.store.experiments import append_request
from bridge.store.tables import experiments, polls, stop_readings, watches
from bridge.store.watchers import Watchers, pushed_details

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from bridge.model.signal import Signal

HEARD: Final = Scope(cloud="signals", account="all", region="all")
"""Where it is kept what was pushed: a system that pushes knows nothing of our scopes, so what it
says counts for the runs of all of them."""
LONGEST_KEY: Final = 2048
"""What the column of a reading's name holds."""
_SKEW: Final = MINUTE
"""So far may a sender's clock be from the store's."""


@dataclass(frozen=True)
class Reading:
    """What a stop condition said when it was last asked."""

    value: str
    state: str
    read_at: Micros | None
    """When it could last be read; None if never."""


def _watching(scope: Scope, source: str, value: str) -> sa.Select[str]:
    return (
        sa.select(watches.c.experiment_id)
        .where(in_scope(watches, scope), watches.c.source == source, watches.c.value == value)
        .order_by(watches.c.id)
    )


class Stops(Database):
    """The stop conditions of all open runs."""

    async def watched(self) -> dict[tuple[Scope, str], list[str]]:
        """Map scope and source to what open runs watch there, each value once."""
        return await self._run(self._watched)

    def _watched(self) -> dict[tuple[Scope, str], list[str]]:
        found: dict[tuple[Scope, str], list[str]] = defaultdict(list)
        place = (watches.c.scope, watches.c.source, watches.c.value)
        with self._reading() as connection:
            # Not a row for each run: ten thousand may watch the same alarm.
            for row in connection.execute(sa.select(*place).distinct().order_by(*place)):
                found[Scope.parse(row.scope), row.source].append(row.value)
        return dict(found)

    async def watchers(self, scope: Scope, source: str, value: str) -> list[str]:
        """List the open runs that watch a value, the longest first."""
        return await self._run(self._watchers, scope, source, value)

    def _watchers(self, scope: Scope, source: str, value: str) -> list[str]:
        with self._reading() as connection:
            return list(connection.execute(_watching(scope, source, value)).scalars())

    async def wake_watchers(
        self, scope: Scope, source: str, value: str, *, since: Micros, but: Collection[str]
    ) -> list[str]:
        """Make the runs due that watch a value and wait, and list them.

        Those that began after ``since`` are left alone, and so are those in ``but``. One that is
        held looks at its readings while it is, so only free ones need waking.
        """
        return await self._run(self._wake_watchers, scope, source, value, since, but)

    def _wake_watchers(
        self, scope: Scope, source: str, value: str, since: Micros, but: Collection[str]
    ) -> list[str]:
        woken: list[str] = []
        with self._writing() as connection:
            now = self._moment(connection)
            waits = sa.and_(
                experiments.c.open,
                experiments.c.created_at <= since,
                experiments.c.wake_at > now,
                sa.or_(experiments.c.lease_until.is_(None), experiments.c.lease_until <= now),
            )
            # One that is locked is somebody's, who looks at it, or wakes it as we would.
            watching = (
                _watching(scope, source, value)
                .join(experiments)
                .where(waits)
                .order_by(None)
                .order_by(experiments.c.id)
                .with_for_update(of=experiments, skip_locked=True)
            )
            ids = [one for one in connection.execute(watching).scalars() if one not in but]
            for part in chunks(ids):
                made_due = connection.execute(
                    experiments.update()
                    .where(experiments.c.id.in_(part), waits)
                    .values(wake_at=now)
                    .returning(experiments.c.id)
                )
                woken += made_due.scalars()
        return woken

    async def claim_poll(self, scope: Scope, source: str, *, every: Micros) -> bool:
        """Return whether this process is the one to read the source now.

        However many bridges run on the store, one of them reads per interval.
        """
        return await self._run(self._claim_poll, scope, source, every)

    def _claim_poll(self, scope: Scope, source: str, every: Micros) -> bool:
        one = sa.and_(in_scope(polls, scope), polls.c.source == source)
        with self._writing() as connection:
            now = self._moment(connection)
            taken = connection.execute(
                polls.update().where(one, polls.c.next_at <= now).values(next_at=now + every)
            )
            if taken.rowcount:
                return True
            return insert_if_absent(
                connection,
                polls,
                {"scope": str(scope), "source": source, "next_at": now + every},
            )

    async def save_readings(
        self, scope: Scope, source: str, states: Mapping[str, str], *, unreadable: str
    ) -> None:
        """Keep what was read; a value in the state ``unreadable`` keeps its last read time."""
        await self._run(self._save_readings, scope, source, states, unreadable)

    def _save_readings(
        self, scope: Scope, source: str, states: Mapping[str, str], unreadable: str
    ) -> None:
        with self._writing() as connection:
            now = self._moment(connection)
            # In one order for all writers: two that want each other's rows would wait for ever.
            for value, state in sorted(states.items()):
                one = sa.and_(
                    in_scope(stop_readings, scope),
                    stop_readings.c.source == source,
                    stop_readings.c.value == value,
                )
                new: dict[str, object] = {"state": state}
                if state != unreadable:
                    new["read_at"] = now
                key = {"scope": str(scope), "source": source, "value": value}
                if not insert_if_absent(connection, stop_readings, {**key, **new}):
                    connection.execute(stop_readings.update().where(one).values(**new))

    async def readings(self, scope: Scope, source: str, values: list[str]) -> dict[str, Reading]:
        """Return what was last read, by value; one never asked for is missing."""
        return await self._run(self._readings, scope, source, values)

    def _readings(self, scope: Scope, source: str, values: list[str]) -> dict[str, Reading]:
        found: dict[str, Reading] = {}
        with self._reading() as connection:
            for part in chunks(values):
                for row in connection.execute(
                    sa.select(stop_readings).where(
                        in_scope(stop_readings, scope),
                        stop_readings.c.source == source,
                        stop_readings.c.value.in_(part),
                    )
                ):
                    read_at = None if row.read_at is None else Micros(row.read_at)
                    found[row.value] = Reading(row.value, row.state, read_at)
        return found

    async def save_signals(
        self, source: str, signals: Sequence[Signal], *, oldest: Micros
    ) -> list[bool]:
        """Keep what was pushed of a source that is never read, and forget what is older.

        Returns, by signal, whether it counts: one that arrives after a later one of the same
        alert does not, and changes nothing.
        """
        return await self._run(self._save_signals, source, signals, oldest)

    def _save_signals(self, source: str, signals: Sequence[Signal], oldest: Micros) -> list[bool]:
        counts = [True] * len(signals)
        one_source = sa.and_(in_scope(stop_readings, HEARD), stop_readings.c.source == source)
        with self._writing() as connection:
            now = self._moment(connection)
            # In one order for all writers: two that want each other's rows would wait for ever.
            for place in sorted(range(len(signals)), key=lambda place: signals[place].key):
                signal = signals[place]
                if len(signal.key) > LONGEST_KEY:
                    continue
                at = min(signal.at or now, now)
                new = {"state": str(signal.state), "read_at": at}
                key = {"scope": str(HEARD), "source": source, "value": signal.key}
                if not insert_if_absent(connection, stop_readings, {**key, **new}):
                    written = connection.execute(
                        stop_readings.update()
                        .where(
                            one_source,
                            stop_readings.c.value == signal.key,
                            stop_readings.c.read_at <= at,
                        )
                        .values(**new)
                    )
                    counts[place] = written.rowcount == 1
            connection.execute(
                stop_readings.delete().where(one_source, stop_readings.c.read_at < oldest)
            )
        return counts

    async def heard(self, source: str, *, since: Micros) -> list[Reading]:
        """Return what was pushed of a source since then; each under its signal's key."""
        return await self._run(self._heard, source, since)

    def _heard(self, source: str, since: Micros) -> list[Reading]:
        with self._reading() as connection:
            rows = connection.execute(
                sa.select(stop_readings).where(
                    in_scope(stop_readings, HEARD),
                    stop_readings.c.source == source,
                    stop_readings.c.read_at >= since,
                )
            ).all()
        return [Reading(row.value, row.state, Micros(row.read_at)) for row in rows]

    async def refresh_readings(self, signals: Sequence[Signal]) -> None:
        """Note what was pushed of conditions that are read as well, where runs watch them."""
        await self._run(self._refresh_readings, signals)

    def _refresh_readings(self, signals: Sequence[Signal]) -> None:
        with self._writing() as connection:
            now = self._moment(connection)
            for signal in sorted(signals, key=lambda one: one.key):
                at = min(signal.at or now, now)
                connection.execute(
                    stop_readings.update()
                    .where(
                        stop_readings.c.source == signal.source,
                        stop_readings.c.value == signal.value,
                        sa.or_(stop_readings.c.read_at.is_(None), stop_readings.c.read_at <= at),
                    )
                    .values(state=str(signal.state), read_at=at)
                )

    async def stop_watchers(
        self,
        source: str,
        signals: Sequence[Signal],
        matches: Callable[[str, str], bool],
        *,
        read_at_start: bool,
    ) -> list[list[str]]:
        """Ask the runs whose stop condition a signal meets to stop; return them, by signal.

        ``matches`` is asked with a condition's value and a signal's. A run that has been asked
        already is not asked again. Where a run reads the condition when it starts, a change of
        before says nothing of the run: it was over by then, or has kept the run from beginning.
        """
        return await self._run(self._stop_watchers, source, signals, matches, read_at_start)

    def _stop_watchers(
        self,
        source: str,
        signals: Sequence[Signal],
        matches: Callable[[str, str], bool],
        read_at_start: bool,
    ) -> list[list[str]]:
        with self._writing() as connection:
            now = self._moment(connection)
            watchers = Watchers(connection, source)
            asked: dict[str, Request] = {}
            stopped: list[list[str]] = []
            for signal in signals:
                values = [value for value in watchers.values if matches(value, signal.value)]
                before = None
                if read_at_start and signal.at is not None:
                    before = Micros(signal.at + _SKEW)
                found = watchers.of(values, made_before=before)
                stopped.append(sorted(found))
                for experiment, value in found.items():
                    details = pushed_details(signal, value)
                    asked.setdefault(
                        experiment,
                        Request(
                            experiment=experiment, kind=RequestKind.STOP, at=now, details=details
                        ),
                    )
            before_now = watchers.asked_before(sorted(asked))
            # In one order for all writers, as above.
            for experiment, request in sorted(asked.items()):
                if experiment not in before_now:
                    append_request(connection, request)
        return stopped
