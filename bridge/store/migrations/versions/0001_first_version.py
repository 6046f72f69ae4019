"""The tables of the first version."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything."""
    op.create_table(
        "experiments",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.String(length=200), nullable=False),
        sa.Column("template_id", sa.String(length=64), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), server_default="{}", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("wake_at", sa.BigInteger(), nullable=False),
        sa.Column("lease_owner", sa.String(length=128), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("inbox_read", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_experiments")),
    )
    op.create_index(
        "ix_experiments_due",
        "experiments",
        ["wake_at"],
        unique=False,
        sqlite_where=sa.text("open = 1"),
        postgresql_where=sa.text("open"),
    )
    op.create_index(
        op.f("ix_experiments_scope_created_at_id"),
        "experiments",
        ["scope", "created_at", "id"],
        unique=False,
    )
    op.create_table(
        "meta",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_meta")),
    )
    op.create_table(
        "polls",
        sa.Column("scope", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "source", name=op.f("pk_polls")),
    )
    op.create_table(
        "stop_readings",
        sa.Column("scope", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("value", sa.String(length=2048), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("read_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("scope", "source", "value", name=op.f("pk_stop_readings")),
    )
    op.create_table(
        "templates",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_templates")),
    )
    op.create_index(
        op.f("ix_templates_scope_created_at_id"),
        "templates",
        ["scope", "created_at", "id"],
        unique=False,
    )
    op.create_table(
        "tokens",
        sa.Column("scope", sa.String(length=200), nullable=False),
        sa.Column("operation", sa.String(length=64), nullable=False),
        sa.Column("token", sa.String(length=1024), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("object_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "operation", "token", name=op.f("pk_tokens")),
    )
    op.create_table(
        "inbox",
        sa.Column(
            "sequence",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("experiment_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["experiments.id"], name=op.f("fk_inbox_experiment_id")
        ),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_inbox")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_inbox_experiment_id_sequence"),
        "inbox",
        ["experiment_id", "sequence"],
        unique=False,
    )
    op.create_table(
        "journal",
        sa.Column(
            "sequence",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("experiment_id", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["experiments.id"], name=op.f("fk_journal_experiment_id")
        ),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_journal")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_journal_experiment_id_sequence"),
        "journal",
        ["experiment_id", "sequence"],
        unique=False,
    )
    op.create_table(
        "records",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("experiment_id", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(length=200), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("effect", sa.String(length=64), nullable=True),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["experiments.id"], name=op.f("fk_records_experiment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_records")),
    )
    op.create_index(
        op.f("ix_records_experiment_id_position"),
        "records",
        ["experiment_id", "position"],
        unique=False,
    )
    op.create_index(
        "uq_records_live",
        "records",
        ["scope", "resource", "effect"],
        unique=True,
        sqlite_where=sa.text("live = 1 AND effect IS NOT NULL"),
        postgresql_where=sa.text("live AND effect IS NOT NULL"),
    )
    op.create_table(
        "resolved_targets",
        sa.Column("experiment_id", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("target", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["experiments.id"], name=op.f("fk_resolved_targets_experiment_id")
        ),
        sa.PrimaryKeyConstraint("experiment_id", "position", name=op.f("pk_resolved_targets")),
    )
    op.create_table(
        "watches",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("experiment_id", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["experiments.id"], name=op.f("fk_watches_experiment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watches")),
        sa.UniqueConstraint(
            "experiment_id", "source", "value", name=op.f("uq_watches_experiment_id_source_value")
        ),
    )
    op.create_index(op.f("ix_watches_scope_source"), "watches", ["scope", "source"], unique=False)


def downgrade() -> None:
    """Drop everything."""
    op.drop_index(op.f("ix_watches_scope_source"), table_name="watches")
    op.drop_table("watches")
    op.drop_table("resolved_targets")
    op.drop_index(
        "uq_records_live",
        table_name="records",
        sqlite_where=sa.text("live = 1 AND effect IS NOT NULL"),
        postgresql_where=sa.text("live AND effect IS NOT NULL"),
    )
    op.drop_index(op.f("ix_records_experiment_id_position"), table_name="records")
    op.drop_table("records")
    op.drop_index(op.f("ix_journal_experiment_id_sequence"), table_name="journal")
    op.drop_table("journal")
    op.drop_index(op.f("ix_inbox_experiment_id_sequence"), table_name="inbox")
    op.drop_table("inbox")
    op.drop_table("tokens")
    op.drop_index(op.f("ix_templates_scope_created_at_id"), table_name="templates")
    op.drop_table("templates")
    op.drop_table("stop_readings")
    op.drop_table("polls")
    op.drop_table("meta")
    op.drop_index(op.f("ix_experiments_scope_created_at_id"), table_name="experiments")
    op.drop_index(
        "ix_experiments_due",
        table_name="experiments",
        sqlite_where=sa.text("open = 1"),
        postgresql_where=sa.text("open"),
    )
    op.drop_table("experiments")
