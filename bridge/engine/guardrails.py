"""The guardrails of a run: when it may be, and what its targets may come to. Pure, no I/O.

What a template alone can break stands in `bridge.catalog.guardrails` and is asked here again; how
much all runs together may touch is counted where records are added (`bridge.store.limits`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bridge.catalog.guardrails import (
    NUMBERS,
    Violation,
    is_query,
    number_broken,
    share_broken,
)
from bridge.model.experiment import FailureCode
from bridge.model.window import Calendar, describe, until
from bridge.model.wording import quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bridge.engine.targets import TargetResult
    from bridge.guardrail_settings import GuardrailSettings
    from bridge.model.moment import Micros
    from bridge.model.template import ExperimentTemplate
    from providers.contract import Group, Resource

CAUSE: Final = "guardrail"
"""Cause of a stop that a window brings about."""
_NAMED: Final = 3
"""Resources that one message names."""
_WINDOWS: Final = 120
"""Characters of windows that one message shows."""


class Timetable:
    """When runs may be, with its answer kept until the next window begins or ends.

    One serves all runs of a process: it is asked at each of their steps.
    """

    def __init__(self, calendar: Calendar | None = None) -> None:
        """Go by a calendar; without one runs may always be."""
        self._calendar = calendar or Calendar()
        self._from: int | None = None
        self._until: Micros | None = None
        self._reason = ""

    def closed(self, now: Micros) -> str:
        """Say why no run may be now; empty if one may."""
        self._look(now)
        return self._reason

    def changes(self, now: Micros) -> Micros | None:
        """Return when that may change next; None where it never does."""
        self._look(now)
        return self._until

    def _look(self, now: Micros) -> None:
        known = self._from is not None and self._from <= now
        if known and (self._until is None or now < self._until):
            return
        self._from, self._until = now, self._calendar.changes(now)
        closed = self._calendar.closed(now)
        if closed is None:
            self._reason = ""
            return
        opens = until(self._calendar, now)
        again = f"; runs may be again from {opens}" if opens else ""
        if closed.excluded is not None:
            named = f'guardrail FAULTBRIDGE_EXCLUDED_WINDOWS: no run may be in "{{}}"{again}'
            self._reason = named.format(_cut(closed.excluded.text))
        else:
            named = f'guardrail FAULTBRIDGE_ALLOWED_WINDOWS: runs may be in "{{}}" only{again}'
            self._reason = named.format(_cut(describe(self._calendar.allowed)))


def _cut(text: str) -> str:
    return text if len(text) <= _WINDOWS else text[: _WINDOWS - 1] + "…"


def target_violations(
    rules: GuardrailSettings,
    template: ExperimentTemplate,
    results: Mapping[str, TargetResult],
    groups: Mapping[str, Sequence[Group]],
    places: Mapping[str, str],
) -> Iterator[Violation]:
    """Yield every guardrail that resolved targets break.

    ``groups`` are what actions reach beyond their targets, by action; ``places`` say where each
    target stands in the author's document.
    """
    used = {target for action in template.actions.values() for target in action.targets.values()}
    for name, result in results.items():
        target = template.targets[name]
        if name in used and is_query(target):
            taken = len(result.taken)
            yield from _share(rules, f"target {quote(name)}", taken, result.found, places[name])
        if name in used:
            yield from _protected(rules, result.taken, places[name])
    for name, action in template.actions.items():
        path = f"actions.{name}"
        reached = groups.get(name, ())
        inside = [group for group in reached if group.inside]
        taken = sum(group.size for group in inside)
        if not inside:
            taken = sum(len(results[one].taken) for one in action.targets.values())
        for group in inside:
            yield from _share(rules, group.name, group.size, len(group.found), path)
        for group in reached:
            yield from _protected(rules, group.found, path, group)
        for setting in NUMBERS:
            most = getattr(rules, setting)
            if most is not None and taken > most:
                said = f"action {quote(name)} would touch {taken}"
                yield number_broken(rules, setting, said, path)


def _share(
    rules: GuardrailSettings, what: str, taken: int, found: int, path: str
) -> Iterator[Violation]:
    most = rules.maximum_share
    if most is not None and taken * 100 > most * found:
        said = f"{what} would take {taken} of {found} found ({taken * 100 // found} %)"
        yield share_broken(rules, said, path)


def _protected(
    rules: GuardrailSettings, resources: Sequence[Resource], path: str, group: Group | None = None
) -> Iterator[Violation]:
    if not rules.protected_tags:
        return
    by_rule: dict[str | None, list[str]] = {}
    for resource in resources:
        if resource.tags is None:
            by_rule.setdefault(None, []).append(resource.id)
        elif pattern := rules.protecting(resource.tags):
            by_rule.setdefault(pattern, []).append(resource.id)
    for rule, ids in by_rule.items():
        shown = ", ".join(ids[:_NAMED])
        more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
        if rule is None:
            why = f"it cannot be told which tags {shown}{more} bear, so they are not touched"
        else:
            bear = "bears" if len(ids) == 1 else "bear"
            why = f"{shown}{more} {bear} the protected tag {quote(rule)}"
        among = f", among the {group.name}" if group else ""
        message = f"{rules.named('protected_tags')}: {why}{among}; choose others"
        yield Violation(path, message, FailureCode.TARGET)
