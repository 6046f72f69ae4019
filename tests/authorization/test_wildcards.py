"""Wildcards match what a plain reading of them matches, and in linear time."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iam.policy.wildcards import matches, matches_arn, matches_ignoring_case

ALPHABET = st.text(alphabet="ab:/", max_size=8)
PATTERNS = st.text(alphabet="ab:/*?", max_size=8)


def plainly(pattern: str, text: str) -> bool:
    """Match by the definition, however long that takes."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(plainly(pattern[1:], text[place:]) for place in range(len(text) + 1))
    return bool(text) and pattern[0] in {"?", text[0]} and plainly(pattern[1:], text[1:])


@given(pattern=PATTERNS, text=ALPHABET)
@example(pattern="*ab*ab*", text="ab")
@example(pattern="*a*b*", text="ba")
@example(pattern="a*a", text="a")
@example(pattern="*?*?*", text="a")
def test_a_pattern_matches_what_it_says(pattern: str, text: str) -> None:
    assert matches(pattern, text) is plainly(pattern, text)


@pytest.mark.parametrize("text", ["a[b]c", "a.c", "a\nc", "a\\c", "^a$", "a+"])
def test_only_the_star_and_the_question_mark_are_special(text: str) -> None:
    assert matches(text, text)
    assert matches("*", text)
    assert matches("?" * len(text), text)
    assert not matches("a.c", "abc")
    assert not matches("[a-z]", "b")
    assert not matches("a.c*", "abc")
    assert not matches("*[a-z]?", "bb")


def test_resources_have_capitals_and_actions_have_not() -> None:
    assert not matches("arn:aws:fis:*", "ARN:aws:fis:x")
    assert matches_ignoring_case("FIS:start*", "fis:StartExperiment")


def test_in_arn_conditions_a_star_stays_within_its_part() -> None:
    arn = "arn:aws:iam::123456789012:role/fis/one"
    assert matches("arn:*", arn)
    assert not matches_arn("arn:*", arn)
    assert matches_arn("arn:aws:iam::*:role/*", arn)
    assert not matches_arn("arn:aws:*:123456789012:role/fis/one", arn)
    assert not matches_arn("arn:*:*:*:*:*", "no arn")
    assert matches_arn("arn:aws:fis:*:*:action/*", "arn:aws:fis:r:1:action/aws:ec2:stop-instances")


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("*a" * 1000 + "b", "a" * 2048),
        ("*" * 2000 + "b", "a" * 2048),
        ("*?" * 1000 + "b", "a" * 2048),
        ("*a?" * 600 + "b", "ab" * 1024),
        ("*" + "a" * 1000 + "b", "a" * 2048),
        ("*" + "?" * 1000 + "b", "a" * 2048),
    ],
)
def test_no_pattern_of_any_size_takes_long(pattern: str, text: str) -> None:
    assert not matches(pattern, text)  # cut once, as stored policies are
    fastest = min(_seconds(pattern, text) for _ in range(5))
    assert fastest < 0.02


def _seconds(pattern: str, text: str) -> float:
    began = time.perf_counter()
    matches(pattern, text)
    return time.perf_counter() - began
