"""A process that slept past its lease, with nobody else to take its run: nothing was refused."""

from __future__ import annotations

from bridge.model.experiment import ExperimentStatus
from providers.contract import FenceLostError
from tests.engine.world import Bench, halt


async def test_targets_are_resolved_again_when_the_lease_ended_before_they_were_read(
    bench: Bench,
) -> None:
    left = 2

    def asleep(point: str) -> None:
        nonlocal left
        if point == "before resolve" and left:
            left -= 1
            raise FenceLostError("the lease of the run ended before the request was sent")

    bench.world.hook = asleep
    run = await bench.start({"halt": halt(length="PT5M")})
    await bench.drive()
    assert left == 0
    done = await bench.run(run)
    assert (done.status, done.reason) == (ExperimentStatus.COMPLETED, "Experiment completed.")
