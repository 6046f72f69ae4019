"""What the machine must know of a run's faults, taken from their declarations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.engine.run import Traits
from bridge.model.moment import micros

if TYPE_CHECKING:
    from bridge.engine.providers import Providers
    from bridge.model.template import ExperimentTemplate


def traits_of(template: ExperimentTemplate, providers: Providers) -> dict[str, Traits]:
    """Return the traits of each action of a template that was validated before."""
    found = {}
    for name, action in template.actions.items():
        fault = providers.fault(action.action_id)
        parameters = fault.Parameters.model_validate(action.parameters)
        found[name] = Traits(
            fault=fault.id,
            timing=fault.timing(parameters),
            undo=fault.undo(parameters),
            gone_is_failure=fault.gone_is_failure(parameters),
            settle_every=micros(fault.settle_every),
            watch_every=micros(fault.watch_every),
            settle_limit=micros(fault.settle_limit),
            batch=fault.batch,
        )
    return found
