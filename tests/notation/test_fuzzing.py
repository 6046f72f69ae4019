"""No text makes a reader crash, take long, or accept what it should not."""

from __future__ import annotations

import json
import math
import time
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.model.notation import DEEPEST, Written, read, read_stream
from bridge.model.notation.within import place_within
from bridge.model.notation.writing import as_json_text, as_yaml
from bridge.model.notation.written import MOST_FINDINGS, Place
from bridge.model.wording import child
from providers.kubernetes.spec_text import SpecTextError, read_spec

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
WHOLE = st.integers(min_value=-(2**63), max_value=2**64 - 1)
SCALARS = (
    st.none() | st.booleans() | WHOLE | TEXTS | st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=20
)
DOCUMENTS = VALUES.filter(lambda value: not isinstance(value, str) and value is not None)
FRAGMENTS = st.lists(
    st.sampled_from(
        [
            "{", "}", "[", "]", ":", ",", '"', "'", "\\", "\n", "\t", " ", "- ", "? ", "&a", "*a",
            "!!int", "|", ">", "---\n", "...", "#", "//", "a", "b", "1", "-1", "1e999", "0x1", "~",
            "null", "yes", "None", "NaN", '"a"', "'b'", "\\u00", "\\ud800", "\ufeff", "\r\n", "“",
            "\x00", "\x85", "\u2028", "<<", "=", "%", "@", "`", "\ud800", "\U0001f600", "  ",
        ]
    ),
    max_size=40,
).map("".join)  # fmt: skip


@given(DOCUMENTS, st.sampled_from([None, 2]), st.booleans())
def test_any_json_document_is_read_as_it_is(value: Any, indent: int | None, plain: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=plain)
    written = read(text, deepest=DEEPEST)
    assert written.findings == []
    assert written.is_json == isinstance(value, list | dict)
    assert written.value == value
    assert str(written.value) == str(value)


@given(DOCUMENTS)
def test_every_part_is_found_where_it_is_written(value: Any) -> None:
    written = read(json.dumps(value, indent=1, ensure_ascii=False))
    lines = written.text.split("\n")
    for path, (line, column) in written.places.items():
        rest = lines[line - 1][column - 1 :]
        assert rest, path
        if path and not path.endswith("]"):
            assert rest.startswith(json.dumps(path.rpartition(".")[2], ensure_ascii=False))
    assert set(paths(value, "")) == set(written.places)


def paths(value: Any, path: str) -> list[str]:
    found = [path]
    if isinstance(value, dict):
        for key, part in value.items():
            found += paths(part, child(path, key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            found += paths(part, child(path, index))
    return found


@given(st.text() | FRAGMENTS, st.booleans())
@example("{'a': 'b\\n'}", False)
@example("a: !!set {x}", False)
@example('"{\\"a\\": 1}"', False)
def test_nothing_but_json_values_comes_out(text: str, named_json: bool) -> None:
    for written in read_stream(text, named_json=named_json):
        assert len(written.findings) <= MOST_FINDINGS + 1
        for place, problem in written.findings:
            assert place is None or (place.line >= 1 and place.column >= 1)
            str(problem).encode()
            assert len(problem.message) < 500
        if not written.broken:
            assert_json(written.value, 0)
            json.dumps(written.value, allow_nan=False, ensure_ascii=False).encode()


def assert_json(value: Any, depth: int) -> None:
    assert depth <= DEEPEST
    if isinstance(value, dict):
        for key, inner in value.items():
            assert type(key) is str
            assert_json(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            assert_json(inner, depth + 1)
    elif type(value) is int:
        assert abs(value) < 2**64
    elif type(value) is float:
        assert math.isfinite(value)
    else:
        assert value is None or type(value) in (bool, str)


@given(st.text() | FRAGMENTS)
def test_what_python_reads_as_json_is_read_the_same_or_refused(text: str) -> None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return
    written = read(text)
    if not written.broken and not isinstance(value, str):
        assert written.value == value


@given(st.dictionaries(TEXTS, VALUES), st.data())
def test_a_truncated_or_damaged_document_is_refused(value: dict[str, Any], data: Any) -> None:
    text = json.dumps(value)
    cut = data.draw(st.integers(min_value=1, max_value=len(text) - 1))
    written = read(text[:cut], named_json=True)
    assert written.broken
    place = written.findings[0].place
    assert place is not None
    assert (place.line, place.column) <= (1, cut + 1)


@given(st.text() | FRAGMENTS)
def test_a_spec_is_an_object_or_refused(text: str) -> None:
    try:
        spec = read_spec(text)
    except SpecTextError as error:
        str(error).encode()
    else:
        assert isinstance(spec, dict)


@given(st.dictionaries(TEXTS, VALUES, min_size=1), st.booleans(), st.booleans())
def test_a_text_within_json_is_placed_in_it(value: Any, ascii_only: bool, spread: bool) -> None:
    inner = json.dumps(value, indent=2 if spread else None, ensure_ascii=False)
    outer = json.dumps({"a": 1, "spec": inner}, ensure_ascii=ascii_only)
    written = read(outer)
    within = read(inner)
    for place in within.places.values():
        found = place_within(written, "spec", place)
        assert found is not None
        expected = within.lines.offset(place)
        assert unescaped(outer[found.column - 1 :]).startswith(inner[expected:])


def unescaped(text: str) -> str:
    return str(json.loads('"' + text[: text.rindex('"')] + '"'))


@given(st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), WHOLE, min_size=1))
def test_a_text_within_yaml_is_placed_in_it(value: dict[str, int]) -> None:
    inner = "".join(f"{name}: {number}\n" for name, number in value.items())
    block = "".join(f"      {line}\n" for line in inner.splitlines())
    written = read(f"# é\na:\n  spec: |\n{block}  b: 1\n")
    lines = written.text.split("\n")
    within = read(inner)
    if within.broken:  # a name such as on
        return
    for name in value:
        found = place_within(written, "a.spec", within.places[name])
        assert found is not None
        assert lines[found.line - 1][found.column - 1 :].startswith(f"{name}: ")


def quarter_million(part: str, before: str = "", after: str = "") -> str:
    return before + part * (250_000 // len(part)) + after


SLOW = {
    "braces": quarter_million("{"),
    "brackets": quarter_million("["),
    "open objects": quarter_million('{"a":'),
    "digits": quarter_million("1", "[", "]"),
    "long numbers": quarter_million("1" * 399 + ",", "[", "1]"),
    "numbers with points": quarter_million("1.", "[", "]"),
    "backslashes": quarter_million("\\", '["'),
    "escapes": quarter_million("\\n", '["', '"]'),
    "duplicates": quarter_million('"a":1,', "{", '"a":1}'),
    "lines": quarter_million("\n", "[", "]"),
    "words": quarter_million("a", "[", "]"),
    "aliases": quarter_million("*a,", "[", "*a]"),
    "anchors": quarter_million("- &a x\n"),
    "bomb": "a: &a [x]\n" + quarter_million("- *a\n", "b:\n"),
    "documents": quarter_million("--- [a]\n"),
    "questions": quarter_million("? "),
    "dashes": quarter_million("- "),
    "colons": quarter_million(":"),
    "flow names": quarter_million("a, ", "{"),
    "flow objects": quarter_million("'a': 1, ", "{", "}"),
    "yaml duplicates": quarter_million("a: 1\n"),
    "tags": quarter_million("- !!x y\n"),
    "directives": quarter_million("%TAG ! x\n"),
    "tabs": quarter_million("\t", "{", "a: 1}"),
    "quotes": quarter_million("''", "['", "']"),
    "long name": quarter_million("x", "", ": 1"),
}


@pytest.mark.parametrize("name", sorted(SLOW))
def test_no_text_takes_long(name: str) -> None:
    text = SLOW[name]
    started = time.process_time()
    for written in read_stream(text):
        assert isinstance(written, Written)
    # Measured at 1 s at most; one that is not linear takes minutes.
    assert time.process_time() - started < 10


def test_places_count_every_kind_of_line_end() -> None:
    for end in ("\n", "\r\n", "\r"):
        written = read(end.join(["\ufeff{", '"é": 1,', '"\U0001f600": 2', "}"]))
        assert list(written.places.values()) == [Place(1, 1), Place(2, 1), Place(3, 1)]


@example("a\x85")
@example("\u2028\u2029")
@given(DOCUMENTS | st.sampled_from(["1e3", "None", "NaN", "// x", "“", "yes", "1:30", "a\nb\n"]))
def test_what_is_written_as_yaml_is_read_as_it_was(value: Any) -> None:
    document = {"value": value, "again": [value, value]}
    written = read(as_yaml(document))
    assert written.findings == []
    assert written.value == document
    assert yaml.safe_load(as_yaml(document)) == document
    assert json.loads(as_json_text(document)) == document
