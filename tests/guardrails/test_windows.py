"""The grammar of windows, and what a calendar of them says of a moment."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model.moment import Micros, micros
from bridge.model.window import DAYS, Calendar, describe, parse_windows

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def at(text: str, zone: str = "UTC", *, fold: int = 0) -> Micros:
    moment = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return micros(moment - EPOCH)


def allowed(text: str) -> Calendar:
    return Calendar(allowed=parse_windows(text))


def excluded(text: str) -> Calendar:
    return Calendar(excluded=parse_windows(text))


clocks = st.tuples(st.integers(0, 23), st.integers(0, 59)).map("{0[0]:02}:{0[1]:02}".format)
days = st.one_of(
    st.just("daily"),
    st.sampled_from(DAYS),
    st.lists(st.sampled_from(DAYS), min_size=2, max_size=4).map(",".join),
    st.tuples(st.sampled_from(DAYS), st.sampled_from(DAYS)).map("-".join),
)


@st.composite
def weekly(draw: st.DrawFn) -> str:
    begin, end = draw(st.lists(clocks, min_size=2, max_size=2, unique=True))
    return f"{draw(days)} {begin}-{end} {draw(st.sampled_from(ZONES))}"


@st.composite
def dated(draw: st.DrawFn) -> str:
    begin = draw(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)))  # noqa: DTZ001 - UTC below
    length = draw(st.timedeltas(timedelta(minutes=1), timedelta(days=90)))
    return f"{begin.isoformat()}Z/{(begin + length).isoformat()}+00:00"


texts = st.lists(st.one_of(weekly(), dated()), max_size=4).map("; ".join)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(  # noqa: DTZ001 - UTC below
    lambda one: micros(one.replace(tzinfo=UTC) - EPOCH)
)


# --- the grammar --------------------------------------------------------------------------


@given(texts)
def test_what_is_written_is_read_and_shown_again(text: str) -> None:
    windows = parse_windows(text)
    assert parse_windows(describe(windows)) == windows
    assert len(windows) == len([part for part in text.split(";") if part.strip()])


@given(st.text(max_size=200) | st.text("MonFri-,:;/ 0123456789TZ+UTC", max_size=60))
def test_any_other_text_is_refused_with_words(text: str) -> None:
    try:
        parse_windows(text)
    except ValueError as refusal:
        assert str(refusal)  # noqa: PT017 - most texts are refused, and none may end otherwise
        assert len(str(refusal)) < 400  # noqa: PT017 - as above


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("weekends", "is no window; write it like"),
        ("Mon 9-17 UTC", "is no window; write it like"),
        ("Mon 09:00-17:00", "names no time zone; add one"),
        ("Mon 09:00-17:00 Europe/Berln", "did you mean Europe/Berlin?"),
        ("Mon 09:00-17:00 ../../etc/passwd", "is no time zone"),
        ("Mon 09:00-17:00 Europe", "is no time zone"),
        ("Mo 09:00-17:00 UTC", '"Mo" is no day of the week'),
        ("Mon-Fri- 09:00-17:00 UTC", "is no day of the week"),
        ("Mon 09:00-25:00 UTC", "25:00 is no time of day"),
        ("Mon 09:60-10:00 UTC", "09:60 is no time of day"),
        ("Mon 24:00-10:00 UTC", 'write "00:00" of the next day'),
        ("Mon 09:00-09:00 UTC", "is empty; for whole days write 00:00-24:00"),
        ("2026-12-20/2026-12-21", "is no date and time with an offset"),
        ("2026-12-20T00:00/2026-12-21T00:00", "is no date and time with an offset"),
        ("2026-12-21T00:00Z/2026-12-20T00:00Z", "ends before it begins"),
        ("2026-12-21T00:00Z/", "is no date and time with an offset"),
        ("Mon 09:00-17:00 UTC;" * 101, "has 101 windows; give at most 100"),
        ("x" * 9000, "has 9000 characters; shorten it to 8192"),
    ],
)
def test_a_refusal_says_what_to_write(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        parse_windows(text)


def test_days_and_spaces_are_read_as_people_write_them() -> None:
    windows: Any = parse_windows(" mon,WED-fri   09:00-24:00  UTC ;; ;sun-mon 00:00-01:00 UTC; ")
    assert [sorted(one.days) for one in windows] == [[0, 2, 3, 4], [0, 6]]
    assert windows[0].length == timedelta(hours=15)


# --- what a calendar says -----------------------------------------------------------------


def test_without_windows_it_is_always_open() -> None:
    assert Calendar().closed(at("2026-11-26T12:00")) is None
    assert Calendar().changes(at("2026-11-26T12:00")) is None


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-11-26T08:59:59", False),  # a Thursday
        ("2026-11-26T09:00", True),
        ("2026-11-26T16:59:59", True),
        ("2026-11-26T17:00", False),
        ("2026-11-28T12:00", False),  # a Saturday
    ],
)
def test_a_weekly_window_goes_by_its_zones_clock(moment: str, is_open: bool) -> None:
    calendar = allowed("Mon-Fri 09:00-17:00 America/New_York")
    assert (calendar.closed(at(moment, "America/New_York")) is None) is is_open


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    calendar = allowed("Sat 22:00-06:00 UTC")
    assert calendar.closed(at("2026-11-28T23:00")) is None
    assert calendar.closed(at("2026-11-29T05:59")) is None
    assert calendar.closed(at("2026-11-28T05:59")) is not None


def test_an_exclusion_is_stronger_than_an_allowed_window_and_is_named() -> None:
    calendar = Calendar(
        parse_windows("daily 00:00-24:00 UTC"),
        parse_windows("2026-12-20T00:00Z/2027-01-04T00:00+01:00"),
    )
    closed = calendar.closed(at("2026-12-24T18:00"))
    assert closed is not None
    assert closed.excluded is not None
    assert closed.excluded.text == "2026-12-20T00:00Z/2027-01-04T00:00+01:00"
    assert calendar.closed(at("2027-01-03T22:59")) is not None
    assert calendar.closed(at("2027-01-03T23:00")) is None


def test_an_hour_that_comes_twice_or_never_is_read_for_fewer_faults() -> None:
    # In New York the clock shows 01:00 to 02:00 twice on 1 November, and skips 02:00 to 03:00
    # on 8 March.
    zone = "America/New_York"
    twice = "Sun 01:30-01:45 America/New_York"
    between = at("2026-11-01T01:10", zone, fold=1)
    assert excluded(twice).closed(between) is not None
    assert allowed(twice).closed(between) is not None
    assert allowed(twice).closed(at("2026-11-01T01:35", zone)) is not None
    night = "Sun 01:00-02:30 America/New_York"
    assert excluded(night).closed(at("2026-03-08T03:20", zone)) is not None
    assert allowed(night).closed(at("2026-03-08T01:20", zone)) is None
    assert allowed(night).closed(at("2026-03-08T03:20", zone)) is not None


@given(texts, texts, moments, st.data())
def test_nothing_changes_before_the_next_change(
    inside: str, outside: str, now: Micros, data: st.DataObject
) -> None:
    calendar = Calendar(parse_windows(inside), parse_windows(outside))
    following = calendar.changes(now)
    if following is None:
        later = Micros(now + data.draw(st.integers(0, 10**15)))
    else:
        assert following > now
        later = Micros(data.draw(st.integers(now, following - 1)))
    assert (calendar.closed(later) is None) == (calendar.closed(now) is None)
