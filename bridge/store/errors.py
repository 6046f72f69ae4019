"""What the store refuses.

StoreError
├── TokenConflictError    a client token came back with another request
├── OverlapError          another run holds the resource
├── AtOnceError           all runs together would touch more than is allowed
├── LeaseLostError        the run belongs to another worker now
├── NameTakenError        there is an action template of that name
├── InUseError            experiment templates use what is to be deleted
├── TooManyError          a quota is used up
├── DeletedError          what a template was made from has been deleted meanwhile
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


class NameTakenError(StoreError):
    """There is an action template of that name."""


class InUseError(StoreError):
    """Experiment templates use what is to be deleted."""

    def __init__(self, uses: list[tuple[str, str]]) -> None:
        """Name each use: the action template's version, and the experiment template."""
        shown = ", ".join(f"{template} uses {reference}" for reference, template in uses[:5])
        more = f", and {len(uses) - 5} more" if len(uses) > 5 else ""  # noqa: PLR2004 - as cut above
        super().__init__(f"{shown}{more}; delete or change those experiment templates first")
        self.uses = uses


class TooManyError(StoreError):
    """A quota is used up."""


class DeletedError(StoreError):
    """What a template was made from has been deleted meanwhile."""

    def __init__(self, reference: str) -> None:
        """Name the version of the action template."""
        super().__init__(f"action template {reference} was deleted meanwhile; name another")


class DirectoryInUseError(StoreError):
    """Another bridge runs on the data directory."""
