"""The documentation, and what writes the parts of it that code declares."""

from __future__ import annotations
