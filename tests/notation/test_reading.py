"""What is wrong with a text: where, what, and what to write instead."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.model.notation import read, read_stream
from bridge.model.notation.within import place_within
from bridge.model.problem import Severity


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{'action': 'delay'}", {"action": "delay"}),
        ("{\t'a': 'b',\n\t'c': {'d': [1, 2,],},\t}", {"a": "b", "c": {"d": [1, 2]}}),
        ("""{'a': 'say "hi"', 'b': "it's"}""", {"a": 'say "hi"', "b": "it's"}),
        ("{'a': 'it''s'}", {"a": "it's"}),
        ("{'a': True, 'b': False, 'c': null}", {"a": True, "b": False, "c": None}),
        ("{action: delay, mode: one}", {"action": "delay", "mode": "one"}),
        ('{"action": delay}', {"action": "delay"}),
        ("# why\naction: delay\r\nmode: one\r\n", {"action": "delay", "mode": "one"}),
        ('---\n{"a": 1}\n...\n', {"a": 1}),
        ("a: |\n  x\n  y\n", {"a": "x\ny\n"}),
        ('"text"', "text"),
        ("a: &unused 1\n", {"a": 1}),
        ("a: 'None'\nb: \"yes\"\nc: '012'", {"a": "None", "b": "yes", "c": "012"}),
        ('\ufeff{"a": 1e3}', {"a": 1e3}),
        ('{"a": 1e3, "b": -0.5, "c": 18446744073709551615}', {"a": 1e3, "b": -0.5, "c": 2**64 - 1}),
    ],
)
def test_what_is_meant_is_understood(text: str, value: Any) -> None:
    written = read(text)
    assert written.findings == []
    assert written.value == value


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ('{"a": 1,\n "b": 2,\n}', 2, 8, "the comma before the end is one too many; remove it"),
        ("[1, 2,]", 1, 6, "one too many"),
        ('{"a": 1\n "b": 2}', 2, 2, "a comma is missing before this; write it"),
        ('{"a": {"b": 1} {"c": 2}}', 1, 16, "a comma is missing"),
        ('{"a": 1; "b": 2}', 1, 8, "a semicolon parts nothing; write a comma"),
        ('{"a" 1}', 1, 6, 'a colon is missing after the name "a"; write it'),
        ('{"a"}', 1, 5, "a colon is missing"),
        ('{"a": , "b": 1}', 1, 7, "a value is missing here; write one, or null"),
        ("[1,,2]", 1, 4, "a value is missing here"),
        ("{,}", 1, 2, "a name is missing here; write it in double quotes"),
        ('{"a": [1, 2}', 1, 12, "} closes the [ of line 1, column 7; write ]"),
        ('{\n "a": [1, 2', 2, 12, "the text ends, and the [ of line 2, column 7 is not closed"),
        ('{"a": {"b": 1}', 1, 15, "the { of line 1, column 1 is not closed; write }"),
        ('{"a": "b', 1, 7, 'the text that begins here is not closed; write " at its end'),
        ('{"a": "b\n"}', 1, 9, "begins in column 7 is not closed in its line"),
        ('{"a": "b\tc"}', 1, 9, "a tab within a text; write \\t"),
        ('{"a": "b\x01"}', 1, 9, "a control character within a text; write \\u0001"),
        (r'{"a": "\d"}', 1, 8, r'"\\d" is no escape of JSON; write \\ for a backslash'),
        (r'{"a": "it\'s"}', 1, 10, "' needs no backslash; write ' alone"),
        ('{"a": 1, // why\n"b": 2}', 1, 10, "JSON has no comments; remove it, or write YAML"),
        ('{"a": /* why */ 1}', 1, 7, "JSON has no comments"),
        ("{“a”: 1}", 1, 2, 'a typographic quote; write " in its place'),
        ('{"a": 012}', 1, 7, '"012" is no number of JSON; write digits'),
        ('{"a": .5}', 1, 7, '".5" is no number of JSON'),
        ('{"a": 0x1F}', 1, 7, '"0x1F" is no number of JSON'),
        (r"{\"a\": 1}", 1, 2, r'\" is escaped once too often; write " in its place'),
        ('{"a": 1} x', 1, 10, "more follows after the end of the document; remove it"),
        ('{"a": 1}{"b": 2}', 1, 9, "more follows after the end"),
    ],
)
def test_malformed_json_says_where_and_what_was_meant(
    text: str, line: int, column: int, words: str
) -> None:
    (finding,) = read(text).findings
    assert finding.place == (line, column)
    assert finding.problem.message.startswith("is not JSON: ")
    assert words in finding.problem.message


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: yes", (1, 4), '"yes" is a boolean in YAML'),
        ("{'a': on}", (1, 7), '"on" is a boolean in YAML'),
        ("a: 010", (1, 4), '"010" is a number in YAML, which JSON writes otherwise'),
        ("a: 1:30", (1, 4), '"1:30" is a number in YAML'),
        ("a: 2026-01-02", (1, 4), "is a date in YAML"),
        ("a: 1e3", (1, 4), '"1e3" is a number in some versions of YAML; put it in quotes'),
        ("a: 0x10", (1, 4), "is a number in YAML"),
        ("a: 1_000", (1, 4), "is a number in YAML"),
        ("{'a': None}", (1, 7), '"None" is a text in YAML; write null for nothing, or put it'),
        ("{'a': undefined}", (1, 7), "write null for nothing"),
        ("{'a': NaN}", (1, 7), '"NaN" is no number of JSON'),
        ("a: .inf", (1, 4), "is a number in YAML"),
        ("a: “x”", (1, 4), "begins with a typographic quote"),
        ("{'a': 1, // why\n'b': 2}", (2, 4), "a comment begins with #, not with // or /*"),
        ("{'a': // why\n}", (1, 7), "looks like a comment, which begins with #"),
        ("{'a': 1, b}", (1, 10), 'the name "b" has no value'),
        ("{a: 1, a: 2}", (1, 8), "stands twice, first in line 1, column 2; remove one of them"),
        ('{"a": {"b": 1, "b": 2}}', (1, 16), "stands twice, first in line 1, column 8"),
        ("{1: 2}", (1, 2), '"1" is not a text in YAML; write "1" in quotes'),
        ("on: 1", (1, 1), "is not a text in YAML"),
        ("a: &x [1]\nb: *x", (2, 4), 'uses the YAML alias "*x"; write the value out'),
        ("a: {b: 1}\nc:\n  <<: x", (3, 3), "is not a text in YAML"),
        ("a: !!set {x: null}", (1, 4), "has the YAML tag"),
        ("a: !!python/name:os.system", (1, 4), "put it in quotes"),
        (r"{'a': 'it\'s'}", None, "in single quotes ' is written ''"),
        ("a: \x07", (1, 4), "has the character U+0007, which YAML does not allow; remove it"),
        ("{a: 18446744073709551616}", (1, 5), "is a number too large to be kept"),
        ('{"a": 1e400}', (1, 7), "is a number too large to be kept"),
        pytest.param(f'{{"a": {"1" * 5000}}}', (1, 7), "is a number too large to be kept", id="1"),
        ('{"a": "\\ud800"}', (1, 7), "half of a character"),
        ('{"a": "\ud800"}', (1, 8), "half of a character"),
        ("", None, "is empty"),
        ("# nothing", None, "is empty"),
        ("a: 1\n--- \nb: 2", (3, 1), "a second document begins here, of 2; leave one"),
        ("[" * 33 + "]" * 33, (1, 33), "is nested more than 32 levels deep"),
        ("{'a': " * 33 + "}" * 33, (1, 193), "is nested more than 32 levels deep"),
    ],
)
def test_what_others_would_read_otherwise_is_refused_by_name(
    text: str, place: tuple[int, int] | None, words: str
) -> None:
    written = read(text)
    assert written.broken
    first = written.findings[0]
    assert place is None or first.place == place
    assert words in first.problem.message


def test_json_within_a_text_is_understood_and_said() -> None:
    written = read('"{\\"action\\": \\"delay\\"}"')
    assert written.value == {"action": "delay"}
    (finding,) = written.findings
    assert finding.problem.severity is Severity.WARNING
    assert finding.problem.message.startswith("is JSON written as a text; write the object itself")
    broken = read('"{\\"action\\": }"')
    assert "within it is not JSON: a value is missing here" in broken.findings[0].problem.message


def test_a_backslash_in_single_quotes_is_ambiguous() -> None:
    written = read(r"{'a': 'x\ny', 'b': '\d'}")
    assert written.value == {"a": r"x\ny", "b": r"\d"}
    (finding,) = written.findings
    assert (finding.problem.path, finding.problem.severity) == ("a", Severity.WARNING)


def test_a_file_named_json_is_nothing_else() -> None:
    (finding,) = read("{'a': 1}", named_json=True).findings
    assert finding.place == (1, 2)
    assert "a text is in single quotes; write double ones" in finding.problem.message
    (finding,) = read("a: 1", named_json=True).findings
    assert "this is no value" in finding.problem.message


def test_documents_of_a_stream_have_their_own_places() -> None:
    first, second = read_stream("---\na: 1\n---\n# b\nb: [2]\n---\n")
    assert (first.value, second.value) == ({"a": 1}, {"b": [2]})
    assert second.place_of("b[0]") == (5, 5)


def test_a_text_that_cannot_be_followed_is_placed_at_its_begin() -> None:
    written = read("a: >\n  x\n  y\nb: 'c: ''d'\ne: f\n")
    second = read("x\ny").places[""]
    assert place_within(written, "a", second) == (1, 4)
    assert place_within(written, "b", second) == (4, 5)
    assert place_within(written, "e", second) == (5, 4)
    assert place_within(written, "missing", second) is None
