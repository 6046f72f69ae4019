"""Rights that several faults need of the experiment's identity, in Google's words."""

from __future__ import annotations

from typing import Final

from providers.contract import Permission, indirect, required

READING: Final[tuple[Permission, ...]] = (
    *required("compute.instances.get"),
    *indirect("compute.instances.list", because="beyond five of a zone they are listed"),
)
"""To see what an instance is like now."""

OPERATIONS: Final[tuple[Permission, ...]] = indirect(
    "compute.zoneOperations.get",
    "compute.zoneOperations.list",
    because="the operation of a change that does not show yet, or failed late, is asked for",
)
"""To follow a change that was accepted."""
