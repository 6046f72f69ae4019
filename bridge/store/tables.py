"""The tables. Times are integer microseconds, UTC; bodies are JSON text of the model."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite counts up only where the key is exactly INTEGER; PostgreSQL wants the wide one.
_Sequence = BigInteger().with_variant(Integer, "sqlite")

templates = Table(
    "templates",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("scope", String(200), nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    Index(None, "scope", "created_at", "id"),
)

experiments = Table(
    "experiments",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("scope", String(200), nullable=False),
    Column("template_id", String(64), nullable=False),
    Column("template", Text, nullable=False),  # the snapshot, written once
    Column("body", Text, nullable=False),
    Column("tags", Text, nullable=False, server_default="{}"),  # changed without a fence
    Column("created_at", BigInteger, nullable=False),
    Column("open", Boolean, nullable=False),
    Column("wake_at", BigInteger, nullable=False),
    Column("lease_owner", String(128)),
    Column("lease_until", BigInteger),
    Column("fence", BigInteger, nullable=False, server_default="0"),
    Column("inbox_read", BigInteger, nullable=False, server_default="0"),
    Column("version", Integer, nullable=False, server_default="1"),  # of the newest writer
    Index(None, "scope", "created_at", "id"),
    Index(None, "scope", "template_id", "created_at", "id"),
    Index(
        "ix_experiments_due",
        "wake_at",
        sqlite_where=text("open = 1"),
        postgresql_where=text("open"),
    ),
)

loops = Table(
    "loops",
    metadata,
    # The durable execution that looks after a run is named after the run and this number.
    Column("experiment_id", ForeignKey("experiments.id"), primary_key=True),
    Column("sequence", BigInteger, nullable=False),
)

records = Table(
    "records",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("experiment_id", ForeignKey("experiments.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("scope", String(200), nullable=False),
    Column("resource", Text, nullable=False),
    Column("effect", String(64)),
    Column("live", Boolean, nullable=False),
    Column("body", Text, nullable=False),
    Index(None, "experiment_id", "position"),
    Index(
        "ix_records_live",
        "scope",
        "experiment_id",
        sqlite_where=text("live = 1"),
        postgresql_where=text("live"),
    ),
    # The overlap rule: one live record per scope, resource and effect.
    Index(
        "uq_records_live",
        "scope",
        "resource",
        "effect",
        unique=True,
        sqlite_where=text("live = 1 AND effect IS NOT NULL"),
        postgresql_where=text("live AND effect IS NOT NULL"),
    ),
)

resolved_targets = Table(
    "resolved_targets",
    metadata,
    Column("experiment_id", ForeignKey("experiments.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("target", String(64), nullable=False),
    Column("body", Text, nullable=False),
)

inbox = Table(
    "inbox",
    metadata,
    Column("sequence", _Sequence, primary_key=True, autoincrement=True),
    Column("experiment_id", ForeignKey("experiments.id"), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("details", Text, nullable=False),
    Index(None, "experiment_id", "sequence"),
    sqlite_autoincrement=True,
)

journal = Table(
    "journal",
    metadata,
    Column("sequence", _Sequence, primary_key=True, autoincrement=True),
    Column("experiment_id", ForeignKey("experiments.id"), nullable=False),
    Column("type", String(32), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("details", Text, nullable=False),
    Index(None, "experiment_id", "sequence"),
    sqlite_autoincrement=True,
)

tokens = Table(
    "tokens",
    metadata,
    Column("scope", String(200), primary_key=True),
    Column("operation", String(64), primary_key=True),
    Column("token", String(1024), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("object_id", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

watches = Table(
    "watches",
    metadata,
    Column("id", _Sequence, primary_key=True, autoincrement=True),
    Column("experiment_id", ForeignKey("experiments.id"), nullable=False),
    Column("scope", String(200), nullable=False),
    Column("source", String(64), nullable=False),
    Column("value", Text, nullable=False),
    UniqueConstraint("experiment_id", "source", "value"),
    Index(None, "scope", "source"),
)

stop_readings = Table(
    "stop_readings",
    metadata,
    Column("scope", String(200), primary_key=True),
    Column("source", String(64), primary_key=True),
    Column("value", String(2048), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("read_at", BigInteger),  # the last time it could be read
)

polls = Table(
    "polls",
    metadata,
    Column("scope", String(200), primary_key=True),
    Column("source", String(64), primary_key=True),
    Column("next_at", BigInteger, nullable=False),
)

schedules = Table(
    "schedules",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("scope", String(200), nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("next_at", BigInteger),  # NULL: paused, or over
    Index(None, "scope", "created_at", "id"),
    Index(
        "ix_schedules_due",
        "next_at",
        sqlite_where=text("next_at IS NOT NULL"),
        postgresql_where=text("next_at IS NOT NULL"),
    ),
)

schedule_slots = Table(
    "schedule_slots",
    metadata,
    # Whoever inserts a slot starts its run, in the same transaction: exactly once.
    Column("schedule_id", ForeignKey("schedules.id"), primary_key=True),
    Column("slot_at", BigInteger, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("outcome", String(32), nullable=False),
    Column("reason", Text, nullable=False),
    Column("experiment_id", String(64)),
)

access_keys = Table(
    "access_keys",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("groups", Text, nullable=False),  # a JSON list
    Column("master_key", String(32), nullable=False),  # its id; the secret is made from it
    Column("status", String(16), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("changed_at", BigInteger, nullable=False),
)

action_templates = Table(
    "action_templates",
    metadata,
    Column("scope", String(200), primary_key=True),
    Column("name", String(64), primary_key=True),
    # Stays when all versions are deleted: no number is given twice.
    Column("last_version", Integer, nullable=False),
)

action_template_versions = Table(
    "action_template_versions",
    metadata,
    Column("scope", String(200), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("body", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
)

action_template_uses = Table(
    "action_template_uses",
    metadata,
    Column("template_id", ForeignKey("templates.id"), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("scope", String(200), nullable=False),
    Index(None, "scope", "name", "version"),
)

policies = Table(
    "policies",
    metadata,
    Column("scope", String(200), primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("body", Text, nullable=False),
)

policy_generations = Table(
    "policy_generations",
    metadata,
    Column("scope", String(200), primary_key=True),
    Column("generation", BigInteger, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("sequence", _Sequence, primary_key=True, autoincrement=True),
    Column("scope", String(200), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("principal", Text, nullable=False),
    Column("action", String(128), nullable=False),
    Column("resource", Text, nullable=False),
    Column("outcome", String(32), nullable=False),
    Column("statement", String(300), nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("address", String(64), nullable=False),
    Column("details", Text, nullable=False),
    Index(None, "scope", "sequence"),
    Index(None, "at"),
    sqlite_autoincrement=True,
)

meta = Table(
    "meta",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)
