"""Numbers, rates and sizes in text; the rules are those of Go's strconv and of go-units."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.kubernetes.specs.quantities import (
    correlation_text,
    float_of,
    float_text,
    integer_of,
    machine_size,
    rate_text,
    size_text,
)


@pytest.mark.parametrize(
    "text",
    [
        "25",
        "0.5",
        ".5",
        "5.",
        "+1",
        "-1",
        "1e-3",
        "1E5",
        "inf",
        "-Infinity",
        "NaN",
        "0x1p-2",
        "1_000",
        "0x_1.8p1",
        "3.4028235e38",
        "1e-999",
        "0x1p-99999999999999999999",
        "250",
    ],
)
def test_parse_float_accepts(text: str) -> None:
    assert float_text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1 ",
        "10%",
        "abc",
        "1,5",
        ".",
        "e5",
        "1e",
        "0x1",
        "0xp1",
        "1__0",
        "_1",
        "1_",
        "3.5e38",
        "1e999",
        "0x1p99999999999999999999",
        "+nan",
        "\u0661",
        "infin",
        "1_.5",
    ],
)
def test_parse_float_refuses(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a number, write"):
        float_text(text)


def test_a_percentage_is_written_without_its_sign() -> None:
    with pytest.raises(ValueError, match='"10 %" is not a number, write "10"'):
        float_text("10 %")


def test_an_empty_correlation_is_the_default() -> None:
    assert correlation_text("") == ""
    with pytest.raises(ValueError, match="is not a number"):
        correlation_text("high")


@pytest.mark.parametrize(
    ("text", "number"),
    [("2", 2), ("+2", 2), ("-2", -2), ("007", 7), (str(2**63 - 1), 2**63 - 1), ("0" * 5_000, 0)],
)
def test_atoi_accepts(text: str, number: int) -> None:
    assert integer_of(text) == number


@pytest.mark.parametrize(
    "text", ["", "1.0", "1_0", " 1", "1 ", "0x1", "abc", "1e2", "\u0661", str(2**63), "9" * 5_000]
)
def test_atoi_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="is not a whole number, write"):
        integer_of(text)


@pytest.mark.parametrize(
    "text", ["1mbps", "1 mbps", "1Mbit", " 10 KBPS ", "0bps", "5bit", f"{2**64 - 1}tbps", "007gbit"]
)
def test_rate_accepts(text: str) -> None:
    assert rate_text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10",
        "1mb",
        "-1mbps",
        "+1mbps",
        "1.5mbps",
        "mbps",
        f"{2**64}bps",
        "1_0bps",
        "1 0bps",
        "\x1c1mbps",
        "9" * 5000 + "bps",
    ],
)
def test_rate_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="write a whole number"):
        rate_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "256MB",
        "1.5GiB",
        "1 g",
        "1024",
        "10b",
        "1KiB",
        "2PB",
        "0%",
        "50%",
        "100%",
        "+5%",
        "1e3k",
        "nan ",
    ],
)
def test_size_accepts(text: str) -> None:
    assert size_text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "abc",
        "10XB",
        "-1MB",
        "101%",
        "-1%",
        "1.5%",
        "%",
        "10EB",
        "10kbb",
        "10bb",
        "10bytes",
        "1  MB",
        "MB",
        "1e999",
        "10KI",
        " ",
    ],
)
def test_size_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="write"):
        size_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "-0",
        "1c",
        "1K",
        "1KB",
        "1kB",
        "1KiB",
        "1.5GiB",
        ".5M",
        "1.M",
        "1G512M",
        "+8E",
        "9EB",
        "1PB2c",
        "9223372036854775789c",
        f"1.{'0' * 400}1M",
    ],
)
def test_a_size_on_a_machine_has_a_unit(text: str) -> None:
    assert machine_size(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "100",
        "00",
        "100B",
        "1k",
        "1kiB",
        "1mb",
        "1 MB",
        "1MB1MiB",
        "50%",
        "M",
        ".M",
        "-",
        "1M2",
        "9223372036854775790c",
        "9E",
        "10EB",
        "1M" * 1_000,
    ],
)
def test_a_size_on_a_machine_is_read_as_upstream_reads_it(text: str) -> None:
    with pytest.raises(ValueError, match="write it like"):
        machine_size(text)


@pytest.mark.parametrize(
    "judge", [float_of, integer_of, rate_text, size_text, machine_size, correlation_text]
)
@given(text=st.text() | st.text(alphabet="0123456789.+-_eExXpP% kmgtbipsKMGTBIPSinfa"))
def test_any_text_is_taken_or_refused_with_a_mend(
    judge: Callable[[str], object], text: str
) -> None:
    try:
        judge(text)
    except ValueError as refusal:
        assert "write" in str(refusal)  # noqa: PT017 - most texts are taken or refused at random


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_64_bit_integer_is_read(number: int) -> None:
    assert integer_of(str(number)) == number


@given(st.floats(width=32))
def test_every_float32_is_read(number: float) -> None:
    assert float_text(repr(number)) == repr(number)
