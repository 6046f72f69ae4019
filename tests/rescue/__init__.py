"""Rescue: undo by marks, when the database is lost or does not know."""
