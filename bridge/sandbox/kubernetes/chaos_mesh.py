"""Chaos Mesh's controllers, simulated: chaos resources come to life, last, and recover.

Not simulated: RemoteCluster and the `remoteCluster` field (stored, never acted on), and what cloud
and machine kinds do outside the cluster (their records go through all phases, nothing else
changes).
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from bridge.sandbox.kubernetes.chaos_mesh_effects import Effect, active_effects
from bridge.sandbox.kubernetes.chaos_mesh_installation import (
    controllers_run,
    is_visible,
    keep_endpoints,
)
from bridge.sandbox.kubernetes.chaos_mesh_kinds import CHAOS_RESOURCES, GROUP
from bridge.sandbox.kubernetes.chaos_mesh_misbehaviour import Misbehaviour, misbehaviour_of
from bridge.sandbox.kubernetes.chaos_mesh_pipeline import Pipeline, Progress
from bridge.sandbox.kubernetes.chaos_mesh_schedule import Schedules
from bridge.sandbox.kubernetes.chaos_mesh_status_check import StatusChecks
from bridge.sandbox.kubernetes.chaos_mesh_workflow import Workflows
from bridge.sandbox.kubernetes.control_loop import (
    RETRY_BROKEN,
    ChangedKeys,
    run_controllers,
    settle,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.sandbox.kubernetes.objects import Key, ObjectStore

logger = logging.getLogger(__name__)


class ChaosMesh:
    """The controllers of the 14 chaos kinds over one object store.

    `now` is the cluster's clock; `random` decides modes and the order of conditions. Drive it
    with `reconcile_due()` in virtual time, or with `run()`; both do the same steps.
    """

    def __init__(
        self, store: ObjectStore, *, now: Callable[[], datetime], random: Random | None = None
    ) -> None:
        self._store = store
        self._now = now
        self._pipeline = Pipeline(store, now=now, random=random or Random())  # noqa: S311 - no secret
        self._changed = ChangedKeys(
            store, lambda key: key.group == GROUP and key.resource in CHAOS_RESOURCES
        )
        self._parents = (
            Schedules(store, now=now, random=random or Random()),  # noqa: S311 - as above
            Workflows(store, now=now, random=random or Random()),  # noqa: S311 - as above
            StatusChecks(store, now=now),
        )
        self._progress: dict[Key, Progress] = {}
        self._told: list[Misbehaviour] = []

    def misbehave(
        self,
        *,
        never_inject: bool = False,
        never_recover: bool = False,
        stuck_finalizer: bool = False,
        target_gone: bool = False,
        delay: timedelta = timedelta(0),
        kind: str = "*",
        namespace: str = "*",
        name: str = "*",
    ) -> None:
        """From now on, let resources that match the patterns go wrong; calls add up.

        What each does says `Misbehaviour`.
        """
        self._told.append(
            Misbehaviour(
                never_inject,
                never_recover,
                stuck_finalizer,
                target_gone,
                delay,
                kind,
                namespace,
                name,
            )
        )

    def behave(self) -> None:
        """Take back every `misbehave`, and try again at once what failed because of it."""
        self._told.clear()
        for progress in self._progress.values():
            progress.failures, progress.retry_at = 0, None
            progress.wake(self._now())

    def active(self, namespace: str, pod: str) -> list[Effect]:
        """List the faults that a pod suffers from now; none for a pod that does not exist."""
        found = self._store.get(("", "pods", namespace, pod))
        return [] if found is None else active_effects(found)

    def reconcile_due(self) -> datetime | None:
        """Do all that is due now; return when something will be due without a change."""
        return settle([self])

    async def run(self) -> None:
        """Reconcile until cancelled."""
        await run_controllers(self._store, [self], now=self._now)

    def next_due(self) -> datetime | None:
        """Tell when a duration ends or a retry is due; never while no controller runs."""
        if not controllers_run(self._store):
            return None
        own = [each.wake_at for each in self._progress.values() if each.wake_at is not None]
        others = [due for one in self._parents if (due := one.next_due()) is not None]
        return min((*own, *others), default=None)

    def step(self) -> bool:
        """Take each resource that needs it through the pipeline once, if a controller runs."""
        if is_visible(self._store):
            keep_endpoints(self._store)
        if not controllers_run(self._store):
            return False
        now = self._now()
        keys = self._changed.take()
        keys |= {
            key
            for key, progress in self._progress.items()
            if progress.wake_at is not None and progress.wake_at <= now
        }
        for key in sorted(keys):
            self._reconcile(key)
        busy = [one.step() for one in self._parents]
        return bool(keys) or any(busy)

    def _reconcile(self, key: Key) -> None:
        chaos = self._store.get(key)
        if chaos is None:
            self._progress.pop(key, None)
            return
        if chaos["spec"].get("remoteCluster"):
            return
        uid = chaos["metadata"]["uid"]
        progress = self._progress.get(key)
        if progress is None or progress.uid != uid:
            progress = self._progress[key] = Progress(uid)
        misbehaviour = misbehaviour_of(self._store, chaos, self._told)
        try:
            self._pipeline.run(key, progress, misbehaviour)
        except Exception:
            # One resource that cannot be handled must not stop the others.
            logger.exception("cannot reconcile %s %s/%s", *key[1:])
            progress.wake_at = self._now() + RETRY_BROKEN
