"""Alembic migrations: they expand before they contract, and are tested both ways."""
