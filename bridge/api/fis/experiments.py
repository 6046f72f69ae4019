"""Experiments: start, read, list, stop, and what their targets resolved to."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from bridge.api.authorization import Access, Ask, resources
from bridge.api.authorization.templates import starting
from bridge.api.bridge import Bridge
from bridge.api.fis.pages import Page
from bridge.api.fis.requests import client_token
from bridge.api.fis.templates import find_template, refuse_errors
from bridge.dialects.fis import names
from bridge.dialects.fis.errors import ConflictError, NotFoundError, ValidationError
from bridge.dialects.fis.experiments import (
    as_stopping,
    render_experiment,
    render_experiment_summary,
    render_resolved_target,
    stop_request,
)
from bridge.dialects.fis.tags import reserved_tag_problems
from bridge.dialects.fis.templates import Parsed
from bridge.engine.experiment import new_experiment
from bridge.model.experiment import ActionsMode, Experiment, ExperimentStatus
from bridge.model.identifiers import new_experiment_id
from bridge.model.wording import quote
from bridge.store import TokenConflictError


async def start_experiment(
    bridge: Bridge, access: Access, members: Mapping[str, Any]
) -> dict[str, Any]:
    """Start a run of a template; a repeat with the same client token answers the first one.

    The template is judged again: settings and actions may have changed since it was stored.
    """
    template_id = members["experimentTemplateId"]
    template = await bridge.store.template(bridge.scope, template_id)
    if template is None:
        template = await find_template(bridge, access, "fis:StartExperiment", template_id)
    tags = members.get("tags", {})
    experiment_id = new_experiment_id()
    await access.require(*starting(template, experiment_id, tags))
    found = await asyncio.to_thread(bridge.catalog.validate, template)
    refuse_errors(Parsed(template, [*found, *reserved_tag_problems(tags)]))
    options = members.get("experimentOptions", {})
    experiment = new_experiment(
        template,
        experiment_id=experiment_id,
        now=bridge.store.now(),
        tags=tags,
        actions_mode=ActionsMode(options.get("actionsMode") or ActionsMode.RUN_ALL),
        started_by=access.who,
    )
    try:
        stored = await bridge.store.start_experiment(
            experiment, client_token("StartExperiment", members)
        )
    except TokenConflictError as error:
        raise ConflictError(f"clientToken: {error}") from None
    bridge.dispatcher.wake(stored.id)
    return {"experiment": render_experiment(stored)}


async def get_experiment(
    bridge: Bridge, access: Access, members: Mapping[str, Any]
) -> dict[str, Any]:
    """Show a run."""
    name = "fis:GetExperiment"
    return {
        "experiment": render_experiment(await find_experiment(bridge, access, name, members["id"]))
    }


async def list_experiments(
    bridge: Bridge, access: Access, members: Mapping[str, Any]
) -> dict[str, Any]:
    """List runs, the newest first."""
    await access.require(Ask("fis:ListExperiments"))
    page = Page(bridge, "ListExperiments", members)
    found = await bridge.store.experiments(
        bridge.scope,
        template_id=members.get("experimentTemplateId"),
        after=page.after,
        limit=page.limit + 1,
    )
    shown, more = page.cut(found, lambda experiment: experiment.id)
    return {"experiments": [render_experiment_summary(e) for e in shown], **more}


async def stop_experiment(
    bridge: Bridge, access: Access, members: Mapping[str, Any]
) -> dict[str, Any]:
    """Ask a run to stop; one that is stopping already is shown as it is."""
    experiment = await find_experiment(bridge, access, "fis:StopExperiment", members["id"])
    if experiment.status.ended:
        raise ValidationError(
            "Cannot modify the state of an experiment in final state: "
            f"{experiment.id} is {experiment.status.value}; start a new one"
        )
    if experiment.status is not ExperimentStatus.STOPPING:
        await bridge.store.append(stop_request(experiment, bridge.store.now(), access.who))
    bridge.dispatcher.wake(experiment.id)
    return {"experiment": render_experiment(as_stopping(experiment))}


async def list_resolved_targets(
    bridge: Bridge, access: Access, members: Mapping[str, Any]
) -> dict[str, Any]:
    """List what a run's targets resolved to, in the order in which they were found."""
    name = "fis:ListExperimentResolvedTargets"
    experiment = await find_experiment(bridge, access, name, members["experimentId"])
    target = members.get("targetName")
    if target is not None and target not in experiment.template.targets:
        raise NotFoundError(
            f"Experiment {quote(experiment.id)} has no target {quote(target)}; "
            "get-experiment shows those that it has"
        )
    page = Page(bridge, "ListExperimentResolvedTargets", members)
    found = await bridge.store.resolved_targets(
        experiment.id, target=target, after=int(page.after or 0), limit=page.limit + 1
    )
    shown, more = page.cut(found, lambda positioned: str(positioned[0]))
    return {"resolvedTargets": [render_resolved_target(t) for _, t in shown], **more}


async def find_experiment(
    bridge: Bridge, access: Access, action: str, experiment_id: str
) -> Experiment:
    """Return a run of the bridge's scope on which an action is allowed.

    Raises AccessError before it tells whether there is one, and NotFoundError.
    """
    experiment = await bridge.store.experiment(bridge.scope, experiment_id)
    tags = {} if experiment is None else experiment.tags
    await access.require(Ask(action, resources.experiment(bridge.scope, experiment_id), tags=tags))
    if experiment is None:
        shown = names.arn(bridge.scope, names.EXPERIMENT, "")
        raise NotFoundError(
            f"Experiment {quote(experiment_id)} does not exist among {shown}…; "
            "list-experiments shows those that do"
        )
    return experiment
