"""Values go where their placeholders stand, as values: they cannot add structure."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.catalog.action_templates.placeholders import (
    Value,
    fill,
    placeholder_problems,
    sole_name,
)

REPEATABLE = settings(deadline=None, derandomize=True, max_examples=60)
HOSTILE = [
    '", "action": "pod-kill',
    "}, {",
    "\n  action: pod-kill",
    "{{ other }}",
    '{{ "{{" }}',
    "{{",
    "&a *a",
    "!!python/object",
    "\\u0022",
    "${HOME} $(id) `id`",
    "\u2028\u202e\ufeff",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_text_stays_one_text(value: str) -> None:
    written = {"a": "{{ p }}", "b": ["x {{ p }} y", 1], "c": {"d": None}}
    filled = fill(written, {"p": value, "other": "secret"}).value
    assert filled == {"a": value, "b": [f"x {value} y", 1], "c": {"d": None}}


def test_a_text_that_wholly_is_a_placeholder_takes_the_type() -> None:
    labels = {"app": "checkout"}
    filled = fill(
        {"n": "{{ n }}", "l": "{{l}}", "t": "{{   t   }}", "inside": "{{ n }}%"},
        {"n": 25, "l": labels, "t": "text"},
    ).value
    assert filled == {"n": 25, "l": labels, "t": "text", "inside": "25%"}
    assert filled["l"] is not labels


def test_a_number_is_text_where_the_field_holds_text() -> None:
    written = {"loss": {"loss": "{{ n }}"}, "items": ["{{ n }}"], "load": "{{ n }}"}
    text = {("loss", "loss"), ("items", 0)}
    filled = fill(written, {"n": 25}, is_text=lambda steps: steps in text).value
    assert filled == {"loss": {"loss": "25"}, "items": ["25"], "load": 25}


def test_two_braces_can_be_written() -> None:
    assert fill('{{ "{{" }} {{ a }} }}', {"a": "b"}).value == "{{ b }}"
    assert list(placeholder_problems('{{ "{{" }} .Values.x }}', "spec", [], [])) == []
    assert sole_name('{{ "{{" }}') is None


def test_closing_braces_alone_are_text() -> None:
    text = '{"a": {"b": 1}}'
    assert list(placeholder_problems(text, "spec", [], [])) == []
    assert fill(text, {}).value == text


def test_single_braces_around_a_placeholder_are_text() -> None:
    assert list(placeholder_problems("{{{ a }}{", "spec", ["a"], [])) == []
    assert fill("{{{ a }}{", {"a": "b"}).value == "{b{"


def test_where_values_went_is_told() -> None:
    filled = fill({"a": ["{{ x }}-{{ y }}-{{ x }}"], "b": "plain"}, {"x": "1", "y": "2"}, "spec")
    assert filled.origins == {"spec.a[0]": ("x", "y")}


_TEXT = st.text(max_size=8) | st.sampled_from(
    ["{{ a }}", "{{ b }}", "x{{ a }}y", "{{ a }}{{ b }}", '{{ "{{" }}', "{{", "}}", "{{ c }}"]
)
_DOCUMENT = st.recursive(
    st.none() | st.booleans() | st.integers() | _TEXT,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=20,
)
_VALUE = st.integers() | st.text() | st.sampled_from(HOSTILE)


def _same_shape(before: Any, after: Any) -> bool:
    """Whether two documents differ in texts only, where placeholders stood."""
    if isinstance(before, dict):
        return (
            isinstance(after, dict)
            and list(before) == list(after)
            and all(_same_shape(before[key], after[key]) for key in before)
        )
    if isinstance(before, list):
        return (
            isinstance(after, list)
            and len(before) == len(after)
            and all(map(_same_shape, before, after))
        )
    if isinstance(before, str) and "{{" in before:
        return isinstance(after, str | int)
    return type(before) is type(after) and bool(before == after)


@REPEATABLE
@given(document=_DOCUMENT, a=_VALUE, b=_VALUE, text=st.booleans())
def test_no_value_changes_the_shape_of_a_document(
    document: Any, a: Value, b: Value, text: bool
) -> None:
    if list(placeholder_problems(document, "spec", ["a", "b"], [])):
        return  # refused before anything is filled in
    filled = fill(document, {"a": a, "b": b}, is_text=lambda _: text).value
    assert _same_shape(document, filled)


@REPEATABLE
@given(_DOCUMENT)
def test_what_passes_can_be_filled_in(document: Any) -> None:
    found = list(placeholder_problems(document, "spec", ["a"], ["b"]))
    if not found:
        fill(document, {"a": "x", "b": {"app": "x"}})
    for problem in found:
        assert problem.path.startswith("spec")
        str(problem).encode()
