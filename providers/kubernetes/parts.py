"""What the parts of a resource show, told in the journal whenever it changes.

Parts are the targets of a chaos, the nodes of a Workflow, the runs of a Schedule, and the
experiments of a ChaosEngine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from bridge.model.event import EventType
from providers.contract import Effect, News
from providers.kubernetes.lifecycle import keeps_records
from providers.kubernetes.resource import CustomResource, Notes
from providers.kubernetes.verdicts import litmus, records, schedule, workflow
from providers.kubernetes.verdicts.status import Around, line, object_of, objects_of

MOST_PARTS: Final = 100
"""Parts of one resource that are told of."""
_UNREAD: Final = "parts unread"
_MORE: Final = "more parts"


def told(
    resource: CustomResource, manifest: Mapping[str, Any], now: datetime, around: Around
) -> tuple[tuple[News, ...], Notes]:
    """Return the news about the parts, and what to remember of them."""
    notes = resource.notes
    parts, runs, said = dict(notes.parts), dict(notes.runs), list(notes.said)
    news: list[News] = []
    for name, details in _parts(resource, manifest, now, around):
        shown = "\n".join(f"{key}={text}" for key, text in sorted(details.items()))
        if parts.get(name) == shown:
            continue
        if name not in parts and len(parts) >= MOST_PARTS:
            if _MORE not in said:
                said.append(_MORE)
                news.append(_state({"reason": "there are more parts; they are not told of here"}))
            continue
        parts[name] = shown
        news.append(_state({**({"part": name} if name else {}), **details}))
    if around.unread and _UNREAD not in said:
        said.append(_UNREAD)
        reason = f"its {_called(resource)} cannot be read: {line(around.unread)}"
        news.append(_state({"reason": reason}))
    for name, words in _injected(resource, now, around):
        if words is not None and (name in runs or len(runs) < MOST_PARTS):
            # Once injected it stays so, though a later look finds it recovered or failing.
            runs[name] = "" if runs.get(name) == "" else words
    changed = Notes(events=notes.events, parts=parts, runs=runs, said=said)
    return tuple(news), changed if changed != notes else notes


def _state(details: Mapping[str, Any]) -> News:
    return News(EventType.RESOURCE_STATE, dict(details))


def _called(resource: CustomResource) -> str:
    return {"Workflow": "nodes", "Schedule": "runs"}.get(resource.kind, "results")


def _parts(
    resource: CustomResource, manifest: Mapping[str, Any], now: datetime, around: Around
) -> Iterator[tuple[str, dict[str, str]]]:
    if keeps_records(resource.group, resource.kind):
        counted = records.counted(manifest)
        if counted:
            yield "", {"targets": counted}
    elif resource.kind == "Workflow":
        for node in around.parts or ():
            name = workflow.name_of(node)
            yield name, workflow.node_details(node, (around.chaos or {}).get(name))
    elif resource.kind == "Schedule":
        for run in around.parts or ():
            seen = schedule.as_child(resource, run, now)
            details = {
                "phase": _PHASES.get(seen.effect, ""),
                "targets": records.counted(run),
                "reason": seen.reason if seen.effect is Effect.FAILED else "",
            }
            yield workflow.name_of(run), {key: text for key, text in details.items() if text}
    elif resource.kind == "ChaosEngine":
        yield from _experiments(resource, manifest, around)


_PHASES: Final = {
    Effect.APPLYING: "beginning",
    Effect.PRESENT: "in effect",
    Effect.LIFTING: "recovering",
    Effect.ENDED: "over",
    Effect.FAILED: "failed",
}


def _experiments(
    resource: CustomResource, manifest: Mapping[str, Any], around: Around
) -> Iterator[tuple[str, dict[str, str]]]:
    results = {workflow.name_of(result): result for result in around.parts or ()}
    status = object_of(manifest.get("status"))
    for experiment in objects_of(status.get("experiments")):
        name = line(experiment.get("name"))
        details = {
            "phase": line(experiment.get("status")),
            "verdict": line(experiment.get("verdict")),
            **litmus.outcome(results.get(f"{resource.name}-{name}", {})),
        }
        yield name, {key: text for key, text in details.items() if text}


def _injected(
    resource: CustomResource, now: datetime, around: Around
) -> Iterator[tuple[str, str | None]]:
    """Say of each chaos of the parts whether it was injected: empty, or why it was not."""
    if resource.kind == "Workflow":
        for name, chaos in (around.chaos or {}).items():
            yield name, workflow.never_injected(chaos)
    elif resource.kind == "Schedule":
        for run in around.parts or ():
            found = records.records_of(run)
            if records.ever_injected(found):
                yield workflow.name_of(run), ""
            elif schedule.as_child(resource, run, now).effect is Effect.FAILED:
                yield workflow.name_of(run), records.why_not(found)
            else:
                yield workflow.name_of(run), records.failure(found, "Apply") or None
