"""Experiments as everybody may see them: started, read, asked to stop; never advanced here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from bridge.model.event import Event, EventType
from bridge.model.experiment import RUN_VERSION, Experiment, ResolvedTarget
from bridge.model.inbox import Request
from bridge.model.record import Record
from bridge.store.database import Database, in_scope
from bridge.store.lever_state import obey_lever
from bridge.store.tables import experiments, inbox, journal, records, resolved_targets, watches
from bridge.store.templates import Token, claim_token

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from bridge.model.scope import Scope


PARTS: Final = (experiments.c.body, experiments.c.template, experiments.c.tags)
"""The columns that make up a run."""


def experiment_from(row: sa.Row[*tuple[Any, ...]]) -> Experiment:
    """Put the snapshot and the changing part of a run together again."""
    return Experiment.model_validate(
        {
            **json.loads(row.body),
            "template": json.loads(row.template),
            "tags": json.loads(row.tags),
        }
    )


def experiment_body(experiment: Experiment) -> str:
    """Return the part of a run that its workers change."""
    return experiment.model_dump_json(exclude={"template", "tags"})


def insert_events(connection: sa.Connection, events: Iterable[Event]) -> None:
    """Append to the journal, within the transaction that made the events true."""
    rows = [
        {
            "experiment_id": event.experiment,
            "type": event.type,
            "at": event.at,
            "details": json.dumps(event.details, separators=(",", ":")),
        }
        for event in events
    ]
    if rows:
        connection.execute(journal.insert(), rows)


def insert_experiment(connection: sa.Connection, experiment: Experiment) -> Experiment:
    """Store a run that is due at once, within a transaction that is open already."""
    connection.execute(
        experiments.insert().values(
            id=experiment.id,
            scope=str(experiment.scope),
            template_id=experiment.template.id,
            template=experiment.template.model_dump_json(),
            body=experiment_body(experiment),
            tags=json.dumps(experiment.tags),
            created_at=experiment.created_at,
            open=True,
            wake_at=experiment.created_at,
            version=RUN_VERSION,
        )
    )
    told = obey_lever(connection, experiment)
    if told is not None:
        append_request(connection, told)
    watched = {(c.source, c.value) for c in experiment.template.watched}
    if watched:
        connection.execute(
            watches.insert(),
            [
                {
                    "experiment_id": experiment.id,
                    "scope": str(experiment.scope),
                    "source": source,
                    "value": value,
                }
                for source, value in sorted(watched)
            ],
        )
    return experiment


class Experiments(Database):
    """Experiments by scope, their records, resolved targets and journal."""

    async def start_experiment(
        self, experiment: Experiment, token: Token | None = None
    ) -> Experiment:
        """Store a run that is due at once; with a token seen before, return that run."""
        return await self._run(self._start_experiment, experiment, token)

    def _start_experiment(self, experiment: Experiment, token: Token | None) -> Experiment:
        with self._writing() as connection:
            earlier = claim_token(
                connection, experiment.scope, token, experiment.id, experiment.created_at
            )
            if earlier is not None:
                row = connection.execute(sa.select(*PARTS).where(experiments.c.id == earlier)).one()
                return experiment_from(row)
            return insert_experiment(connection, experiment)

    async def experiment(self, scope: Scope, experiment_id: str) -> Experiment | None:
        """Return a run, or None where there is none of that id in the scope."""
        return await self._run(self._experiment, scope, experiment_id)

    def _experiment(self, scope: Scope, experiment_id: str) -> Experiment | None:
        with self._reading() as connection:
            row = connection.execute(
                sa.select(*PARTS).where(
                    in_scope(experiments, scope), experiments.c.id == experiment_id
                )
            ).one_or_none()
        return None if row is None else experiment_from(row)

    async def is_open(self, experiment_id: str) -> bool:
        """Say whether anything is left to do for a run: to end, to undo, to unmark."""
        return await self._run(self._is_open, experiment_id)

    def _is_open(self, experiment_id: str) -> bool:
        with self._reading() as connection:
            return bool(
                connection.execute(
                    sa.select(experiments.c.open).where(experiments.c.id == experiment_id)
                ).scalar_one_or_none()
            )

    async def experiments(
        self,
        scope: Scope,
        *,
        template_id: str | None = None,
        only_open: bool = False,
        after: str | None = None,
        limit: int = 100,
    ) -> list[Experiment]:
        """List runs, the newest first, past the one whose id is ``after``.

        ``only_open`` leaves out those that have ended, but for one that is looked at again.
        """
        where = [in_scope(experiments, scope)]
        if template_id is not None:
            where.append(experiments.c.template_id == template_id)
        if only_open:
            where.append(experiments.c.open)
        return await self._run(self._experiments, where, after, limit)

    def _experiments(
        self, where: list[sa.ColumnElement[bool]], after: str | None, limit: int
    ) -> list[Experiment]:
        query = sa.select(*PARTS).where(*where)
        if after is not None:
            last = (
                sa.select(experiments.c.created_at)
                .where(experiments.c.id == after)
                .scalar_subquery()
            )
            query = query.where(
                sa.tuple_(experiments.c.created_at, experiments.c.id) < sa.tuple_(last, after)
            )
        query = query.order_by(experiments.c.created_at.desc(), experiments.c.id.desc()).limit(
            limit
        )
        with self._reading() as connection:
            rows = connection.execute(query).all()
        return [experiment_from(row) for row in rows]

    async def set_experiment_tags(self, experiment: Experiment, tags: dict[str, str]) -> bool:
        """Replace the tags that a run was seen with; False where they changed meanwhile.

        Tags are no part of what a run's workers commit.
        """
        return await self._run(self._set_experiment_tags, experiment, tags)

    def _set_experiment_tags(self, experiment: Experiment, tags: dict[str, str]) -> bool:
        with self._writing() as connection:
            written = connection.execute(
                experiments.update()
                .where(
                    in_scope(experiments, experiment.scope),
                    experiments.c.id == experiment.id,
                    experiments.c.tags == json.dumps(experiment.tags),
                )
                .values(tags=json.dumps(tags))
            )
            return written.rowcount == 1

    async def resolved_targets(
        self, experiment_id: str, *, target: str | None = None, after: int = 0, limit: int = 100
    ) -> list[tuple[int, ResolvedTarget]]:
        """List what the targets resolved to, each with its position (from 1), past ``after``."""
        return await self._run(self._resolved_targets, experiment_id, target, after, limit)

    def _resolved_targets(
        self, experiment_id: str, target: str | None, after: int, limit: int
    ) -> list[tuple[int, ResolvedTarget]]:
        table = resolved_targets
        query = sa.select(table.c.position, table.c.body).where(
            table.c.experiment_id == experiment_id, table.c.position > after
        )
        if target is not None:
            query = query.where(table.c.target == target)
        with self._reading() as connection:
            rows = connection.execute(query.order_by(table.c.position).limit(limit)).all()
        return [(row.position, ResolvedTarget.model_validate_json(row.body)) for row in rows]

    async def records(self, experiment_id: str) -> list[Record]:
        """List the records of a run in the order in which they were made."""
        return await self._run(self._records, experiment_id)

    def _records(self, experiment_id: str) -> list[Record]:
        with self._reading() as connection:
            bodies = connection.execute(
                sa.select(records.c.body)
                .where(records.c.experiment_id == experiment_id)
                .order_by(records.c.position)
            ).scalars()
            return [Record.model_validate_json(body) for body in bodies]

    async def journal(
        self,
        experiment_id: str,
        *,
        after: int = 0,
        limit: int = 1000,
        kinds: Collection[EventType] = (),
    ) -> list[Event]:
        """List what happened to a run, in order, past the sequence number ``after``.

        Of some kinds only where ``kinds`` names any.
        """
        return await self._run(self._journal, experiment_id, after, limit, kinds)

    def _journal(
        self, experiment_id: str, after: int, limit: int, kinds: Collection[EventType]
    ) -> list[Event]:
        query = sa.select(journal).where(
            journal.c.experiment_id == experiment_id, journal.c.sequence > after
        )
        if kinds:
            query = query.where(journal.c.type.in_(kinds))
        with self._reading() as connection:
            rows = connection.execute(query.order_by(journal.c.sequence).limit(limit)).all()
        return [
            Event(
                experiment=row.experiment_id,
                sequence=row.sequence,
                type=EventType(row.type),
                at=row.at,
                details=json.loads(row.details),
            )
            for row in rows
        ]

    async def append(self, request: Request) -> None:
        """Put a request into a run's inbox and make the run due, ended or not.

        It needs no fence: an ended run is opened again, looks, and closes.
        """
        await self._run(self._append, request)

    def _append(self, request: Request) -> None:
        with self._writing() as connection:
            append_request(connection, request)

    async def append_all(self, requests: Sequence[Request]) -> None:
        """Put requests into the inboxes of several runs, all of them or none."""
        await self._run(self._append_all, requests)

    def _append_all(self, requests: Sequence[Request]) -> None:
        with self._writing() as connection:
            # In one order, so that two that ask at once do not wait for each other.
            for request in sorted(requests, key=lambda request: request.experiment):
                append_request(connection, request)


def append_request(connection: sa.Connection, request: Request) -> None:
    """Put a request into a run's inbox within a transaction that is open already.

    The run's row is written, and so locked, before the request gets its number: numbers are
    then in the order of commits, and no reader who has seen one can miss an earlier one.
    """
    due = sa.case((experiments.c.wake_at < request.at, experiments.c.wake_at), else_=request.at)
    connection.execute(
        experiments.update()
        .where(experiments.c.id == request.experiment)
        .values(open=True, wake_at=sa.case((experiments.c.open, due), else_=request.at))
    )
    connection.execute(
        inbox.insert().values(
            experiment_id=request.experiment,
            kind=request.kind,
            at=request.at,
            details=json.dumps(request.details, separators=(",", ":")),
        )
    )
