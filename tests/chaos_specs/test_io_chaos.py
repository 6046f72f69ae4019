"""IOChaos: the rules of its CRD and webhook in Chaos Mesh 2.8.3, and what they let through."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chaos_specs.judged import ONE, errors, judged, warnings

IO = {**ONE, "volumePath": "/data"}
FAULT = {**IO, "action": "fault", "errno": 5}


def details(action: str, **fields: Any) -> dict[str, Any]:
    return {**IO, "action": action, **fields}


@pytest.mark.parametrize(
    "spec",
    [
        details("latency", delay="100ms", path="/data/**/*", percent=50, methods=["read"]),
        FAULT,
        details("attrOverride", attr={"perm": 72, "atime": {"sec": 1, "nsec": 0}}),
        details("mistake", mistake={"filling": "zero", "maxOccurrences": 1, "maxLength": 10}),
    ],
)
def test_the_documented_examples_are_clean(spec: dict[str, Any]) -> None:
    assert judged("IOChaos", spec) == []


@pytest.mark.parametrize("percent", [-1, 101, 10**9])
def test_percent_is_judged_by_the_webhook(percent: int) -> None:
    assert list(errors("IOChaos", {**FAULT, "percent": percent})) == ["spec.percent"]


def test_no_percent_hits_nothing() -> None:
    assert "is none" in warnings("IOChaos", {**FAULT, "percent": 0})["spec.percent"]


@pytest.mark.parametrize("errno", [0, None, -1, 2**32])
def test_a_fault_wants_an_error_number(errno: int | None) -> None:
    assert list(errors("IOChaos", {**FAULT, "errno": errno})) == ["spec.errno"]


def test_an_error_is_given_by_its_number() -> None:
    assert errors("IOChaos", {**FAULT, "errno": "enospc"})["spec.errno"].endswith("write 28")
    assert "without quotes" in errors("IOChaos", {**FAULT, "errno": "5"})["spec.errno"]


@pytest.mark.parametrize(
    ("action", "field"), [("latency", "delay"), ("attrOverride", "attr"), ("mistake", "mistake")]
)
def test_an_action_without_its_details_does_nothing(action: str, field: str) -> None:
    assert "does nothing without it" in warnings("IOChaos", details(action))[f"spec.{field}"]


def test_details_that_do_nothing_are_pointed_out() -> None:
    assert "is empty" in warnings("IOChaos", details("attrOverride", attr={}))["spec.attr"]
    assert "delays nothing" in warnings("IOChaos", details("latency", delay="-1s"))["spec.delay"]
    told = warnings("IOChaos", details("mistake", mistake={"filling": "random"}))
    assert set(told) == {"spec.mistake.maxOccurrences", "spec.mistake.maxLength"}


def test_an_empty_delay_passes_the_webhook() -> None:
    assert "spec.delay" in warnings("IOChaos", details("latency", delay=""))
    assert "spec.delay" in errors("IOChaos", details("latency", delay="10"))


def test_details_of_another_action_are_idle() -> None:
    told = warnings("IOChaos", {**FAULT, "delay": "1s", "attr": {"perm": 72}, "mistake": {}})
    assert {path for path, message in told.items() if "is ignored" in message} == {
        "spec.delay",
        "spec.attr",
        "spec.mistake",
    }


@pytest.mark.parametrize(
    ("attr", "path"),
    [
        ({"perm": 65_536}, "perm"),
        ({"perm": -1}, "perm"),
        ({"ino": -1}, "ino"),
        ({"size": 2**63}, "size"),
        ({"uid": 2**32}, "uid"),
        ({"atime": {"sec": 1}}, "atime.nsec"),
        ({"kind": 1}, "kind"),
    ],
)
def test_attributes_fit_into_their_types(attr: dict[str, Any], path: str) -> None:
    assert list(errors("IOChaos", details("attrOverride", attr=attr))) == [f"spec.attr.{path}"]


def test_permissions_in_octal_are_recognised() -> None:
    told = warnings("IOChaos", details("attrOverride", attr={"perm": 644}))
    assert "write 420 for 0644" in told["spec.attr.perm"]


def test_unknown_words_are_told_the_nearest() -> None:
    told = warnings("IOChaos", {**FAULT, "methods": ["read", "Write"]})
    assert list(told) == ["spec.methods[1]"]
    assert 'did you mean "write"?' in told["spec.methods[1]"]
    told = warnings("IOChaos", details("attrOverride", attr={"kind": "directroy"}))
    assert 'did you mean "directory"?' in told["spec.attr.kind"]


@pytest.mark.parametrize(
    "mistake", [{"filling": "ones"}, {"maxOccurrences": 0}, {"maxLength": -1}, {"maxLength": 1.5}]
)
def test_mistakes_have_bounds(mistake: dict[str, Any]) -> None:
    (path,) = errors("IOChaos", details("mistake", mistake=mistake))
    assert path == f"spec.mistake.{next(iter(mistake))}"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/var/log/*", True),
        ("/database/*", True),
        ("/data", False),
        ("/data/x", False),
        ("/data/**/*", False),
        ("/d*/x", False),
        ("**/*", False),
        (None, False),
    ],
)
def test_a_pattern_lies_in_the_volume(path: str | None, *, told: bool) -> None:
    assert ("spec.path" in warnings("IOChaos", {**FAULT, "path": path})) is told


def test_the_path_of_a_volume_is_absolute() -> None:
    assert "spec.volumePath" in warnings("IOChaos", {**FAULT, "volumePath": "data"})
    told = errors("IOChaos", {**FAULT, "volumePath": None, "path": "/data/*"})["spec.volumePath"]
    assert "where the volume is mounted" in told
