"""Durations in Go's notation."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bridge.sandbox.kubernetes.go_duration import parse_go_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("1h30m", 5400),
        ("1.5h", 5400),
        (".5s", 0.5),
        ("1.s", 1),
        ("100ms", 0.1),
        ("250us", 0.00025),
        ("250µs", 0.00025),
        ("-10s", -10),
        ("+10s", 10),
        ("0", 0),
        ("-0", 0),
        ("1m0.5s", 60.5),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_go_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'time: invalid duration ""'),
        ("-", 'time: invalid duration "-"'),
        ("abc", 'time: invalid duration "abc"'),
        ("10", 'time: missing unit in duration "10"'),
        ("1h30", 'time: missing unit in duration "1h30"'),
        ("1d", 'time: unknown unit "d" in duration "1d"'),
        ("90 ms", 'time: unknown unit " ms" in duration "90 ms"'),
        (".s", 'time: invalid duration ".s"'),
        ("1h.m", 'time: invalid duration "1h.m"'),
    ],
)
def test_refusals(text: str, message: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the message is compared in full
        parse_go_duration(text)
    assert str(refused.value) == message
