"""A run as a few lines of Markdown, for a pipeline's summary page (``GITHUB_STEP_SUMMARY``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bridge.cli.exits import MEANINGS, Exit
from bridge.cli.markdown import fenced, inline, table
from bridge.cli.verdict import verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bridge.client.documents import ExperimentDetail

_MOST: Final = 100
"""Records that are named; GitHub takes 1 MiB a step, and nobody reads more."""
_SIGNS: Final = {Exit.COMPLETED: "✅", Exit.LEFT_BEHIND: "🚨"}


def of_run(experiment: ExperimentDetail) -> str:
    """Return the Markdown of a run that has ended."""
    return "\n".join([*_head(experiment), *_actions(experiment), *_records(experiment), ""])


def of_refusal(name: str, code: Exit, message: str) -> str:
    """Return the Markdown of a run that never began, or could not be followed to its end."""
    head = f"### {_SIGNS.get(code, '❌')} {inline(name)}"
    said = f"Exit code {int(code)}: {MEANINGS[code].split(';')[0]}."
    return "\n".join([head, "", said, "", *fenced(message), ""])


def _head(experiment: ExperimentDetail) -> Iterator[str]:
    code = verdict(experiment)
    name = experiment.description or experiment.id
    yield f"### {_SIGNS.get(code, '❌')} {inline(name)}"
    yield ""
    said = f"`{experiment.id}` **{experiment.status.value}**: {inline(experiment.reason)}"
    yield f"{said} (exit code {int(code)})"
    for failure in experiment.errors or filter(None, [experiment.failure]):
        yield ""
        yield f"**{inline(failure.location or 'experiment')}**: {inline(failure.reason)}"
        if failure.mend:
            yield from ("", "To mend it:", "", *fenced(failure.mend))


def _actions(experiment: ExperimentDetail) -> Iterator[str]:
    if not experiment.actions:
        return
    rows = []
    for one in experiment.actions:
        lasted = ""
        if one.started_at and one.ended_at:
            lasted = f"{(one.ended_at - one.started_at).total_seconds():.1f}"
        ended = one.status.value + (f": {inline(one.reason)}" if one.reason else "")
        rows.append((inline(one.name), inline(one.action_id), ended, lasted))
    yield from table(("action", "what", "ended", "seconds"), rows)


def _records(experiment: ExperimentDetail) -> Iterator[str]:
    if not experiment.records:
        return
    rows = []
    left = set(experiment.left_behind)
    # What is left behind first: it must not be what is cut off.
    ordered = sorted(experiment.records, key=lambda one: one not in left)
    for one in ordered[:_MOST]:
        end = f"🚨 **left behind** ({one.phase.value})" if one in left else one.phase.value
        error = f": {inline(one.last_error)}" if one in left and one.last_error else ""
        rows.append((inline(one.resource), inline(one.fault), end + error))
    yield from table(("resource", "fault", "in the end"), rows)
    if len(ordered) > _MOST:
        yield from ("", f"… and {len(ordered) - _MOST} more resources.")
