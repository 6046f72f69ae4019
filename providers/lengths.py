"""How long a fault stays: for a duration that must be given, or for one that may be."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from providers.contract import Fault, Timing, Undo


class LastingFault(Fault):
    """A fault that lasts for the duration of its parameter ``duration`` and is then undone."""

    def undo(self, parameters: Any) -> Undo:  # noqa: ARG002 - the same for all
        """Put back what was."""
        return Undo.RESTORES

    def timing(self, parameters: Any) -> Timing:
        """Last for the duration."""
        return Timing.lasts(parameters.duration)


class StayingFault(Fault):
    """A fault that is undone after a duration, if one is given, and else is meant to stay."""

    length: ClassVar[str] = "start_instances_after_duration"
    """Name of the parameter that gives the duration."""

    def undo(self, parameters: Any) -> Undo:
        """Restore after a duration; without one the fault stays when the action completes."""
        return Undo.RESTORES if self._length(parameters) else Undo.LASTING

    def timing(self, parameters: Any) -> Timing:
        """Last for the duration; without one complete as soon as it is in effect."""
        length = self._length(parameters)
        return Timing.lasts(length) if length else Timing.instant()

    def _length(self, parameters: Any) -> timedelta | None:
        length: timedelta | None = getattr(parameters, self.length)
        return length


class PassingFault(Fault):
    """A fault that happens once and cannot be undone: a reboot, a termination."""

    def undo(self, parameters: Any) -> Undo:  # noqa: ARG002 - the same for all
        """Cannot be undone."""
        return Undo.NONE

    def timing(self, parameters: Any) -> Timing:  # noqa: ARG002 - the same for all
        """Complete once it is in effect."""
        return Timing.instant()
