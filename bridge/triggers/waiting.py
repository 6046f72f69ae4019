"""Waiting for a run's end, within the time that a function has left."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from bridge.client import Client, ClientError, FailedError, UnreachableError
from bridge.client.documents import ExperimentDetail
from bridge.model.experiment import ExperimentStatus
from bridge.triggers.errors import translated

MARGIN: Final = 3.0
"""Seconds before its end in which a function tells its caller how far it has come."""
_LONGEST_WAIT: Final = 20.0
"""Seconds that the bridge lets one request wait."""
_PAUSE: Final = 1.0


def watch(
    client: Client,
    experiment: ExperimentDetail,
    remaining: Callable[[], float],
    *,
    goes_on: Callable[[], bool] = lambda: True,
    sleep: Callable[[float], None] = time.sleep,
) -> ExperimentDetail:
    """Return a run when it has ended, or as it is when the time is up.

    ``remaining`` are the seconds left; after each look ``goes_on`` says whether anybody still
    waits. A bridge that is away is asked again while there is time. Raises TriggerError.
    """
    place = 0
    while True:
        left = remaining() - MARGIN
        if experiment.status.ended or left <= 0:
            return experiment
        try:
            page = client.events(experiment.id, after=place, wait=min(left, _LONGEST_WAIT))
            place = page.next
            if page.ended:
                experiment = client.experiment(experiment.id)
        except (UnreachableError, FailedError) as error:
            if remaining() - MARGIN <= _PAUSE:
                raise translated(error) from None
            sleep(_PAUSE)
        except ClientError as error:
            raise translated(error) from None
        if not goes_on():
            return experiment


def succeeded(experiment: ExperimentDetail) -> bool:
    """Whether a run completed and left nothing behind."""
    return experiment.status is ExperimentStatus.COMPLETED and not experiment.left_behind


def verdict(experiment: ExperimentDetail) -> str:
    """Return how an ended run ended, in words."""
    if experiment.left_behind:
        resources = ", ".join(one.resource for one in experiment.left_behind)
        return f"{experiment.id} left a fault behind: {resources}"
    return f"{experiment.id} {experiment.status.value}: {experiment.reason}"
