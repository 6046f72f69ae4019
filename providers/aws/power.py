"""The power state of EC2 instances: how it is read, judged and changed, many in one call."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from bridge.model.record import Record
from providers.aws.arns import plain_id
from providers.aws.batches import LARGEST, each_possible, plain_ids
from providers.aws.describe import instances_by_id, state_of
from providers.aws.review import dry_run
from providers.aws.session import AwsSession
from providers.contract import (
    DONE,
    PENDING,
    AccessDeniedError,
    Denial,
    Outcome,
    OutcomeKind,
    Outcomes,
    Resource,
)

POWER: Final = "ec2:instance-power"
"""The effect that all of them have: one run at a time has its hands on an instance's power."""

ENDED: Final = ("shutting-down", "terminated")
GONE: Final = Outcome(OutcomeKind.GONE, "the instance is terminated")

_ANSWERS: Final = {
    "StopInstances": ("StoppingInstances", "stopped"),
    "StartInstances": ("StartingInstances", "running"),
    "TerminateInstances": ("TerminatingInstances", "terminated"),
}


def rejected(reason: str) -> Outcome:
    """Refuse a record."""
    return Outcome(OutcomeKind.REJECTED, reason)


async def look(
    session: AwsSession, records: Sequence[Record]
) -> list[tuple[Record, dict[str, Any] | None]]:
    """Return each record with its instance, None where that is not there any more."""
    instances = await instances_by_id(session, plain_ids(records))
    return [(record, instances.get(plain_id(record.resource))) for record in records]


async def change(session: AwsSession, operation: str, records: Sequence[Record]) -> Outcomes:
    """Stop, start or terminate: done where the answer shows the end state, else pending."""
    return await each_possible(records, partial(_change, session, operation))


async def _change(session: AwsSession, operation: str, records: Sequence[Record]) -> Outcomes:
    changed, reached = _ANSWERS[operation]
    answer = await session.call("ec2", operation, InstanceIds=plain_ids(records))
    states = {one["InstanceId"]: state_of(one, "CurrentState") for one in answer.get(changed, ())}
    return {
        record.id: DONE if states.get(plain_id(record.resource)) == reached else PENDING
        for record in records
    }


async def review(
    session: AwsSession, resources: Sequence[Resource], *operations: str
) -> list[Denial]:
    """Ask by dry runs whether the session may make each call on the instances."""
    ids = [plain_id(resource.id) for resource in resources][:LARGEST]
    return await dry_run(session, *((name, {"InstanceIds": ids}) for name in operations))


def stoppable(instance: dict[str, Any] | None, one_time: frozenset[str]) -> Outcome:
    """Judge whether an instance can be stopped; ``one_time`` are Spot requests of that type.

    EC2's rules: not while it comes up for the first time (IncorrectInstanceState), not with an
    instance store as root device, and not as Spot Instance of a one-time request
    (UnsupportedOperation). What DescribeInstances calls ``pending`` may be the first time, so
    it is refused.
    """
    state = state_of(instance)
    if instance is None or state in ENDED:
        return GONE
    if state in ("stopped", "stopping"):
        return Outcome(OutcomeKind.LEFT, f"the instance is {state} already")
    if state != "running":
        return rejected(
            f"the instance is {state}, and EC2 does not stop one that is still coming up; start "
            "the run again when it is running, or filter by State.Name = running"
        )
    if instance.get("RootDeviceType") == "instance-store":
        return rejected(
            "its root device is an instance store, which does not survive a stop, so EC2 refuses "
            "it; choose instances with an EBS root device"
        )
    if instance.get("SpotInstanceRequestId") in one_time:
        return rejected(
            "it is a Spot Instance of a one-time request, which EC2 does not stop; choose "
            "On-Demand Instances, or Spot Instances of a persistent request"
        )
    return DONE


async def one_time_requests(
    session: AwsSession, instances: Sequence[dict[str, Any] | None]
) -> frozenset[str]:
    """Return which Spot requests behind the instances are one-time; none without the right."""
    requests = sorted({i["SpotInstanceRequestId"] for i in instances if i and _is_spot(i)})
    if not requests:
        return frozenset()
    try:
        answer = await session.call(
            "ec2", "DescribeSpotInstanceRequests", SpotInstanceRequestIds=requests
        )
    except AccessDeniedError:
        return frozenset()
    return frozenset(
        request["SpotInstanceRequestId"]
        for request in answer["SpotInstanceRequests"]
        if request.get("Type") == "one-time"
    )


def _is_spot(instance: dict[str, Any]) -> bool:
    return instance.get("InstanceLifecycle") == "spot" and "SpotInstanceRequestId" in instance
