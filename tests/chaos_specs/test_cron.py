"""The times of a Schedule: what upstream's parser takes, refuses, and never comes to."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from providers.kubernetes.specs.cron import times_of


@pytest.mark.parametrize(
    "text",
    [
        "*/5 * * * *",
        "0 */5 * * * *",
        "5 * * * *",
        "0-59/2 0,12 1-15 JAN-Mar mon-FRI",
        "? ? ? ? ?",
        "+5 * * * *",
        "  5   *\t* * *  ",
        "5/15 * * * *",
        "*-7 * * * *",
        "1,2,, * * * *",
        "@yearly",
        "@annually",
        "@monthly",
        "@weekly",
        "@daily",
        "@midnight",
        "@hourly",
        "TZ=Europe/Paris 0 6 * * *",
        "CRON_TZ=UTC @daily",
        "TZ= 0 6 * * *",
        "TZ=Local 0 6 * * *",
        "@every 1h30m",
        "@every -5m",
        "0 0 29 2 *",
    ],
)
def test_what_upstream_takes(text: str) -> None:
    assert not times_of(text).never


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("bad", "has 1 field where cron has 5 or 6"),
        ("* * *", "has 3 fields"),
        ("* * * * * * *", "has 7 fields"),
        (" @daily", "has 1 field"),
        ("@Daily", 'did you mean "@daily"'),
        ("@every", "did you mean"),
        ("@every 10", 'write "10s"'),
        ("@every ten minutes", "is not a duration"),
        ("61 * * * *", "61 is out of range, write 0 to 59"),
        ("* 24 * * *", "24 is out of range, write 0 to 23"),
        ("* * 0 * *", "0 is out of range, write 1 to 31"),
        ("* * * 13 *", "13 is out of range, write 1 to 12"),
        ("* * * * 7", "7 is out of range, write 0 to 6"),
        ("60 * * * * *", 'the second "60"'),
        ("*/0 * * * *", "has a step of 0"),
        ("*/-1 * * * *", "-1 is not a number of it"),
        ("5-1 * * * *", "ends before it begins"),
        ("1-2-3 * * * *", "too many hyphens"),
        ("*/2/3 * * * *", "too many slashes"),
        ("x * * * *", '"x" is not a number, write digits'),
        ("* * * janu *", "or jan, feb"),
        ("* * * * L", "or sun, mon"),
        ("TZ=Europe/Paris", "names a time zone and no time"),
        ("TZ=Europe/Nowhere 0 6 * * *", '"Europe/Nowhere" is not a time zone'),
        ("TZ=../../etc/passwd 0 6 * * *", "is not a time zone"),
        ("* * * * *" * 1_000, "is too long"),
    ],
)
def test_what_upstream_refuses(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=r"write|did you mean") as refusal:
        times_of(text)
    assert told in str(refusal.value)


@pytest.mark.parametrize("text", ["0 0 30 2 *", "0 0 31 4,6,9,11 *", ", * * * *", "0 0 31 feb ?"])
def test_days_that_no_year_has(text: str) -> None:
    assert times_of(text).never


@pytest.mark.parametrize("text", ["0 0 30 2 1", "0 0 31 */2 *", "0 0 30 1,2 *", "0 0 30 2/1 *"])
def test_days_that_some_year_has(text: str) -> None:
    assert not times_of(text).never


def test_the_pause_of_every() -> None:
    assert times_of("@every 90s").every == timedelta(seconds=90)
    assert times_of("@hourly").every is None


@given(st.text(max_size=80) | st.from_regex(r"(@every )?[-*/?0-9a-zA-Z,@= ]{0,40}"))
@example("\u0661 * * * *")
@example("\x00")
def test_no_text_makes_it_raise_anything_else(text: str) -> None:
    with suppress(ValueError):
        times_of(text)
