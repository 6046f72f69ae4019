"""A run as its worker sees it: claimed with a lease and a fence, committed by compare-and-set."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import sqlalchemy as sa

from bridge.model.experiment import RUN_VERSION
from bridge.model.moment import Micros
from bridge.model.record import Record
from bridge.store.database import Database, chunks
from bridge.store.errors import LeaseLostError, OverlapError
from bridge.store.experiments import (
    PARTS,
    experiment_body,
    experiment_from,
    insert_events,
)
from bridge.store.limits import refuse_beyond
from bridge.store.tables import (
    experiments,
    inbox,
    records,
    resolved_targets,
    watches,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.model.event import Event
    from bridge.model.experiment import Experiment, ResolvedTarget
    from bridge.model.scope import Scope


@dataclass(frozen=True)
class Claim:
    """A worker's hold on a run. Every write of the worker is a compare-and-set on the fence."""

    experiment: str
    fence: int


@dataclass(frozen=True)
class Claimed:
    """A run as it was when it was claimed."""

    claim: Claim
    experiment: Experiment
    records: list[Record]
    due_at: Micros
    """When it should have been woken."""
    interrupted: bool = False
    """Whether whoever held it before did not let go: its last calls may still take effect."""


@dataclass
class Change:
    """What one commit of a worker writes, all of it or nothing."""

    experiment: Experiment | None = None
    added: Sequence[Record] = ()
    changed: Sequence[Record] = ()
    resolved: Sequence[ResolvedTarget] = ()
    events: Sequence[Event] = ()
    inbox_read: int | None = None
    """Sequence number of the last request that this commit has acted on."""
    release_until: Micros | None = None
    """Give the lease back and be woken at that time."""
    close: bool = False
    """Nothing is left to do: give the lease back and do not wake again."""
    first_position: int = field(default=0)
    """Position of the first added record within the run."""
    live_at_most: int | None = None
    """Most live records that all runs together may have, the added ones included."""


class Runs(Database):
    """The worker's part of the store."""

    async def claim(self, experiment_id: str, *, owner: str, lease: Micros) -> Claimed | None:
        """Take an open run whose lease is free; None where there is nothing to take.

        ``lease`` is a length. The fence moves on with each claim, so whoever held the run
        before can write nothing more.
        """
        return await self._run(self._claim, experiment_id, owner, lease)

    def _claim(self, experiment_id: str, owner: str, lease: Micros) -> Claimed | None:
        with self._writing() as connection:
            now = self._moment(connection)
            # A row that somebody is writing is somebody's: whoever sweeps next finds it again.
            before = connection.execute(
                sa.select(experiments.c.lease_until)
                .where(experiments.c.id == experiment_id)
                .with_for_update(skip_locked=True)
            ).one_or_none()
            if before is None:
                return None
            taken = connection.execute(
                experiments.update()
                .where(
                    experiments.c.id == experiment_id,
                    experiments.c.open,
                    experiments.c.version <= RUN_VERSION,
                    sa.or_(experiments.c.lease_until.is_(None), experiments.c.lease_until <= now),
                )
                .values(
                    lease_owner=owner,
                    lease_until=now + lease,
                    fence=experiments.c.fence + 1,
                )
            )
            if taken.rowcount == 0:
                return None
            row = connection.execute(
                sa.select(experiments.c.fence, experiments.c.wake_at, *PARTS).where(
                    experiments.c.id == experiment_id
                )
            ).one()
            bodies = connection.execute(
                sa.select(records.c.body)
                .where(records.c.experiment_id == experiment_id)
                .order_by(records.c.position)
            ).scalars()
            return Claimed(
                claim=Claim(experiment_id, row.fence),
                experiment=experiment_from(row),
                records=[Record.model_validate_json(body) for body in bodies],
                due_at=Micros(row.wake_at),
                interrupted=before.lease_until is not None,
            )

    async def renew(self, claim: Claim, lease: Micros) -> None:
        """Extend the lease from now on. Raises LeaseLostError when the fence has moved on."""
        await self._run(self._renew, claim, lease)

    def _renew(self, claim: Claim, lease: Micros) -> None:
        with self._writing() as connection:
            until = self._moment(connection) + lease
            self._compare_and_set(connection, claim, lease_until=until)

    def _compare_and_set(self, connection: sa.Connection, claim: Claim, **values: object) -> None:
        written = connection.execute(
            experiments.update()
            .where(experiments.c.id == claim.experiment, experiments.c.fence == claim.fence)
            .values(**values)
        )
        if written.rowcount == 0:
            msg = f"experiment {claim.experiment} belongs to another worker now"
            raise LeaseLostError(msg)

    async def commit(self, claim: Claim, change: Change) -> None:
        """Write a change if the fence still holds.

        Raises LeaseLostError when it does not, OverlapError when an added record's resource is
        held by another run, and AtOnceError when there would be too many live records; nothing
        was written then.
        """
        await self._run(self._commit, claim, change)

    def _commit(self, claim: Claim, change: Change) -> None:
        values: dict[str, object] = {"version": RUN_VERSION}
        if change.experiment is not None:
            values["body"] = experiment_body(change.experiment)
        if change.inbox_read is not None:
            values["inbox_read"] = change.inbox_read
        with self._writing() as connection:
            self._compare_and_set(connection, claim, **values)
            # What ends in this commit makes room for what it adds.
            self._change_records(connection, change.changed)
            self._add_records(connection, claim, change)
            self._add_resolved(connection, claim, change.resolved)
            insert_events(connection, change.events)
            if change.close or change.release_until is not None:
                self._let_go(connection, claim, change)

    def _let_go(self, connection: sa.Connection, claim: Claim, change: Change) -> None:
        # A request that came in meanwhile must not wait for the planned wake-up.
        now = self._moment(connection)
        unread = self._unread(connection, claim.experiment) > 0
        wake_at = now if change.release_until is None else change.release_until
        self._compare_and_set(
            connection,
            claim,
            open=unread or not change.close,
            wake_at=min(wake_at, now) if unread else wake_at,
            lease_owner=None,
            lease_until=None,
        )
        if change.close:
            connection.execute(watches.delete().where(watches.c.experiment_id == claim.experiment))

    def _add_records(self, connection: sa.Connection, claim: Claim, change: Change) -> None:
        if not change.added:
            return
        scope = connection.execute(
            sa.select(experiments.c.scope).where(experiments.c.id == claim.experiment)
        ).scalar_one()
        self._refuse_overlap(connection, scope, change.added)
        refuse_beyond(connection, change.added, change.live_at_most)
        rows = [
            {
                "id": record.id,
                "experiment_id": claim.experiment,
                "position": change.first_position + offset,
                "scope": scope,
                "resource": record.resource,
                "effect": record.effect,
                "live": not record.phase.ended,
                "body": record.model_dump_json(),
            }
            for offset, record in enumerate(change.added)
        ]
        # In one order for all runs: two that want each other's resources would wait for ever.
        rows.sort(key=lambda row: (row["resource"], row["effect"] or ""))
        try:
            with connection.begin_nested():
                connection.execute(records.insert(), rows)
        except sa.exc.IntegrityError:
            # Another run was quicker, and what it wrote can be seen only now.
            self._refuse_overlap(connection, scope, change.added)
            raise

    def _refuse_overlap(
        self, connection: sa.Connection, scope: str, added: Sequence[Record]
    ) -> None:
        for (resource, _), holder in self._held_by(connection, scope, added).items():
            raise OverlapError(resource, holder)

    async def holders(
        self, scope: Scope, wanted: Sequence[Record]
    ) -> dict[tuple[str, str | None], str]:
        """Map resource and effect of the wanted records to the experiment that holds them now."""
        return await self._run(self._holders, scope, wanted)

    def _holders(self, scope: Scope, wanted: Sequence[Record]) -> dict[tuple[str, str | None], str]:
        with self._reading() as connection:
            return self._held_by(connection, str(scope), wanted)

    @staticmethod
    def _held_by(
        connection: sa.Connection, scope: str, wanted: Sequence[Record]
    ) -> dict[tuple[str, str | None], str]:
        keys = {
            (record.resource, record.effect)
            for record in wanted
            if record.effect is not None and not record.phase.ended
        }
        found: dict[tuple[str, str | None], str] = {}
        for part in chunks(sorted({resource for resource, _ in keys})):
            held = connection.execute(
                sa.select(records.c.resource, records.c.effect, records.c.experiment_id).where(
                    records.c.scope == scope, records.c.live, records.c.resource.in_(part)
                )
            )
            for row in held:
                if (row.resource, row.effect) in keys:
                    found[row.resource, row.effect] = row.experiment_id
        return found

    @staticmethod
    def _change_records(connection: sa.Connection, changed: Sequence[Record]) -> None:
        if changed:
            connection.execute(
                records.update()
                .where(records.c.id == sa.bindparam("which"))
                .values(live=sa.bindparam("is_live"), body=sa.bindparam("new_body")),
                [
                    {
                        "which": record.id,
                        "is_live": not record.phase.ended,
                        "new_body": record.model_dump_json(),
                    }
                    for record in changed
                ],
            )

    @staticmethod
    def _add_resolved(
        connection: sa.Connection, claim: Claim, resolved: Sequence[ResolvedTarget]
    ) -> None:
        if resolved:
            connection.execute(
                resolved_targets.insert(),
                [
                    {
                        "experiment_id": claim.experiment,
                        "position": position,
                        "target": one.target,
                        "body": one.model_dump_json(),
                    }
                    for position, one in enumerate(resolved, start=1)
                ],
            )

    @staticmethod
    def _unread(connection: sa.Connection, experiment_id: str) -> int:
        read = (
            sa.select(experiments.c.inbox_read)
            .where(experiments.c.id == experiment_id)
            .scalar_subquery()
        )
        return connection.execute(
            sa.select(sa.func.count())
            .select_from(inbox)
            .where(inbox.c.experiment_id == experiment_id, inbox.c.sequence > read)
        ).scalar_one()
