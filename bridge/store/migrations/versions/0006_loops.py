"""Which durable execution looks after a run, where runs are advanced by functions.

Only adds a table: code before this starts no such executions.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "loops",
        sa.Column("experiment_id", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["experiments.id"], name=op.f("fk_loops_experiment_id")
        ),
        sa.PrimaryKeyConstraint("experiment_id", name=op.f("pk_loops")),
    )


def downgrade() -> None:
    """Take it back; each open run is looked after by a fresh execution then."""
    op.drop_table("loops")
