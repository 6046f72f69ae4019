"""The loop of a run, as a durable execution of AWS Lambda.

Lambda keeps a journal of each execution and runs its code again from the beginning at every
wake-up, with what the journal knows in place of what has been done. So all that reads a clock or
the store lies in steps, and a step keeps one number. No step raises: the journal and the SDK's log
would keep its words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from aws_durable_execution_sdk_python.config import Duration
from aws_durable_execution_sdk_python.types import DurableContext, StepContext

OPERATIONS_BESIDE: Final = 3
"""Operations of an execution that are no look and no wait: its own, asking for the limit, and the
handing over."""
OPERATIONS_OF_A_LOOK: Final = 2


class Looks(Protocol):
    """What a loop does with its run; `DurableDispatcher`, from a thread without an event loop."""

    def look(self, experiment_id: str, sequence: int) -> int | None:
        """Return after how many seconds to look again, None where there is nothing more to do."""

    def operations(self) -> int:
        """Return after how many operations to hand over."""

    def hand_over(self, experiment_id: str, sequence: int) -> int | None:
        """Start the next execution; return after how many seconds to try again where it failed."""


def run_loop(context: DurableContext, event: Mapping[str, Any], looks: Looks) -> None:
    """Look after the run that ``event`` names until it is over, or for a limited time.

    Each look costs two operations, the look and the wait; the journal is replayed at every look,
    which is why fewer than Lambda allows are cheaper too.
    """
    experiment_id, sequence = str(event["experiment"]), int(event["sequence"])

    def look(_: StepContext) -> int | None:
        return looks.look(experiment_id, sequence)

    def hand_over(_: StepContext) -> int | None:
        return looks.hand_over(experiment_id, sequence)

    def limit(_: StepContext) -> int:
        return looks.operations()

    operations = context.step(limit, name="limit")
    for _ in range(max(1, (operations - OPERATIONS_BESIDE) // OPERATIONS_OF_A_LOOK)):
        pause = context.step(look, name="look")
        if pause is None:
            return
        context.wait(Duration.from_seconds(pause), name="wait")
    # As long as it takes: between the setting and Lambda's limit there is room for fifty tries.
    while (pause := context.step(hand_over, name="hand over")) is not None:
        context.wait(Duration.from_seconds(pause), name="wait")
