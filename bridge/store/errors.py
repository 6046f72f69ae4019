"""What the store refuses.

StoreError
├── TokenConflictError    a client token came back with another request
├── OverlapError          another run holds the resource
├── AtOnceError           all runs together would touch more than is allowed
├── LeaseLostError        the run belongs to another worker now
└── DirectoryInUseError   another bridge runs on the data directory
"""

from __future__ import annotations


class StoreError(Exception):
    """Base of what the store refuses."""


class TokenConflictError(StoreError):
    """The client token was used before, for another request."""


class LeaseLostError(StoreError):
    """The run's fence has moved on; nothing of the commit was written."""


class OverlapError(StoreError):
    """Another run holds a live record of the same effect on a resource."""

    def __init__(self, resource: str, holder: str) -> None:
        """Name the resource and the experiment that holds it."""
        super().__init__(
            f"{resource} is held by experiment {holder}; wait for it to end, or stop it"
        )
        self.resource = resource
        self.holder = holder


class AtOnceError(StoreError):
    """The records of a commit would make more live ones in all runs together than is allowed."""

    def __init__(self, live: int, fresh: int, most: int) -> None:
        """Say how many there are, how many were to be added, and how many may be."""
        super().__init__(f"{live} resources are touched now, {fresh} more would be over {most}")
        self.live = live
        self.fresh = fresh


class DirectoryInUseError(StoreError):
    """Another bridge runs on the data directory."""
