"""Action templates, and which experiment templates use them.

Only adds tables, so what the row ``oldest-code`` says stays true: code before this does not know
them, and runs what was expanded from them like any other action.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add tables."""
    op.create_table(
        "action_templates",
        sa.Column("scope", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("last_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "name", name=op.f("pk_action_templates")),
    )
    op.create_table(
        "action_template_versions",
        sa.Column("scope", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint(
            "scope", "name", "version", name=op.f("pk_action_template_versions")
        ),
    )
    op.create_table(
        "action_template_uses",
        sa.Column("template_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["template_id"], ["templates.id"], name=op.f("fk_action_template_uses_template_id")
        ),
        sa.PrimaryKeyConstraint(
            "template_id", "name", "version", name=op.f("pk_action_template_uses")
        ),
    )
    op.create_index(
        op.f("ix_action_template_uses_scope_name_version"),
        "action_template_uses",
        ["scope", "name", "version"],
        unique=False,
    )


def downgrade() -> None:
    """Take them back; users' own action templates are lost, what was expanded from them is not."""
    op.drop_index(
        op.f("ix_action_template_uses_scope_name_version"), table_name="action_template_uses"
    )
    op.drop_table("action_template_uses")
    op.drop_table("action_template_versions")
    op.drop_table("action_templates")
