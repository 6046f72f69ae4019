"""What CodeDeploy and Step Functions are told: the only calls to AWS that a handler makes.

boto3 is there in Lambda's own environment, and loaded when there is something to tell.
"""

from __future__ import annotations

import json
import logging
from functools import cache
from typing import Any, Final

from bridge.client.documents import ExperimentDetail

_LONGEST_ERROR: Final = 256
_LONGEST_CAUSE: Final = 32768
_GONE: Final = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})
"""Step Functions does not wait for this token any more."""
_TOLD_ALREADY: Final = frozenset(
    {"LifecycleEventAlreadyCompletedException", "InvalidLifecycleEventHookExecutionStatusException"}
)

_log = logging.getLogger(__name__)


@cache
def _client(service: str) -> Any:
    import boto3  # noqa: PLC0415 - most functions never need it

    return boto3.client(service)  # type: ignore[call-overload] # either of two services


def _call(service: str, operation: str, unheard: frozenset[str], **arguments: Any) -> bool:
    """Call AWS; False where nobody waits for what is told."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - as boto3

    try:
        getattr(_client(service), operation)(**arguments)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code not in unheard:
            raise
        _log.warning("%s: nobody waits for this any more (%s)", operation, code)
        return False
    return True


def hook_ended(deployment: str, execution: str, *, passed: bool) -> bool:
    """Tell CodeDeploy how a lifecycle hook ended."""
    return _call(
        "codedeploy",
        "put_lifecycle_event_hook_execution_status",
        _TOLD_ALREADY,
        deploymentId=deployment,
        lifecycleEventHookExecutionId=execution,
        status="Succeeded" if passed else "Failed",
    )


def task_succeeded(token: str, output: Any) -> bool:
    """Tell Step Functions what a task came to."""
    return _call(
        "stepfunctions", "send_task_success", _GONE, taskToken=token, output=json.dumps(output)
    )


def task_failed(token: str, error: str, cause: str) -> bool:
    """Tell Step Functions that a task failed: ``error`` is what Retry and Catch look for."""
    return _call(
        "stepfunctions",
        "send_task_failure",
        _GONE,
        taskToken=token,
        error=error[:_LONGEST_ERROR],
        cause=cause[:_LONGEST_CAUSE],
    )


def task_alive(token: str) -> bool:
    """Tell Step Functions that a task goes on."""
    return _call("stepfunctions", "send_task_heartbeat", _GONE, taskToken=token)


def output_of(experiment: ExperimentDetail) -> dict[str, Any]:
    """Return what a state machine goes on with: a run in short."""
    return {
        "experimentId": experiment.id,
        "templateId": experiment.template_id,
        "status": experiment.status.value,
        "reason": experiment.reason,
    }
