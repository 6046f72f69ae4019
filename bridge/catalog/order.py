"""The order of actions: ``startAfter``, its cycles, and when each action is planned to run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from graphlib import CycleError, TopologicalSorter

from bridge.model.problem import Problem
from bridge.model.template import TemplateAction
from bridge.model.wording import child, quote, suggestion

Plan = Mapping[str, tuple[timedelta, timedelta]]
"""Action → planned start and end, counted from the start of the run."""


def order_problems(actions: Mapping[str, TemplateAction]) -> Iterator[Problem]:
    """Yield unknown names and self-references of ``startAfter``, and one of its cycles."""
    for name, action in actions.items():
        path = child(child("actions", name), "startAfter")
        for index, before in enumerate(action.start_after):
            if before == name:
                message = "an action cannot wait for itself; remove the name"
            elif before not in actions:
                others = [other for other in actions if other != name]
                mend = suggestion(before, others, "write the name of an action of this template")
                message = f"there is no action {quote(before)}; {mend}"
            else:
                continue
            yield Problem(path=child(path, index), message=message)
    try:
        _sorted(actions)
    except CycleError as error:
        cycle = list(reversed(error.args[1]))  # graphlib names the awaited one first
        walk = " → ".join(map(quote, cycle))
        message = f"the actions wait for each other ({walk}); remove one of these names"
        yield Problem(path=child(child("actions", cycle[0]), "startAfter"), message=message)


def planned(actions: Mapping[str, TemplateAction], lengths: Mapping[str, timedelta]) -> Plan | None:
    """Return when each action is planned to run; None where the actions wait in a circle.

    An action without a length counts as instantaneous.
    """
    plan: dict[str, tuple[timedelta, timedelta]] = {}
    try:
        order = _sorted(actions)
    except CycleError:
        return None
    for name in order:
        ends = [plan[before][1] for before in actions[name].start_after if before in plan]
        start = max(ends, default=timedelta())
        plan[name] = (start, start + lengths.get(name, timedelta()))
    return plan


def most_at_once(plan: Plan) -> int:
    """Return how many actions are planned to run side by side, instantaneous ones included."""
    starts = {start for start, _ in plan.values()}
    return max(
        (sum(start <= at < end or start == at for start, end in plan.values()) for at in starts),
        default=0,
    )


def _sorted(actions: Mapping[str, TemplateAction]) -> list[str]:
    waits = {
        name: [before for before in action.start_after if before in actions and before != name]
        for name, action in actions.items()
    }
    return list(TopologicalSorter(waits).static_order())
