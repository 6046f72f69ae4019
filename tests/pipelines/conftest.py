"""Commands over doubles, and a sandbox with a bridge that serves a whole module."""

from __future__ import annotations

from tests.cli.conftest import command, start, world

__all__ = ["command", "start", "world"]
