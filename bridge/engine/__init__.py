"""How a run proceeds: the pure machine, advance, target selection, stop conditions, rescue.

May touch the store, the catalogue and the providers' contract; never a cloud's SDK. What wakes
a run is the dispatcher's business, above.
"""

from __future__ import annotations

from bridge.engine.advance import Engine
from bridge.engine.experiment import new_experiment
from bridge.engine.providers import Providers
from bridge.engine.schedules import Scheduler

__all__ = ["Engine", "Providers", "Scheduler", "new_experiment"]
