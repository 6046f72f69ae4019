"""DNSChaos, TimeChaos, KernelChaos and BlockChaos, by the rules of Chaos Mesh 2.8.3."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chaos_specs.judged import ONE, errors, judged, warnings

DNS = {**ONE, "action": "random"}
TIME = {**ONE, "timeOffset": "-10m100ns"}
KERNEL = {**ONE, "failKernRequest": {"failtype": 0}}
BLOCK = {**ONE, "action": "delay", "volumeName": "data", "delay": {"latency": "1s"}}


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("DNSChaos", {**DNS, "patterns": ["google.com", "chaos-mesh.*", "github.?om", "*"]}),
        ("TimeChaos", {**TIME, "clockIds": ["CLOCK_REALTIME", "CLOCK_MONOTONIC"]}),
        ("TimeChaos", {**TIME, "duration": "30s"}),
        (
            "KernelChaos",
            {
                **ONE,
                "failKernRequest": {
                    "failtype": 2,
                    "headers": ["linux/mmzone.h"],
                    "callchain": [{"funcname": "__x64_sys_mount"}],
                    "probability": 1,
                    "times": 1,
                },
            },
        ),
        ("BlockChaos", {**BLOCK, "delay": {"latency": "1s", "jitter": "", "correlation": ""}}),
    ],
)
def test_the_documented_examples_are_clean(kind: str, spec: dict[str, Any]) -> None:
    assert judged(kind, spec) == []


def test_a_wildcard_stands_at_the_end() -> None:
    told = warnings("DNSChaos", {**DNS, "patterns": ["a.com", "chaos-*.org", "*.org", ""]})
    assert list(told) == ["spec.patterns[1]", "spec.patterns[2]", "spec.patterns[3]"]
    assert told["spec.patterns[1]"].endswith('write "chaos-*"')


@pytest.mark.parametrize("offset", ["", "10", "1d", "abc", None])
def test_an_offset_is_a_duration(offset: str | None) -> None:
    assert list(errors("TimeChaos", {**TIME, "timeOffset": offset})) == ["spec.timeOffset"]


def test_an_offset_of_nothing_shifts_nothing() -> None:
    assert (
        "shifts no clock" in warnings("TimeChaos", {**TIME, "timeOffset": "0s"})["spec.timeOffset"]
    )


@pytest.mark.parametrize("duration", ["abc", "10", "1d"])
def test_the_duration_of_a_time_chaos_is_not_checked(duration: str) -> None:
    told = warnings("TimeChaos", {**TIME, "duration": duration})["spec.duration"]
    assert "never go right by themselves; write" in told


@pytest.mark.parametrize("duration", ["", "-5s"])
def test_a_duration_that_ends_nothing_is_told_as_everywhere(duration: str) -> None:
    assert "spec.duration" in warnings("TimeChaos", {**TIME, "duration": duration})
    assert "spec.duration" in errors("TimeChaos", {**TIME, "duration": 1.5})


def test_clocks_are_not_checked() -> None:
    told = warnings("TimeChaos", {**TIME, "clockIds": ["CLOCK_REALTIME", "REALTIME"]})
    assert 'did you mean "CLOCK_REALTIME"?' in told["spec.clockIds[1]"]


@pytest.mark.parametrize(
    ("request_", "path"),
    [
        ({}, "failtype"),
        ({"failtype": 3}, "failtype"),
        ({"failtype": -1}, "failtype"),
        ({"failtype": 0, "probability": 101}, "probability"),
        ({"failtype": 0, "probability": -1}, "probability"),
        ({"failtype": 0, "times": -1}, "times"),
        ({"failtype": 0, "times": 2**32}, "times"),
        ({"failtype": 0, "callchain": [{"function": "x"}]}, "callchain[0].function"),
    ],
)
def test_a_kernel_request_has_bounds(request_: dict[str, Any], path: str) -> None:
    told = errors("KernelChaos", {**ONE, "failKernRequest": request_})
    assert list(told) == [f"spec.failKernRequest.{path}"]


def test_what_says_nothing_to_the_kernel_is_pointed_out() -> None:
    frame = {"predicate": "x == 1"}
    told = warnings(
        "KernelChaos",
        {**ONE, "failKernRequest": {"failtype": 0, "probability": 0, "callchain": [frame]}},
    )
    assert set(told) == {
        "spec.failKernRequest.probability",
        "spec.failKernRequest.callchain[0].funcname",
        "spec.failKernRequest.callchain[0].parameters",
    }


def test_a_block_delay_is_required() -> None:
    assert list(errors("BlockChaos", {**BLOCK, "delay": None})) == ["spec.delay"]
    assert list(errors("BlockChaos", {**BLOCK, "action": "limit"})) == ["spec.action"]


@pytest.mark.parametrize(
    ("delay", "path"),
    [
        ({"latency": "1SSS"}, "spec.delay.latency"),
        ({"latency": "1s", "jitter": "10"}, "spec.delay.jitter"),
        ({"latency": "1s", "correlation": "high"}, "spec.delay.correlation"),
    ],
)
def test_a_block_delay_is_read(delay: dict[str, Any], path: str) -> None:
    assert list(errors("BlockChaos", {**BLOCK, "delay": delay})) == [path]


def test_a_block_delay_of_nothing_is_accepted() -> None:
    assert (
        "nothing is delayed" in warnings("BlockChaos", {**BLOCK, "delay": {}})["spec.delay.latency"]
    )
    odd = {"latency": "1s", "correlation": "101"}
    assert "spec.delay.correlation" in warnings("BlockChaos", {**BLOCK, "delay": odd})
    assert "spec.volumeName" in warnings("BlockChaos", {**BLOCK, "volumeName": "/var/lib/data"})
