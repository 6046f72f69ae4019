"""The loop of a run as a durable function; `bridge.dispatch.durable` says how it goes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from aws_durable_execution_sdk_python import DurableContext, durable_execution

from bridge.api.process import StartError
from bridge.dispatch import DurableDispatcher
from bridge.dispatch.durable_loop import run_loop
from bridge.triggers.service.container import Container, logger

_UNTIL_IT_CAN_START: Final = 15
"""Seconds to the next look of a bridge that cannot start: its database may just be away."""


class ContainersLooks:
    """Looks at runs with the bridge of this container."""

    def __init__(self) -> None:
        """Put nothing together yet."""
        self.container = Container(works=True)

    def look(self, experiment_id: str, sequence: int) -> int | None:
        """Look at a run; return after how many seconds to look again, None where never."""
        return self._told(lambda dispatcher: dispatcher.look(experiment_id, sequence))

    def hand_over(self, experiment_id: str, sequence: int) -> int | None:
        """Start the next execution; return after how many seconds to try again, None where not."""
        return self._told(lambda dispatcher: dispatcher.hand_over(experiment_id, sequence))

    def operations(self) -> int:
        """Return after how many operations to hand over."""

        async def asked() -> int:
            return (await self.container.process()).settings.loop_operations

        try:
            return self.container.run(asked)
        except StartError:
            return 0

    def _told(self, ask: Callable[[DurableDispatcher], Awaitable[int | None]]) -> int | None:
        async def asked() -> int | None:
            await self.container.process()
            return await ask(self.container.dispatcher)

        try:
            return self.container.run(asked)
        except StartError as error:
            logger.error("the loop cannot start: %s", error)
            return _UNTIL_IT_CAN_START


looks: Final = ContainersLooks()


@durable_execution
def handler(event: dict[str, Any], context: DurableContext) -> None:
    """Look after the run that the event names, until it is over or another execution has it."""
    run_loop(context, event, looks)
