"""What a run would be if it began now, as the native API shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.client.preflight import (
    Plan,
    PlannedAction,
    PlannedCondition,
    PlannedGroup,
    PlannedTarget,
    UndoneByHand,
)
from bridge.model.moment import format_duration
from providers.contract import TimingKind

if TYPE_CHECKING:
    from bridge.catalog import Catalog
    from bridge.engine.preflight import Foreseen
    from providers.contract import Group


def planned(foreseen: Foreseen, catalog: Catalog) -> Plan:
    """Return what was foreseen. Raises KeyError for an action that the catalogue does not have."""
    template = foreseen.template
    return Plan(
        description=template.description,
        identity=template.identity,
        targets=tuple(_target(foreseen, name) for name in template.targets),
        actions=tuple(_action(foreseen, catalog, name) for name in template.actions),
        stop_conditions=tuple(
            PlannedCondition(
                source=one.source,
                value=one.value,
                state=foreseen.conditions.get((one.source, one.value or "")),
            )
            for one in template.watched
        ),
    )


def _target(foreseen: Foreseen, name: str) -> PlannedTarget:
    target = foreseen.template.targets[name]
    result = foreseen.targets.get(name)
    failure = None if result is None else result.failure
    known = result is not None and failure is None
    return PlannedTarget(
        name=name,
        resource_type=target.resource_type,
        selection_mode=str(target.selection_mode),
        taken=len(result.taken) if result is not None and known else None,
        resources=tuple(one.id for one in result.among) if result is not None else (),
        problem="" if failure is None else failure.reason,
    )


def _action(foreseen: Foreseen, catalog: Catalog, name: str) -> PlannedAction:
    action = foreseen.template.actions[name]
    fault = catalog.fault(action.action_id)
    parameters = catalog.parameters_of(action)
    timing = fault.timing(parameters)
    by_hand = fault.undone_by_hand(parameters)
    groups = foreseen.groups.get(name)
    return PlannedAction(
        name=name,
        action_id=action.action_id,
        description=action.description or fault.description(),
        start_after=action.start_after,
        targets=tuple(action.targets.values()),
        ends=timing.kind.value,
        length="" if timing.kind is TimingKind.INSTANT else format_duration(timing.length),
        undo=fault.undo(parameters).value,
        undoing=fault.undoing,
        by_hand=UndoneByHand(says=by_hand.says, note=by_hand.note, undo=by_hand.undo),
        reaches=None if groups is None else tuple(map(_group, groups)),
    )


def _group(group: Group) -> PlannedGroup:
    return PlannedGroup(
        name=group.name, size=group.size, resources=tuple(one.id for one in group.found)
    )
