"""A run as a few lines of Markdown, for a pipeline's summary page (``GITHUB_STEP_SUMMARY``).

Nothing of a run can leave its cell or become a link, an image or markup: reasons and names are
other people's text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from bridge.cli.exits import MEANINGS, Exit
from bridge.cli.output import clean
from bridge.cli.verdict import verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bridge.client.documents import ExperimentDetail

_MOST: Final = 100
"""Records that are named; GitHub takes 1 MiB a step, and nobody reads more."""
_MARKUP: Final = re.compile(r"([\\`*_{}\[\]<>()#+!|~&@-])")
_SIGNS: Final = {Exit.COMPLETED: "✅", Exit.LEFT_BEHIND: "🚨"}


def of_run(experiment: ExperimentDetail) -> str:
    """Return the Markdown of a run that has ended."""
    return "\n".join([*_head(experiment), *_actions(experiment), *_records(experiment), ""])


def of_refusal(name: str, code: Exit, message: str) -> str:
    """Return the Markdown of a run that never began, or could not be followed to its end."""
    head = f"### {_SIGNS.get(code, '❌')} {inline(name)}"
    return "\n".join(
        [
            head,
            "",
            f"Exit code {int(code)}: {MEANINGS[code].split(';')[0]}.",
            "",
            *fenced(message),
            "",
        ]
    )


def inline(text: str) -> str:
    """Return others' text as one line of Markdown that is nothing but text."""
    return _MARKUP.sub(r"\\\1", " ".join(clean(text).split()))


def fenced(text: str, language: str = "text") -> list[str]:
    """Return others' text as a fenced block that it cannot close."""
    text = clean(text).rstrip()
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *text.splitlines(), fence]


def row(cells: Iterable[str]) -> str:
    """Return a row of a table; the cells are Markdown already."""
    return f"| {' | '.join(cells)} |"


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
    yield from ("", row(("action", "what", "ended", "seconds")), row(["---"] * 4))
    for one in experiment.actions:
        lasted = ""
        if one.started_at and one.ended_at:
            lasted = f"{(one.ended_at - one.started_at).total_seconds():.1f}"
        ended = one.status.value + (f": {inline(one.reason)}" if one.reason else "")
        yield row((inline(one.name), inline(one.action_id), ended, lasted))


def _records(experiment: ExperimentDetail) -> Iterator[str]:
    if not experiment.records:
        return
    yield from ("", row(("resource", "fault", "in the end")), row(["---"] * 3))
    left = set(experiment.left_behind)
    # What is left behind first: it must not be what is cut off.
    ordered = sorted(experiment.records, key=lambda one: one not in left)
    for one in ordered[:_MOST]:
        end = f"🚨 **left behind** ({one.phase.value})" if one in left else one.phase.value
        error = f": {inline(one.last_error)}" if one in left and one.last_error else ""
        yield row((inline(one.resource), inline(one.fault), end + error))
    if len(ordered) > _MOST:
        yield from ("", f"… and {len(ordered) - _MOST} more resources.")
