"""A fresh run of a template, and how long it is planned to take."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from bridge.catalog.cloud_chaos import lowered
from bridge.model.experiment import (
    ActionsMode,
    ActionState,
    Experiment,
    ExperimentStatus,
)
from bridge.model.identifiers import new_experiment_id
from bridge.model.moment import Micros, micros

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bridge.engine.run import Traits
    from bridge.model.template import ExperimentTemplate


def new_experiment(
    template: ExperimentTemplate,
    *,
    now: Micros,
    tags: dict[str, str] | None = None,
    actions_mode: ActionsMode = ActionsMode.RUN_ALL,
    started_by: Mapping[str, str] | None = None,
    experiment_id: str = "",
) -> Experiment:
    """Return a run that has not begun; the wording of its states is FIS's.

    Its template is the one that is run: chaos resources that the bridge carries out itself have
    become faults of their cloud. Raises InvalidDocumentError for those that do not fit, which
    the catalogue refuses.
    """
    return Experiment(
        id=experiment_id or new_experiment_id(),
        scope=template.scope,
        template=lowered(template),
        status=ExperimentStatus.INITIATING,
        reason="Experiment is initiating.",
        actions_mode=actions_mode,
        actions={name: ActionState(reason="Initial state") for name in template.actions},
        tags=tags or {},
        started_by=dict(started_by or {}),
        created_at=now,
        started_at=now,
    )


def planned_length(template: ExperimentTemplate, traits: Mapping[str, Traits]) -> Micros:
    """Return the length of the longest chain of actions by ``startAfter``.

    A limit counts in full, since nobody knows how much of it will be used.
    """
    ends: dict[str, timedelta] = {}

    def end(name: str) -> timedelta:
        if name not in ends:
            begin = max((end(other) for other in template.actions[name].start_after), default=None)
            ends[name] = (begin or timedelta()) + traits[name].timing.length
        return ends[name]

    return micros(max((end(name) for name in template.actions), default=timedelta()))
