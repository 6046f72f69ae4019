"""Two bridges on one store, and one that comes back: no harm."""

from __future__ import annotations
