"""Chaos Mesh's Schedule, simulated: runs that begin by cron, and are kept for a while.

A run that does not end blocks every other one where the policy is Forbid, the default, as with
upstream. A Schedule that was missed for longer than `startingDeadlineSeconds` skips.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes.chaos_mesh_children import (
    Parents,
    create_child,
    is_finished,
    spec_under,
)
from bridge.sandbox.kubernetes.chaos_mesh_events import FAILED, EventRecorder
from bridge.sandbox.kubernetes.chaos_mesh_kinds import GROUP
from bridge.sandbox.kubernetes.chaos_mesh_phase import is_paused
from bridge.sandbox.kubernetes.objects import Key, timestamp
from providers.kubernetes.cron import next_run
from providers.kubernetes.specs import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from bridge.sandbox.kubernetes.objects import Object, ObjectStore

MANAGED_BY = "managed-by"
_COMPONENT = "schedule"


class Schedules(Parents):
    """The controllers of Schedules over one object store."""

    plural = "schedules"
    label = MANAGED_BY

    def __init__(self, store: ObjectStore, *, now: Callable[[], datetime], random: Random) -> None:
        super().__init__(store, now)
        self._random = random
        self._recorder = EventRecorder(store, now)
        self._told: dict[Key, datetime] = {}
        """Of which time it was said already that it is not used."""

    def _reconcile(self, key: Key) -> None:
        schedule = self._store.get(key)
        if schedule is None or "deletionTimestamp" in schedule["metadata"]:
            self._told.pop(key, None)
            if schedule is None:
                self._known.discard(key)
            return
        kind = schedule["spec"].get("type")
        if kind not in KINDS:
            return
        runs = [
            run
            for run in self._store.list(GROUP, KINDS[kind].plural, key.namespace)
            if (run["metadata"].get("labels") or {}).get(MANAGED_BY) == key.name
        ]
        active = [run for run in runs if not is_finished(run)]
        self._collect(schedule, [run for run in runs if is_finished(run)])
        if not is_paused(schedule):
            self._start(key, schedule, active)
        self._report(key, active, kind)

    def _start(self, key: Key, schedule: Object, active: list[Object]) -> None:
        """Begin the run that is due, if the policy lets it, and note when the next one is."""
        spec, now = schedule["spec"], self._now()
        text = schedule.get("status", {}).get("time") or schedule["metadata"]["creationTimestamp"]
        last = datetime.fromisoformat(text).astimezone(UTC)
        due = next_run(spec["schedule"], last)
        if due is None:
            return
        missed = due
        while (further := next_run(spec["schedule"], missed)) is not None and further <= now:
            missed = further  # only the latest of several missed times counts
        if due > now:
            self._due[key] = due
            return
        deadline = spec.get("startingDeadlineSeconds")
        late = deadline is not None and now - missed > timedelta(seconds=deadline)
        if not late and not (active and spec.get("concurrencyPolicy", "Forbid") == "Forbid"):
            self._begin(key, schedule, active)
        elif self._told.get(key) != missed:
            self._told[key] = missed
            reason, message = (
                ("MissSchedule", f"Missed scheduled time to start a job: {timestamp(missed)}")
                if late
                else ("Forbid", "Forbid spawning new job because: there are unfinished ones")
            )
            self._recorder.record(schedule, _COMPONENT, reason, message)
        if further is not None:
            self._due[key] = further

    def _begin(self, key: Key, schedule: Object, active: list[Object]) -> None:
        kind = schedule["spec"]["type"]
        spec = spec_under(schedule["spec"], kind)
        if not spec:
            self._recorder.record(schedule, _COMPONENT, FAILED, f"no spec of a {kind} is given")
            return
        name = create_child(
            self._store,
            schedule,
            kind,
            spec,
            prefix=key.name,
            labels={MANAGED_BY: key.name},
            random=self._random,
        )
        self._recorder.record(schedule, _COMPONENT, "Spawned", f"Create new object: {name}")
        stored = self._store.get(key)
        made = self._store.get((GROUP, KINDS[kind].plural, key.namespace, name))
        if stored is not None and made is not None:
            stored.setdefault("status", {})["time"] = timestamp(self._now())
            self._store.update(key, stored)
            active.append(made)

    def _collect(self, schedule: Object, finished: list[Object]) -> None:
        """Delete the oldest runs that are over, beyond `historyLimit` (1 by default)."""
        finished.sort(
            key=lambda run: (run["metadata"]["creationTimestamp"], run["metadata"]["name"])
        )
        kept = schedule["spec"].get("historyLimit", 1)
        for run in finished[: max(len(finished) - kept, 0)]:
            about = run["metadata"]
            if "deletionTimestamp" not in about:
                plural = KINDS[run["kind"]].plural
                self._store.delete((GROUP, plural, about["namespace"], about["name"]))

    def _report(self, key: Key, active: list[Object], kind: str) -> None:
        stored = self._store.get(key)
        if stored is None:
            return
        listed: list[dict[str, Any]] = [
            {
                "apiVersion": run["apiVersion"],
                "kind": kind,
                "namespace": key.namespace,
                "name": run["metadata"]["name"],
                "uid": run["metadata"]["uid"],
            }
            for run in active
        ]
        status = stored.setdefault("status", {})
        if status.get("active", []) == listed:
            return
        status["active"] = listed
        self._store.update(key, stored)
