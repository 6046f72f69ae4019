"""Documents as their authors wrote them: JSON or YAML text into values, with every place kept.

Used for files and for texts within documents (a chaos spec in a FIS parameter), so that both are
read alike: strictly, in time linear to their size, every oddity told by line and column.

    written = read('{"action": "delay"}')
    written.value, written.problems, written.place_of("action")
"""

from __future__ import annotations

from bridge.model.notation.reading import DEEPEST, read, read_stream
from bridge.model.notation.written import Finding, Place, Written, deeper_than

__all__ = ["DEEPEST", "Finding", "Place", "Written", "deeper_than", "read", "read_stream"]
