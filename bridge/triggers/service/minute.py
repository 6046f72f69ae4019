"""The minute rule: starts what is scheduled and loops for runs that have none, and tells how late.

Its last act is one line of CloudWatch's embedded metric format, from which metrics are made without
a call or a right; serverless.yml sets alarms on them, one of them on their absence.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Final

from bridge.api.process import StartError
from bridge.engine.lateness import Lateness
from bridge.model.moment import Micros
from bridge.triggers.service.container import Container, logger

NAMESPACE: Final = "Faultbridge"
METRICS: Final = {
    "QueueAge": "Seconds",
    "UndoLate": "Seconds",
    "RunsStuck": "Count",
    "RunsOpen": "Count",
}
"""CloudWatch's metrics and their units."""


class Minute:
    """One container's rule."""

    def __init__(self) -> None:
        """Put nothing together yet."""
        self.container = Container(works=True)

    def __call__(self, _event: dict[str, Any], _context: Any) -> dict[str, Any]:
        """Look once; return which runs got a loop. Raises nothing that the next minute mends."""
        try:
            return self.container.run(self._looked)
        except StartError as error:
            logger.error("the minute rule cannot start: %s", error)
        except Exception as error:  # noqa: BLE001 - such as the absence of the database
            # A driver's own words may quote the URL.
            logger.error("the minute rule failed: %s", type(error).__name__)
        return {"started": []}

    async def _looked(self) -> dict[str, Any]:
        process = await self.container.process()
        dispatcher = self.container.dispatcher
        # Told first: what is late is mended by what follows.
        found = await dispatcher.lateness()
        sys.stdout.write(
            metrics(process.settings.installation, found, process.bridge.store.now()) + "\n"
        )
        return {"started": await dispatcher.sweep()}


def metrics(installation: str, found: Lateness, now: Micros) -> str:
    """Return a line of the embedded metric format."""
    values = (found.queue_age, found.undo_late, found.runs_stuck, found.open_runs)
    document = {
        "_aws": {
            "Timestamp": now // 1000,
            "CloudWatchMetrics": [
                {
                    "Namespace": NAMESPACE,
                    "Dimensions": [["Installation"]],
                    "Metrics": [{"Name": name, "Unit": unit} for name, unit in METRICS.items()],
                }
            ],
        },
        "Installation": installation,
        **dict(zip(METRICS, values, strict=True)),
    }
    return json.dumps(document)


handler: Final = Minute()
