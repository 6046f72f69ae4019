"""Faultbridge: the bridge between cloud experiment templates and the faults they ask for.

This package holds the service, one room per folder; its root holds the version and nothing else, so
that any room may be imported without loading another.
"""

from __future__ import annotations

__version__ = "0.1.0.dev0"
