"""The built-in templates: complete, documented, and sound at all their bounds."""

from __future__ import annotations

import pytest

from bridge.catalog.action_templates import BuiltIn, built_in, built_ins, judged
from bridge.model.action_template import Reference
from bridge.model.problem import Severity
from providers.kubernetes.specs import is_one_shot

NAMES = sorted(built_ins())


@pytest.fixture(params=NAMES)
def one(request: pytest.FixtureRequest) -> BuiltIn:
    return built_ins()[request.param]


def test_there_are_all_that_are_promised() -> None:
    assert set(NAMES) == {
        "clock-skew",
        "cpu-stress",
        "dns-error",
        "http-abort",
        "http-delay",
        "io-fault",
        "io-latency",
        "jvm-exception",
        "kernel-fault",
        "memory-stress",
        "network-bandwidth",
        "network-delay",
        "network-loss",
        "network-partition",
        "pod-failure",
        "pod-kill",
    }


def test_each_is_sound_in_every_version(one: BuiltIn) -> None:
    for version in one.versions:
        template = version.template
        found = judged(template)
        assert [problem for problem in found if problem.severity is Severity.ERROR] == []
        if not is_one_shot(template.kind, template.spec):
            assert found == []


def test_each_says_what_to_know_of_it(one: BuiltIn) -> None:
    assert min(len(one.shows), len(one.avoid), len(one.needs)) > 20
    for version in one.versions:
        assert version.template.description.endswith(".")
        for name, parameter in version.template.parameters.items():
            assert parameter.description.endswith("."), name


def test_each_is_small_and_asked_for_where_it_acts(one: BuiltIn) -> None:
    """Nobody meets more pods than were named: where, and which, has no default."""
    for version in one.versions:
        parameters = version.template.parameters
        assert parameters["namespace"].required
        assert parameters["labels"].required
        assert parameters["percentage"].default == 1
        assert version.template.spec["selector"]["namespaces"] == ["{{ namespace }}"]


def test_versions_are_numbered_and_found(one: BuiltIn) -> None:
    assert [version.version for version in one.versions] == list(range(1, len(one.versions) + 1))
    name = one.newest.template.name
    assert built_in(Reference(name)) is one.newest
    assert built_in(Reference(name, 1)) is one.versions[0]
    assert built_in(Reference(name, len(one.versions) + 1)) is None
    assert all(version.built_in for version in one.versions)
