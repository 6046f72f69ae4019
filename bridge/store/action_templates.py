"""Action templates: versions that never change, and which experiment templates use them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from bridge.model.action_template import (
    LATEST_VERSION,
    ActionTemplate,
    ActionTemplateVersion,
    Reference,
)
from bridge.model.moment import Micros
from bridge.store.action_template_uses import uses_of
from bridge.store.database import Database, in_scope, insert_if_absent
from bridge.store.errors import (
    InUseError,
    NameTakenError,
    TokenConflictError,
    TooManyError,
)
from bridge.store.tables import action_template_versions, action_templates
from bridge.store.templates import Token, claim_token

if TYPE_CHECKING:
    from bridge.model.scope import Scope

MOST_NAMES: Final = 500
"""Names with at least one version, in one scope."""
MOST_VERSIONS: Final = 200
"""Versions of one name that are there at the same time."""

_versions = action_template_versions


class ActionTemplates(Database):
    """Users' own action templates by scope and name."""

    async def create_action_template(
        self, scope: Scope, template: ActionTemplate, token: Token | None = None
    ) -> ActionTemplateVersion:
        """Store a template under a name that is free; with a token seen before, return that one.

        Its number is one more than the last that the name ever had. Raises NameTakenError,
        TooManyError, and TokenConflictError, also where the token's own has been deleted.
        """
        return await self._run(self._create, scope, template, token)

    def _create(
        self, scope: Scope, template: ActionTemplate, token: Token | None
    ) -> ActionTemplateVersion:
        with self._writing() as connection:
            name = {"scope": str(scope), "name": template.name, "last_version": 0}
            insert_if_absent(connection, action_templates, name)
            last = _last_version(connection, scope, template.name) or 0
            earlier = self._claimed(connection, scope, template.name, last, token)
            if earlier is not None:
                return earlier
            there = _live(connection, scope, template.name)
            if there:
                msg = (
                    f"there is an action template {template.name} already, the newest is version "
                    f"{there[-1].version}; add a version to it, or choose another name"
                )
                raise NameTakenError(msg)
            names = connection.execute(
                sa.select(sa.func.count(_versions.c.name.distinct())).where(_there(scope))
            ).scalar_one()
            if names >= MOST_NAMES:
                msg = f"there are {names} action templates, the most is {MOST_NAMES}; delete some"
                raise TooManyError(msg)
            return self._insert(connection, scope, template, last + 1)

    async def add_action_template_version(
        self, scope: Scope, template: ActionTemplate, token: Token | None = None
    ) -> ActionTemplateVersion | None:
        """Store a further version of a name; None where there is none of that name.

        One that is the same as the newest is not stored again: that one is returned. Raises
        TooManyError, and TokenConflictError as `create_action_template` does.
        """
        return await self._run(self._add_version, scope, template, token)

    def _add_version(
        self, scope: Scope, template: ActionTemplate, token: Token | None
    ) -> ActionTemplateVersion | None:
        with self._writing() as connection:
            last = _last_version(connection, scope, template.name)
            if last is None:
                return None
            there = _live(connection, scope, template.name)
            same = bool(there) and there[-1].template == template
            number = there[-1].version - 1 if same else last
            earlier = self._claimed(connection, scope, template.name, number, token)
            if earlier is not None:
                return earlier
            if not there:
                return None
            if same:
                return there[-1]
            if len(there) >= MOST_VERSIONS:
                msg = (
                    f"{template.name} has {len(there)} versions, the most is {MOST_VERSIONS}; "
                    "delete some that nothing uses"
                )
                raise TooManyError(msg)
            return self._insert(connection, scope, template, last + 1)

    def _claimed(
        self, connection: sa.Connection, scope: Scope, name: str, last: int, token: Token | None
    ) -> ActionTemplateVersion | None:
        """Remember what a token makes, or return what it made before."""
        made = claim_token(connection, scope, token, f"{name}@{last + 1}", self.now())
        if made is None:
            return None
        found = _one(connection, scope, Reference.parse(made))
        if found is None:
            msg = f"the client token made {made}, which was deleted since; send a fresh one"
            raise TokenConflictError(msg)
        return found

    def _insert(
        self, connection: sa.Connection, scope: Scope, template: ActionTemplate, number: int
    ) -> ActionTemplateVersion:
        if number > LATEST_VERSION:
            msg = f"{template.name} has had {LATEST_VERSION} versions; choose another name"
            raise TooManyError(msg)
        now = self._moment(connection)
        connection.execute(
            action_templates.update()
            .where(
                in_scope(action_templates, scope),
                action_templates.c.name == template.name,
            )
            .values(last_version=number)
        )
        connection.execute(
            _versions.insert().values(
                scope=str(scope),
                name=template.name,
                version=number,
                body=template.model_dump_json(),
                created_at=now,
            )
        )
        return ActionTemplateVersion(template=template, version=number, created_at=now)

    async def action_template(
        self, scope: Scope, reference: Reference
    ) -> ActionTemplateVersion | None:
        """Return a version, the newest where none is named; None where there is none."""
        return await self._run(self._action_template, scope, reference)

    def _action_template(self, scope: Scope, reference: Reference) -> ActionTemplateVersion | None:
        with self._reading() as connection:
            return _one(connection, scope, reference)

    async def action_template_versions(self, scope: Scope, name: str) -> list[int]:
        """Return the numbers of the versions of a name, the oldest first."""
        return await self._run(self._numbers, scope, name)

    def _numbers(self, scope: Scope, name: str) -> list[int]:
        query = sa.select(_versions.c.version).where(_there(scope), _versions.c.name == name)
        with self._reading() as connection:
            return list(connection.execute(query.order_by(_versions.c.version)).scalars())

    async def action_templates(
        self, scope: Scope, *, after: str = "", limit: int = 100
    ) -> list[ActionTemplateVersion]:
        """List the newest version of each name, by name, past the name ``after``."""
        return await self._run(self._action_templates, scope, after, limit)

    def _action_templates(
        self, scope: Scope, after: str, limit: int
    ) -> list[ActionTemplateVersion]:
        # Bytes, not a language: whoever merges the list with others sorts it like this.
        name = _versions.c.name.collate("C" if self._server else "BINARY")
        newest = (
            sa.select(_versions.c.name, sa.func.max(_versions.c.version).label("version"))
            .where(_there(scope), name > after)
            .group_by(_versions.c.name)
            .order_by(name)
            .limit(limit)
            .subquery()
        )
        query = _select(scope).join(
            newest,
            sa.and_(_versions.c.name == newest.c.name, _versions.c.version == newest.c.version),
        )
        with self._reading() as connection:
            found = [_version(row) for row in connection.execute(query)]
        return sorted(found, key=lambda one: one.template.name)

    async def delete_action_template(
        self, scope: Scope, reference: Reference
    ) -> list[ActionTemplateVersion]:
        """Delete a version, or every version of a name, and return what was deleted.

        Raises InUseError, naming the experiment templates, and deletes nothing then.
        """
        return await self._run(self._delete, scope, reference)

    def _delete(self, scope: Scope, reference: Reference) -> list[ActionTemplateVersion]:
        with self._writing() as connection:
            there = _live(connection, scope, reference.name, lock=True)
            doomed = [one for one in there if reference.version in (None, one.version)]
            uses = uses_of(connection, scope, reference.name, [one.version for one in doomed])
            if uses:
                raise InUseError(uses)
            if doomed:
                connection.execute(
                    _versions.update()
                    .where(
                        _there(scope),
                        _versions.c.name == reference.name,
                        _versions.c.version.in_([one.version for one in doomed]),
                    )
                    .values(deleted_at=self._moment(connection))
                )
        return doomed


def _select(scope: Scope) -> sa.Select[tuple[str, int, int]]:
    return sa.select(_versions.c.body, _versions.c.version, _versions.c.created_at).where(
        _there(scope)
    )


def _there(scope: Scope) -> sa.ColumnElement[bool]:
    return sa.and_(in_scope(_versions, scope), _versions.c.deleted_at.is_(None))


def _version(row: sa.Row[tuple[str, int, int]]) -> ActionTemplateVersion:
    return ActionTemplateVersion(
        template=ActionTemplate.model_validate_json(row.body),
        version=row.version,
        created_at=Micros(row.created_at),
    )


def _one(
    connection: sa.Connection, scope: Scope, reference: Reference
) -> ActionTemplateVersion | None:
    query = _select(scope).where(_versions.c.name == reference.name)
    if reference.version is not None:
        query = query.where(_versions.c.version == reference.version)
    row = connection.execute(query.order_by(_versions.c.version.desc()).limit(1)).first()
    return None if row is None else _version(row)


def _live(
    connection: sa.Connection, scope: Scope, name: str, *, lock: bool = False
) -> list[ActionTemplateVersion]:
    query = _select(scope).where(_versions.c.name == name).order_by(_versions.c.version)
    if lock:
        query = query.with_for_update()
    return [_version(row) for row in connection.execute(query)]


def _last_version(connection: sa.Connection, scope: Scope, name: str) -> int | None:
    """Return the last number that a name was given, locked: two at once get two numbers."""
    return connection.execute(
        sa.select(action_templates.c.last_version)
        .where(in_scope(action_templates, scope), action_templates.c.name == name)
        .with_for_update()
    ).scalar_one_or_none()
