"""Looking at resources while a case goes on: how often a fault came over each, and left it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bridge.model.record import Record
from tests.trial.rig import Rig

_LOOKED_AT = 7
"""Of many resources so many are looked at, spread over all."""


class Watch:
    """Counts the beginnings and the ends of a fault on resources, as the cloud has them.

    It looks after each step that changes something and whenever time has passed, so that a fault
    that is brought about a second time, or undone twice, is seen as such.
    """

    def __init__(self, rig: Rig, records: Sequence[Record]) -> None:
        """Begin with what there is."""
        self._rig = rig
        self._records = list(records[:: max(1, len(records) // _LOOKED_AT)])
        self._faulted = {r.resource: rig.is_faulted(r) for r in self._records}
        self.begun: Counter[str] = Counter()
        self.undone: Counter[str] = Counter()

    def look(self) -> None:
        """Look at each of them now."""
        with self._rig.at.looking():
            seen = {r.resource: self._rig.is_faulted(r) for r in self._records}
        for resource, faulted in seen.items():
            if faulted != self._faulted[resource]:
                (self.begun if faulted else self.undone)[resource] += 1
        self._faulted = seen

    def repeated(self, *, at_most: int = 1) -> list[str]:
        """Return what happened more often than it should."""
        return [
            f"{what} {times} times: {resource}"
            for what, counted in (("faulted", self.begun), ("undone", self.undone))
            for resource, times in counted.items()
            if times > at_most
        ]
