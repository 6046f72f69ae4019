"""The verdict of a StatusCheck: a probe, which breaks nothing and says whether things are well."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from providers.contract import Effect, Observation
from providers.kubernetes.resource import CustomResource
from providers.kubernetes.verdicts.status import Around, condition, object_of, objects_of


def judge(
    resource: CustomResource,  # noqa: ARG001 - its status says all
    manifest: Mapping[str, Any],
    now: datetime,  # noqa: ARG001 - Chaos Mesh keeps the time
    around: Around,  # noqa: ARG001 - it has no parts
) -> Observation:
    """Judge a StatusCheck: more failures than its threshold are a failure, its end an end."""
    status = object_of(manifest.get("status"))
    records = objects_of(status.get("records"))
    failed = sum(record.get("outcome") == "Failure" for record in records)
    count = f"{failed} of {len(records)} probes kept in its status failed" if records else ""
    if condition(status, "FailureThresholdExceed"):
        return Observation(
            Effect.FAILED, f"the status check failed as often as its failureThreshold; {count}"
        )
    if condition(status, "Completed"):
        return Observation(Effect.ENDED, count if failed else "")
    if records or status.get("startTime"):
        return Observation(Effect.PRESENT, count if failed else "")
    return Observation(
        Effect.APPLYING, "Chaos Mesh has not probed yet; if it stays so, its controllers do not run"
    )
