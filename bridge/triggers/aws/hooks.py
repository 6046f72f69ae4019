"""Those who wait for a run's verdict: CodeDeploy's lifecycle hooks, and tasks of Step Functions."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from typing import Final

from bridge.client.documents import ExperimentDetail
from bridge.triggers.aws import callbacks
from bridge.triggers.aws.lambda_context import LambdaContext, Payload, seconds_left
from bridge.triggers.errors import EventRefusedError, TriggerError
from bridge.triggers.event import Event
from bridge.triggers.trigger import Answer, Result, configured, stopped_run
from bridge.triggers.waiting import succeeded, verdict, watch

STILL_RUNNING: Final = "Faultbridge.StillRunning"
"""The error of a task whose run goes on when the function's time is up: for its Retry."""
REFUSED: Final = "Faultbridge.Refused"
_TOO_LONG: Final = "The deployment's hook had no time left to wait for the end."

_log = logging.getLogger(__name__)


def codedeploy(event: Payload, context: LambdaContext) -> Payload:
    """Run an experiment within a deployment: Succeeded if it completed, else Failed.

    The run must end within the function's time-out (15 minutes at most): one that does not is
    stopped, and the hook Failed. What no rule fits has Succeeded. Where the bridge cannot be
    asked the hook has Failed, and TriggerError is raised.
    """
    execution = str(event["LifecycleEventHookExecutionId"])
    try:
        answer = configured().handle(Event(event, execution))
        ended = _watched(answer, context)
        passed = ended is None or succeeded(ended)
        if ended is not None and not ended.status.ended:
            ended = stopped_run(configured(), ended.id, _TOO_LONG)
    except TriggerError:
        callbacks.hook_ended(event["DeploymentId"], execution, passed=False)
        raise
    callbacks.hook_ended(event["DeploymentId"], execution, passed=passed)
    if ended is not None and not passed:
        _log.error("the hook failed: %s", verdict(ended))
    return {**answer.wire(), "status": "Succeeded" if passed else "Failed"}


def step_functions(event: Payload, context: LambdaContext) -> Payload:
    """Run an experiment as a task of Step Functions (``lambda:invoke.waitForTaskToken``).

    The payload has ``taskToken``, and ``id``, which is the same when the task is tried again. A
    run that has not ended when the function's time is up fails the task with
    ``Faultbridge.StillRunning``: its Retry invokes the function again, which finds the same run.
    Raises TriggerError where the bridge cannot be asked: the task fails, and its Retry decides.
    """
    token = str(event["taskToken"])
    document = {name: value for name, value in event.items() if name != "taskToken"}
    known_by = str(event.get("id") or hashlib.sha256(token.encode()).hexdigest())
    try:
        answer = configured().handle(Event(document, known_by))
        run = _watched(answer, context, goes_on=lambda: callbacks.task_alive(token))
    except EventRefusedError as error:
        callbacks.task_failed(token, REFUSED, str(error))
        return {"result": "refused"}
    if run is None:
        callbacks.task_succeeded(token, answer.wire())
    elif succeeded(run):
        callbacks.task_succeeded(token, callbacks.output_of(run))
    elif not run.status.ended:
        callbacks.task_failed(token, STILL_RUNNING, f"{run.id} has not ended yet")
    else:
        callbacks.task_failed(token, _error_of(run), verdict(run))
    return answer.wire()


def _watched(
    answer: Answer, context: LambdaContext, *, goes_on: Callable[[], bool] = lambda: True
) -> ExperimentDetail | None:
    """Return the run that an answer started, when it has ended or the time is up."""
    if answer.result is not Result.STARTED:
        return None
    (run,) = answer.experiments
    return watch(configured().client, run, seconds_left(context), goes_on=goes_on)


def _error_of(run: ExperimentDetail) -> str:
    if not run.status.ended:
        return STILL_RUNNING
    return (
        "Faultbridge.LeftBehind" if run.left_behind else f"Faultbridge.{run.status.value.title()}"
    )
