"""Go duration text, both ways; the rules are those of Go's time.ParseDuration."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.kubernetes.specs import go_duration, parse_go_duration
from providers.kubernetes.specs.durations import single_unit_duration

LONGEST = timedelta(microseconds=(2**63 - 1) // 1_000)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("30s", timedelta(seconds=30)),
        ("180s", timedelta(minutes=3)),
        ("1h30m", timedelta(minutes=90)),
        ("1.5h", timedelta(minutes=90)),
        ("-1.5h", timedelta(minutes=-90)),
        ("+5s", timedelta(seconds=5)),
        (".5s", timedelta(milliseconds=500)),
        ("1.s", timedelta(seconds=1)),
        ("0", timedelta(0)),
        ("-0", timedelta(0)),
        ("90ms", timedelta(milliseconds=90)),
        ("3us", timedelta(microseconds=3)),
        ("3µs", timedelta(microseconds=3)),  # micro sign
        ("3μs", timedelta(microseconds=3)),  # Greek letter mu
        ("1999ns", timedelta(microseconds=1)),
        ("-1999ns", timedelta(microseconds=-1)),
        ("1s1h1s", timedelta(hours=1, seconds=2)),
        ("0000000000000000000000000000001s", timedelta(seconds=1)),
        ("0.1234567890123456789012345678s", timedelta(microseconds=123_456)),
        ("2562047h47m16.854775807s", LONGEST),
    ],
)
def test_reads_what_go_reads(text: str, duration: timedelta) -> None:
    assert parse_go_duration(text) == duration


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("90 ms", 'write "90ms"'),
        ("10", 'write "10s"'),
        ("1d", 'write "24h"'),
        ("30S", 'write "30s"'),
        ("1,5s", 'write "1.5s"'),
        ("5 minutes", 'write "5m"'),
        ("PT30S", 'write "30s"'),
        ("P1DT1H", 'write "25h"'),
        ("", "write it like"),
        ("abc", "write it like"),
        ("-", "write it like"),
        (".s", "write it like"),
        ("1s ", 'write "1s"'),
        ("\u0661s", "write it like"),  # an Arabic digit one
        ("2562047h47m16.854775808s", "write it like"),
        ("9" * 5_000 + "s", "write it like"),
    ],
)
def test_refuses_what_go_refuses_with_the_mend(text: str, mend: str) -> None:
    with pytest.raises(ValueError, match="is not a duration, ") as refusal:
        parse_go_duration(text)
    assert mend in str(refusal.value)
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(0), "0s"),
        (timedelta(minutes=3), "3m"),
        (timedelta(hours=1, seconds=1), "1h1s"),
        (timedelta(seconds=240, milliseconds=500), "4m0.5s"),
        (timedelta(milliseconds=90), "90ms"),
        (timedelta(microseconds=1), "1us"),
        (timedelta(seconds=-30), "-30s"),
        (timedelta(days=2), "48h"),
    ],
)
def test_writes_go_text(duration: timedelta, text: str) -> None:
    assert go_duration(duration) == text


def test_writes_no_more_than_go_can_hold() -> None:
    with pytest.raises(ValueError, match="292 years"):
        go_duration(LONGEST + timedelta(microseconds=1))


@given(st.timedeltas(min_value=-LONGEST, max_value=LONGEST))
def test_what_is_written_is_read_back(duration: timedelta) -> None:
    assert parse_go_duration(go_duration(duration)) == duration


@given(st.text() | st.text(alphabet="0123456789.+-nuµmsh dPT"))
def test_any_text_is_read_or_refused_with_a_mend_that_holds(text: str) -> None:
    try:
        parse_go_duration(text)
    except ValueError as refusal:
        mend = re.search(r', write "([^"]*)"$', str(refusal))
        if mend:
            parse_go_duration(mend.group(1))


@pytest.mark.parametrize("text", ["90ms", "1.5s", "0h", "1us", "7ns"])
def test_latency_takes_one_number_with_one_unit(text: str) -> None:
    assert single_unit_duration(text) == text


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("1m30s", 'write "90s"'),
        ("90 ms", 'write "90ms"'),
        ("10", 'write "10s"'),
        ("-1s", "write it like"),
        ("", "write it like"),
        ("3µs", 'write "3us"'),
        (".5s", 'write "500ms"'),
        ("99999999999h", "write it like"),  # fits the pattern, then overflows in the webhook
        ("10ms\n", 'write "10ms"'),
    ],
)
def test_latency_refuses_the_rest(text: str, mend: str) -> None:
    with pytest.raises(ValueError, match="write") as refusal:
        single_unit_duration(text)
    assert mend in str(refusal.value)


@given(st.text(alphabet="0123456789.+-nuµmsh "))
def test_what_latency_takes_go_reads(text: str) -> None:
    try:
        single_unit_duration(text)
    except ValueError:
        return
    assert parse_go_duration(text) >= timedelta(0)
