"""Which experiment templates use which versions of action templates.

Noted in the transaction that stores the experiment template, with a lock on the version: one that
is being deleted at the same time is either seen here as deleted, or seen there as used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa

from bridge.model.action_template import Reference
from bridge.store.database import in_scope
from bridge.store.errors import DeletedError
from bridge.store.tables import action_template_uses, action_template_versions, templates

if TYPE_CHECKING:
    from bridge.model.scope import Scope
    from bridge.model.template import ExperimentTemplate

_versions = action_template_versions
_uses = action_template_uses


def note_uses(connection: sa.Connection, template: ExperimentTemplate) -> None:
    """Note what an experiment template uses, in place of what it used before.

    Built-in action templates are not in the store, and are noted nonetheless: they do no harm.
    Raises DeletedError where a version has been deleted since it was looked up.
    """
    connection.execute(_uses.delete().where(_uses.c.template_id == template.id))
    named = {one.action_template for one in template.actions.values() if one.action_template}
    # In the order in which they are deleted, so that neither waits for the other.
    for reference in sorted(map(Reference.parse, named)):
        deleted = connection.execute(
            sa.select(_versions.c.deleted_at)
            .where(
                in_scope(_versions, template.scope),
                _versions.c.name == reference.name,
                _versions.c.version == reference.version,
            )
            .with_for_update(read=True)
        ).first()
        if deleted is not None and deleted.deleted_at is not None:
            raise DeletedError(str(reference))
        connection.execute(
            _uses.insert().values(
                template_id=template.id,
                scope=str(template.scope),
                name=reference.name,
                version=reference.version,
            )
        )


def uses_of(
    connection: sa.Connection, scope: Scope, name: str, versions: Sequence[int]
) -> list[tuple[str, str]]:
    """Return ``NAME@VERSION`` and experiment template of each use of some versions of a name."""
    found = connection.execute(
        sa.select(_uses.c.version, _uses.c.template_id)
        # Joined, since a bridge of an earlier version deletes templates without a look at this.
        .join(templates, templates.c.id == _uses.c.template_id)
        .where(
            in_scope(_uses, scope),
            _uses.c.name == name,
            _uses.c.version.in_(versions),
            templates.c.deleted_at.is_(None),
        )
        .order_by(_uses.c.version, _uses.c.template_id)
    )
    return [(f"{name}@{row.version}", row.template_id) for row in found]
