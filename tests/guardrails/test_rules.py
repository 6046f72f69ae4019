"""The rules on resolved targets and on what faults reach beyond them, without any run."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.engine.guardrails import Timetable, target_violations
from bridge.engine.targets import TargetResult
from bridge.model.experiment import FailureCode
from bridge.model.moment import MINUTE, Micros
from bridge.model.template import ExperimentTemplate
from bridge.model.window import Calendar, parse_windows
from bridge.settings import Settings
from providers.contract import Group, Resource
from tests.engine.world import SCOPE, START, halt, things

CLUSTER = Resource("test:thing", "cluster", {}, {"env": "test"})
TEMPLATE = ExperimentTemplate(
    id="EXT1",
    scope=SCOPE,
    dialect="test",
    description="",
    targets={"all": things("cluster"), "spare": things()},
    actions={"halt": halt()},
    identity="somebody",
)


def pods(count: int, **tags: str) -> list[Resource]:
    return [Resource("pod", f"pod-{number}", {}, tags) for number in range(count)]


def broken(group: Group, **rules: Any) -> list[str]:
    results = {
        "all": TargetResult("all", [CLUSTER], 1),
        "spare": TargetResult("spare", pods(9, env="prod"), 9),
    }
    found = target_violations(
        Settings(**rules),
        TEMPLATE,
        results,
        {"halt": [group]},
        {"all": "targets.all", "spare": "targets.spare"},
    )
    return [f"{one.path} {one.code.value}: {one.message}" for one in found]


def test_what_lies_inside_counts_instead_of_where_it_lies() -> None:
    inside = Group("pods of it", 4, pods(8))
    assert broken(inside, maximum_targets=4, maximum_share=50) == []
    (number,) = broken(inside, maximum_targets=3)
    assert number.startswith("actions.halt QuotaExceededFailure: guardrail FAULTBRIDGE_MAXIMUM_")
    assert 'action "halt" would touch 4;' in number
    (share,) = broken(inside, maximum_share=49)
    assert "pods of it would take 4 of 8 found (50 %)" in share


def test_one_that_may_be_taken_is_enough_to_refuse() -> None:
    some = Group("pods of it", 1, [*pods(8), Resource("pod", "precious", {}, {"env": "prod"})])
    (tag,) = broken(some, protected_tags="env=prod")
    assert tag.startswith(f"actions.halt {FailureCode.TARGET.value}: ")
    assert 'precious bears the protected tag "env=prod", among the pods of it; choose others' in tag


def test_what_is_touched_on_the_way_is_protected_and_does_not_count() -> None:
    hosts = Group("instances that lose a disk", 8, pods(8, env="prod"), inside=False)
    assert broken(hosts, maximum_targets=1, maximum_share=1) == []
    (tag,) = broken(hosts, protected_tags="env=prod")
    assert "pod-0, pod-1, pod-2 and 5 more bear" in tag


def test_a_target_that_no_action_uses_breaks_nothing() -> None:
    none = Group("nothing", 0, [])
    assert broken(none, protected_tags="env=prod", maximum_share=1, maximum_targets=1) == []


@pytest.mark.parametrize("back", [0, 30 * MINUTE])
def test_a_timetable_answers_as_its_calendar_also_when_time_goes_back(back: int) -> None:
    calendar = Calendar(excluded=parse_windows("Fri 08:10-08:20 UTC; Fri 08:30-09:00 UTC"))
    timetable = Timetable(calendar)
    for minute in (0, 5, 10, 15, 20, 25, 30, 59, 60, 200):
        now = Micros(START + minute * MINUTE)
        assert bool(timetable.closed(now)) is (calendar.closed(now) is not None)
        assert timetable.changes(now) == calendar.changes(now)
        earlier = Micros(now - back)
        assert bool(timetable.closed(earlier)) is (calendar.closed(earlier) is not None)
