"""Which version wrote a run, schedules, and the indexes that many runs need.

Only expands: a worker of the first version goes on beside a new one on these tables.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns with a default, tables and indexes."""
    op.add_column(
        "experiments",
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
    )
    op.create_index(
        op.f("ix_experiments_scope_template_id_created_at_id"),
        "experiments",
        ["scope", "template_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_records_live",
        "records",
        ["scope", "experiment_id"],
        unique=False,
        sqlite_where=sa.text("live = 1"),
        postgresql_where=sa.text("live"),
    )
    op.create_table(
        "schedules",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedules")),
    )
    op.create_index(
        op.f("ix_schedules_scope_created_at_id"),
        "schedules",
        ["scope", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_schedules_due",
        "schedules",
        ["next_at"],
        unique=False,
        sqlite_where=sa.text("next_at IS NOT NULL"),
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_table(
        "schedule_slots",
        sa.Column("schedule_id", sa.String(length=64), nullable=False),
        sa.Column("slot_at", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("experiment_id", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedules.id"], name=op.f("fk_schedule_slots_schedule_id")
        ),
        sa.PrimaryKeyConstraint("schedule_id", "slot_at", name=op.f("pk_schedule_slots")),
    )

    op.execute("INSERT INTO meta (name, value) VALUES ('oldest-code', '0001')")


def downgrade() -> None:
    """Take them back; schedules and what became of their slots are lost."""
    op.execute("DELETE FROM meta WHERE name = 'oldest-code'")
    op.drop_table("schedule_slots")
    op.drop_index(
        "ix_schedules_due",
        table_name="schedules",
        sqlite_where=sa.text("next_at IS NOT NULL"),
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.drop_index(op.f("ix_schedules_scope_created_at_id"), table_name="schedules")
    op.drop_table("schedules")
    op.drop_index(
        "ix_records_live",
        table_name="records",
        sqlite_where=sa.text("live = 1"),
        postgresql_where=sa.text("live"),
    )
    op.drop_index(op.f("ix_experiments_scope_template_id_created_at_id"), table_name="experiments")
    op.drop_column("experiments", "version")
