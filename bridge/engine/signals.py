"""What is pushed: signals kept, and the runs whose stop condition they meet asked to stop.

A reading is committed before the runs that watch are looked for, and a run is committed before it
looks for readings: whichever comes first, a run that starts as a signal arrives hears it.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.model.moment import Micros, micros
from bridge.model.signal import Signal, SignalState
from bridge.store import Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import timedelta

    from bridge.store import Store
    from providers.contract import StopSource

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Heard:
    """A signal, and what came of it."""

    signal: Signal
    stopped: tuple[str, ...] = ()
    """The runs that were asked to stop, now or by an earlier signal."""


async def hear(
    store: Store,
    source_of: Callable[[str], StopSource],
    signals: Sequence[Signal],
    *,
    memory: timedelta,
) -> list[Heard]:
    """Keep signals and ask the runs to stop that they mean; who asked wakes them.

    A repeat harms nothing. ``source_of`` raises KeyError for a source that is unknown.
    """
    stopped: dict[int, list[str]] = {}
    by_source: dict[str, list[int]] = defaultdict(list)
    for place, signal in enumerate(signals):
        by_source[signal.source].append(place)
    for name, places in by_source.items():
        source = source_of(name)
        said = [signals[place] for place in places]
        counts = [True] * len(places)
        if source.pushed:
            oldest = Micros(store.now() - micros(memory))
            counts = await store.save_signals(name, said, oldest=oldest)
        rings = [
            place
            for place, one in zip(places, counts, strict=True)
            if one and signals[place].state is SignalState.TRIGGERED
        ]
        if rings:
            found = await store.stop_watchers(
                name,
                [signals[place] for place in rings],
                source.matches,
                read_at_start=not source.pushed,
            )
            stopped |= dict(zip(rings, found, strict=True))
        if not source.pushed:
            await store.refresh_readings(said)
    return [Heard(signal, tuple(stopped.get(place, ()))) for place, signal in enumerate(signals)]


async def heard_readings(
    store: Store, source: StopSource, values: Sequence[str], *, memory: timedelta
) -> dict[str, Reading]:
    """Return what was pushed of some conditions, by value; one never heard of is missing.

    Of several alerts of one condition, one that is triggered decides, else the newest.
    """
    readings = await store.heard(source.source, since=Micros(store.now() - micros(memory)))
    found: dict[str, Reading] = {}
    for value in values:
        met = [one for one in readings if source.matches(value, Signal.value_of(one.value))]
        rings = [one for one in met if one.state == SignalState.TRIGGERED]
        if met:
            last = max(rings or met, key=lambda one: one.read_at or 0)
            found[value] = Reading(value, last.state, last.read_at)
    return found
