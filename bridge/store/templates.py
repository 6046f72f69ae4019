"""Experiment templates, and client tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from bridge.model.template import ExperimentTemplate
from bridge.store.action_template_uses import note_uses
from bridge.store.database import Database, in_scope, insert_if_absent
from bridge.store.errors import TokenConflictError
from bridge.store.tables import templates, tokens

if TYPE_CHECKING:
    from bridge.model.moment import Micros
    from bridge.model.scope import Scope


@dataclass(frozen=True)
class Token:
    """A client token: a repeat of the same request answers what the first one made."""

    operation: str
    value: str
    fingerprint: str
    """SHA-256 of the canonical request, to tell a repeat from a misuse."""


def claim_token(
    connection: sa.Connection, scope: Scope, token: Token | None, made: str, now: Micros
) -> str | None:
    """Remember what a token made; return what it had made before, if it was used.

    Raises TokenConflictError when it was used for another request.
    """
    if token is None:
        return None
    fresh = insert_if_absent(
        connection,
        tokens,
        {
            "scope": str(scope),
            "operation": token.operation,
            "token": token.value,
            "fingerprint": token.fingerprint,
            "object_id": made,
            "created_at": now,
        },
    )
    if fresh:
        return None
    known = connection.execute(
        sa.select(tokens.c.fingerprint, tokens.c.object_id).where(
            in_scope(tokens, scope),
            tokens.c.operation == token.operation,
            tokens.c.token == token.value,
        )
    ).one()
    if known.fingerprint != token.fingerprint:
        msg = "the client token was used before, for another request; send a fresh one"
        raise TokenConflictError(msg)
    return str(known.object_id)


class Templates(Database):
    """Experiment templates by scope."""

    async def create_template(
        self, template: ExperimentTemplate, token: Token | None = None
    ) -> ExperimentTemplate:
        """Store a template; with a token seen before, return the one that was made then.

        Raises TokenConflictError, and DeletedError where an action template that it uses is gone.
        """
        return await self._run(self._create_template, template, token)

    def _create_template(
        self, template: ExperimentTemplate, token: Token | None
    ) -> ExperimentTemplate:
        with self._writing() as connection:
            earlier = claim_token(
                connection, template.scope, token, template.id, template.created_at
            )
            if earlier is not None:
                body = connection.execute(
                    sa.select(templates.c.body).where(templates.c.id == earlier)
                ).scalar_one()
                return ExperimentTemplate.model_validate_json(body)
            connection.execute(
                templates.insert().values(
                    id=template.id,
                    scope=str(template.scope),
                    body=template.model_dump_json(),
                    created_at=template.created_at,
                )
            )
            note_uses(connection, template)
            return template

    async def template(self, scope: Scope, template_id: str) -> ExperimentTemplate | None:
        """Return a template, or None where there is none of that id in the scope."""
        return await self._run(self._template, scope, template_id)

    def _template(self, scope: Scope, template_id: str) -> ExperimentTemplate | None:
        with self._reading() as connection:
            body = connection.execute(
                sa.select(templates.c.body).where(_live(scope), templates.c.id == template_id)
            ).scalar_one_or_none()
        return None if body is None else ExperimentTemplate.model_validate_json(body)

    async def templates(
        self, scope: Scope, *, after: str | None = None, limit: int = 100
    ) -> list[ExperimentTemplate]:
        """List templates in order of creation, past the one whose id is ``after``."""
        return await self._run(self._templates, scope, after, limit)

    def _templates(self, scope: Scope, after: str | None, limit: int) -> list[ExperimentTemplate]:
        query = sa.select(templates.c.body).where(_live(scope))
        if after is not None:
            last = (
                sa.select(templates.c.created_at).where(templates.c.id == after).scalar_subquery()
            )
            query = query.where(
                sa.tuple_(templates.c.created_at, templates.c.id) > sa.tuple_(last, after)
            )
        query = query.order_by(templates.c.created_at, templates.c.id).limit(limit)
        with self._reading() as connection:
            bodies = connection.execute(query).scalars().all()
        return [ExperimentTemplate.model_validate_json(body) for body in bodies]

    async def update_template(
        self, template: ExperimentTemplate, *, before: ExperimentTemplate
    ) -> bool:
        """Replace a template if it still is what it was; False where it changed meanwhile.

        One that was deleted meanwhile stays deleted. Raises DeletedError as creating does.
        """
        return await self._run(self._update_template, template, before)

    def _update_template(self, template: ExperimentTemplate, before: ExperimentTemplate) -> bool:
        with self._writing() as connection:
            written = connection.execute(
                templates.update()
                .where(
                    _live(template.scope),
                    templates.c.id == template.id,
                    templates.c.body == before.model_dump_json(),
                )
                .values(body=template.model_dump_json())
            )
            if written.rowcount != 1:
                return False
            note_uses(connection, template)
            return True

    async def delete_template(self, scope: Scope, template_id: str) -> ExperimentTemplate | None:
        """Delete a template and return it as it was; runs keep their own snapshot."""
        return await self._run(self._delete_template, scope, template_id)

    def _delete_template(self, scope: Scope, template_id: str) -> ExperimentTemplate | None:
        one = sa.and_(_live(scope), templates.c.id == template_id)
        with self._writing() as connection:
            body = connection.execute(sa.select(templates.c.body).where(one)).scalar_one_or_none()
            if body is None:
                return None
            connection.execute(templates.update().where(one).values(deleted_at=self.now()))
        return ExperimentTemplate.model_validate_json(body)


def _live(scope: Scope) -> sa.ColumnElement[bool]:
    return sa.and_(in_scope(templates, scope), templates.c.deleted_at.is_(None))
