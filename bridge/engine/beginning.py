"""What a run's journal says before the first fault: targets, and what was asked about rights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bridge.model.event import EventType
from bridge.model.moment import Micros, iso_timestamp
from providers.checks import Check, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.engine.run import Run
    from bridge.engine.targets import TargetResult

_PAGE: Final = 100
"""Resolved targets per journal entry; FIS pages them too."""


def note_checks(name: str, checks: Sequence[Check], run: Run, now: Micros) -> None:
    """Write what was asked about an action before the first fault, the worst answers first."""
    for verdict in (Verdict.MISSING, Verdict.UNCHECKED, Verdict.OK):
        named = list(dict.fromkeys(_entry(one) for one in checks if one.verdict is verdict))
        for first in range(0, len(named), _PAGE):
            entries = [dict(one) for one in named[first : first + _PAGE]]
            run.note(
                EventType.PREFLIGHT, now, action_name=name, verdict=verdict.value, checks=entries
            )


def _entry(check: Check) -> tuple[tuple[str, str], ...]:
    """Return a check for the journal; the mend stands with the failure that it becomes.

    Of what is right in many places of an account it says so once; a reason names its place.
    """
    members = {
        "what": check.what,
        "cloud": check.cloud,
        "account": check.account,
        "namespace": check.namespace,
        "reason": check.reason,
    }
    return tuple((name, said) for name, said in members.items() if said)


def note_target(result: TargetResult, run: Run, now: Micros) -> None:
    """Write what a target came to."""
    template = run.experiment.template.targets[result.name]
    at = iso_timestamp(now)
    run.note(
        EventType.TARGET_RESOLUTION_START,
        now,
        target_name=result.name,
        target_resolution_start_time=at,
    )
    error = {"error_information": result.failure.reason} if result.failure else {}
    run.note(
        EventType.TARGET_RESOLUTION_DETAIL,
        now,
        target_name=result.name,
        target_type=template.resource_type,
        target_resolution_end_time=at,
        account_id=run.experiment.scope.account,
        resolved_targets_count=len(result.taken),
        status="failed" if result.failure else "completed",
        **error,
    )
    pages = max(1, -(-len(result.taken) // _PAGE))
    for page in range(pages):
        part = result.taken[page * _PAGE : (page + 1) * _PAGE]
        run.note(
            EventType.TARGET_RESOLUTION_END,
            now,
            target_name=result.name,
            target_type=template.resource_type,
            target_resolution_end_time=at,
            resolved_targets=[dict(resource.information) for resource in part],
            page=page + 1,
            total_pages=pages,
            **error,
        )
