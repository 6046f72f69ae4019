"""Sets of fields survive being written as `managedFields` holds them."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sandbox.kubernetes import field_paths
from bridge.sandbox.kubernetes.label_selectors import label_selector
from bridge.sandbox.kubernetes.status import ApiError
from bridge.sandbox.kubernetes.typed_fields import compare, fields_of, merge, without

scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5))
steps = st.one_of(
    st.text(min_size=1, max_size=5).map(field_paths.field_step),
    st.dictionaries(st.text(max_size=3), scalars, min_size=1, max_size=2).map(field_paths.key_step),
    scalars.map(field_paths.value_step),
)
paths = st.lists(steps, min_size=1, max_size=4).map(tuple)
objects = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
OPEN = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


@given(st.frozensets(paths, max_size=6))
def test_written_and_read(fields: frozenset[field_paths.Path]) -> None:
    written = json.loads(json.dumps(field_paths.encode(fields)))
    assert field_paths.decode(written) == fields


@given(objects)
def test_what_is_no_set_is_refused(raw: Any) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(field_paths.decode(raw), frozenset)


@given(*[st.dictionaries(st.text(max_size=4), objects, max_size=4)] * 2)
def test_nothing_differs_after_merging_twice(live: Any, config: Any) -> None:
    once = merge(live, config, OPEN)
    again = compare(once, merge(once, config, OPEN), OPEN)
    assert not (again.added | again.modified | again.removed)


def test_the_order_of_a_merged_list() -> None:
    """What is applied keeps its order; what is not keeps its place before it."""
    schema = {"type": "array", "x-kubernetes-list-type": "set"}
    assert merge(["x", "y", "z"], ["z", "x"], schema) == ["y", "z", "x"]
    assert merge(["x", "y"], ["n", "y"], schema) == ["x", "n", "y"]


@given(st.dictionaries(st.text(max_size=4), objects, max_size=4))
def test_without_all_of_its_fields_nothing_is_left(value: Any) -> None:
    firsts = frozenset((path[0],) for path in fields_of(value, OPEN))
    left = without(value, firsts, OPEN) or {}
    assert all(item in ({}, []) for item in left.values())


@given(st.text(alphabet="ab =!<>(),-in", max_size=20))
def test_selectors_are_read_or_refused(text: str) -> None:
    with contextlib.suppress(ApiError):
        assert label_selector(text)({"metadata": {}}) in (True, False)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a=in(", "found '(', expected: ',' or 'end of string'"),
        ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("a,,b", "found ',', expected: identifier after ','"),
        ("=a", "found '=', expected: !, identifier, or 'end of string'"),
        ("a>x", "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt'"),
    ],
)
def test_selectors_that_are_malformed(text: str, why: str) -> None:
    with pytest.raises(ApiError) as refused:
        label_selector(text)
    assert refused.value.message.startswith(why)
