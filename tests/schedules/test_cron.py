"""Cron expressions: refusals that mend, the two days on which clocks are changed, properties."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given, reject
from hypothesis import strategies as st

from bridge.engine.cron import NICKNAMES, Cron, check_timezone
from bridge.model.moment import MINUTE, SECOND, Micros, timestamp

BERLIN = "Europe/Berlin"


def moment(text: str, zone: str = "UTC") -> Micros:
    local = datetime.fromisoformat(text)
    aware = local if local.tzinfo else local.replace(tzinfo=ZoneInfo(zone))
    return Micros(int(aware.timestamp()) * SECOND)


def slots(cron: str, begin: str, end: str, zone: str = BERLIN) -> list[str]:
    """Return the slots between two local times, as the wall clock shows them."""
    until = moment(end, zone)
    found = itertools.takewhile(
        lambda slot: slot <= until, Cron(cron, zone).times(moment(begin, zone))
    )
    return [f"{timestamp(slot).astimezone(ZoneInfo(zone)):%d. %H:%M %Z}" for slot in found]


# --- refusals -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("61 * * * *", 'the minute "61" cannot be read; write 0 to 59'),
        ("* 24 * * *", 'the hour "24" cannot be read; write 0 to 23'),
        ("* * 0 * *", 'the day of the month "0" cannot be read; write 1 to 31'),
        ("* * * JANUARY *", 'the month "JANUARY" cannot be read; write 1 to 12, or JAN'),
        ("* * * * FRI-MON", 'the day of the week "FRI-MON" cannot be read'),
        ("*/0 * * * *", 'the minute "*/0" cannot be read'),
        ("1,,2 * * * *", 'the minute "1,,2" cannot be read'),
        ("٣ * * * *", 'the minute "٣" cannot be read'),
        ("* * * *", '"* * * *" is not five fields; write minute, hour'),
        ("", '"" is not five fields'),
        ("*/10 * * * * *", "has six fields; a schedule starts once a minute at most"),
        ("0 0 30 2 *", "names no day that ever comes"),
        ("0 0 31 4,6,9,11 *", "names no day that ever comes"),
        ("0 0 */31 2 SAT#5", "names no day that ever comes"),
        ("@every 10s", "intervals are written as steps"),
        ("@dayly", 'did you mean "@daily"?'),
        ("@reboot", 'write five fields, or "@yearly"'),
        ("1," * 200 + "1 * * * *", "is longer than 256 characters"),
    ],
)
def test_a_wrong_expression_is_refused_with_its_field_and_the_mend(cron: str, words: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        Cron(cron)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ("Europe/Berlinn", 'did you mean "Europe/Berlin"?'),
        ("berlin", 'did you mean "Europe/Berlin"?'),
        ("america/new york", 'did you mean "America/New_York"?'),
        ("localtime", "is not a time zone"),
        ("Factory", "is not a time zone"),
        ("../../etc/passwd", "is not a time zone"),
        ("", 'write an IANA name such as "Europe/Berlin"'),
        ("x" * 100_000, 'write an IANA name such as "Europe/Berlin"'),
    ],
)
def test_an_unknown_time_zone_is_refused_with_the_nearest(zone: str, words: str) -> None:
    with pytest.raises(ValueError, match="is not a time zone") as refused:
        check_timezone(zone)
    assert words in str(refused.value)
    assert len(str(refused.value)) < 300


def test_zones_and_nicknames_that_exist_are_taken() -> None:
    for zone in ("UTC", BERLIN, "Asia/Kathmandu", "Etc/GMT+5"):
        check_timezone(zone)
    for name in NICKNAMES:
        assert Cron(name).next(Micros(0)) == Cron(NICKNAMES[name]).next(Micros(0))
    assert slots("@daily", "2026-06-01T12:00", "2026-06-03T12:00") == [
        "02. 00:00 CEST",
        "03. 00:00 CEST",
    ]


# --- days on which clocks are changed ----------------------------------------------------------


def test_a_time_that_is_skipped_in_spring_is_the_first_minute_after() -> None:
    # In Berlin 02:00 to 03:00 does not exist on 29 March 2026.
    assert slots("30 2 * * *", "2026-03-28T00:00", "2026-03-30T12:00") == [
        "28. 02:30 CET",
        "29. 03:00 CEST",
        "30. 02:30 CEST",
    ]
    assert slots("0,30 2,3 * * *", "2026-03-29T00:00", "2026-03-29T12:00") == [
        "29. 03:00 CEST",
        "29. 03:30 CEST",
    ]


def test_a_time_that_comes_twice_in_autumn_is_taken_the_first_time() -> None:
    # In Berlin 02:00 to 03:00 comes twice on 25 October 2026.
    assert slots("30 2 * * *", "2026-10-24T00:00", "2026-10-26T12:00") == [
        "24. 02:30 CEST",
        "25. 02:30 CEST",
        "26. 02:30 CET",
    ]


def test_what_goes_with_the_wall_clock_skips_and_repeats_with_it() -> None:
    assert slots("0 * * * *", "2026-03-29T01:30", "2026-03-29T04:30") == [
        "29. 03:00 CEST",
        "29. 04:00 CEST",
    ]
    assert slots("0 * * * *", "2026-10-25T01:30", "2026-10-25T03:30") == [
        "25. 02:00 CEST",
        "25. 02:00 CET",
        "25. 03:00 CET",
    ]
    assert slots("*/30 2 * * *", "2026-03-29T00:00", "2026-03-29T12:00") == []
    assert len(slots("*/30 2 * * *", "2026-10-25T00:00", "2026-10-25T12:00")) == 4


def test_in_the_hour_that_comes_again_no_slot_of_its_first_time_is_named() -> None:
    second = moment("2026-10-25T02:15+01:00")
    found = Cron("30 2 * * *", BERLIN).next(second)
    assert found == moment("2026-10-26T02:30", BERLIN)


def test_an_hour_that_is_skipped_at_midnight() -> None:
    # In Cairo clocks go from 00:00 to 01:00 on 24 April 2026.
    assert slots("15 0 * * *", "2026-04-23T12:00", "2026-04-25T12:00", "Africa/Cairo") == [
        "24. 01:00 EEST",
        "25. 00:15 EEST",
    ]


# --- properties ------------------------------------------------------------------------------


def _field(low: int, high: int, *, steps: bool = True) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    spans = st.tuples(number, number).map(lambda pair: f"{min(pair)}-{max(pair)}")
    kinds = [
        st.just("*"),
        number.map(str),
        spans,
        st.lists(number, min_size=1, max_size=4).map(lambda many: ",".join(map(str, many))),
    ]
    if steps:
        kinds.append(st.integers(1, high).map(lambda step: f"*/{step}"))
    return st.one_of(*kinds)


CRONS = st.tuples(_field(0, 59), _field(0, 23), _field(1, 31), _field(1, 12), _field(0, 7)).map(
    " ".join
)
ZONES = st.sampled_from(
    ["UTC", BERLIN, "America/New_York", "Africa/Cairo", "Australia/Lord_Howe", "Asia/Kathmandu"]
)


def _around(text: str) -> st.SearchStrategy[int]:
    day = 30 * 3600 * SECOND
    return st.integers(moment(text) - day, moment(text) + day)


MOMENTS = st.one_of(
    st.integers(moment("2020-01-01T00:00"), moment("2050-01-01T00:00")),
    # Days on which clocks are changed in Berlin, and in New York.
    _around("2026-03-29T01:00"),
    _around("2026-10-25T01:00"),
    _around("2026-11-01T06:00"),
).map(Micros)


def _matches(cron: str, local: datetime) -> bool:
    naive = local.replace(tzinfo=None, fold=0)
    return next(CronSim(cron, naive - timedelta(seconds=1)), None) == naive


@given(CRONS, ZONES, MOMENTS)
def test_slots_increase_strictly_and_each_is_named_by_the_expression(
    cron: str, zone: str, after: Micros
) -> None:
    try:
        read = Cron(cron, zone)
    except ValueError as error:
        assert "names no day that ever comes" in str(error)  # noqa: PT017 - the only refusal here
        reject()
    last = after
    for slot in itertools.islice(read.times(after), 12):
        assert slot > last
        assert slot % MINUTE == 0
        local = timestamp(slot).astimezone(ZoneInfo(zone))
        before = timestamp(Micros(slot - MINUTE)).astimezone(ZoneInfo(zone))
        jumped = local.utcoffset() != before.utcoffset()
        assert jumped or _matches(cron, local), local
        last = slot
    assert read.next(after) == next(read.times(after), None)
    assert read.in_words()


@given(CRONS, ZONES, MOMENTS, st.integers(0, 40 * 24 * 60), st.integers(1, 20))
def test_the_latest_slots_are_those_at_the_end_of_all(
    cron: str, zone: str, after: Micros, minutes: int, most: int
) -> None:
    try:
        read = Cron(cron, zone)
    except ValueError:
        reject()
    until = Micros(after + minutes * MINUTE)
    every = list(itertools.takewhile(lambda slot: slot <= until, read.times(after)))
    assert read.last(after, until, most) == every[-most:]


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        Cron(text)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - whatever it is, it says why


@given(st.text(alphabet="0123456789*/,-#LW@ SUNMOFRI", max_size=40))
def test_any_text_that_looks_like_cron_is_read_or_refused(text: str) -> None:
    try:
        read = Cron(text)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - as above
    else:
        assert read.next(moment("2026-01-01T00:00")) is not None
        assert read.in_words()


def test_however_long_a_bridge_was_away_the_latest_slots_are_found_at_once() -> None:
    began = datetime.now(UTC)
    found = Cron("* * * * *").last(moment("1970-01-02T00:00"), moment("2026-01-01T00:00"), 3)
    assert [timestamp(slot).isoformat() for slot in found] == [
        "2025-12-31T23:58:00+00:00",
        "2025-12-31T23:59:00+00:00",
        "2026-01-01T00:00:00+00:00",
    ]
    assert datetime.now(UTC) - began < timedelta(seconds=5)
