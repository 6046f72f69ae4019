"""Whatever is sent as an action template is read or refused: no crash, and nothing slow."""

from __future__ import annotations

import copy
import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.catalog.action_templates import judged, read_action_template
from bridge.catalog.action_templates.reading import MOST_PROBLEMS
from bridge.model.action_template import Reference
from bridge.model.problem import InvalidDocumentError
from tests.action_templates.documents import DELAY

REPEATABLE = settings(deadline=None, derandomize=True, max_examples=60)

_TEXT = st.text(max_size=20) | st.sampled_from(
    ["{{ latency }}", "{{ labels }}", "{{", "PT1M", "90ms", "", "\ud800", "\x00", "a" * 5000]
)
_SCALAR = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(10**400), 2**63, 0.5, float("nan"), float("inf")])
    | st.floats()
    | _TEXT
)
_JSON = st.recursive(
    _SCALAR,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(_TEXT | st.integers(), inner, max_size=4)
    ),
    max_leaves=12,
)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(value, dict):
        for key, member in value.items():
            found += _paths(member, (*path, key))
    return found


PATHS = _paths(DELAY)[1:]
_CHANGES = st.lists(st.tuples(st.sampled_from(PATHS), _JSON), min_size=1, max_size=3)


def _changed(changes: list[tuple[tuple[Any, ...], Any]]) -> dict[str, Any]:
    written = copy.deepcopy(DELAY)
    for path, value in changes:
        place: Any = written
        for step in path[:-1]:
            place = place.get(step) if isinstance(place, dict) else None
        if isinstance(place, dict):
            place[path[-1]] = value
    return written


def _holds(written: object) -> None:
    began = time.perf_counter()
    template, told = None, []
    try:
        template = read_action_template(written)
    except InvalidDocumentError as error:
        told = error.problems
    assert time.perf_counter() - began < 5
    assert len(told) <= MOST_PROBLEMS
    for problem in told:
        assert len(str(problem).encode()) < 20_000
    if template is None:
        assert told
        return
    for problem in judged(template):
        str(problem).encode()
    document = template.document()
    assert read_action_template(json.loads(json.dumps(document))) == template


@REPEATABLE
@given(_CHANGES)
def test_a_document_with_anything_anywhere(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    _holds(_changed(changes))


@REPEATABLE
@given(_JSON)
def test_any_document_at_all(written: object) -> None:
    _holds(written)


@REPEATABLE
@given(st.dictionaries(st.sampled_from([*DELAY["parameters"]["latency"], "values"]), _JSON))
def test_any_declaration_of_a_parameter(declared: dict[str, Any]) -> None:
    written = copy.deepcopy(DELAY)
    written["parameters"]["latency"] = declared
    _holds(written)


@REPEATABLE
@given(st.text() | st.from_regex(r"[a-z0-9-]{0,60}(@[0-9]{0,8})?"))
def test_any_name_of_an_action_template(text: str) -> None:
    try:
        reference = Reference.parse(text)
    except ValueError as error:
        str(error).encode()
        return
    assert str(reference) == text
    assert Reference.of_action(reference.alias) == reference


def _nested(levels: int, inner: Any) -> Any:
    for _ in range(levels):
        inner = [inner]
    return inner


def _endless() -> dict[str, Any]:
    ring: dict[str, Any] = {}
    ring["spec"] = ring
    return ring


@pytest.mark.parametrize(
    "written",
    [
        _nested(100_000, 1),
        {"spec": _nested(100_000, 1)},
        {"a" * 10_000_000: 1},
        {f"k{number}": number for number in range(200_000)},
        {**DELAY, "spec": {"a": ["{{ latency }}"] * 100_000}},
        {**DELAY, "spec": {"a": "{{ " * 20_000}},
        {**DELAY, "spec": {"a": "{{ latency }}" * 5_000}},
        {**DELAY, "spec": {"a": 10**5000}},
        {**DELAY, "parameters": {f"p{number}": {"type": "string"} for number in range(5_000)}},
        _endless(),
    ],
    ids=range(10),
)
def test_what_is_made_to_cost_much_costs_little(written: Any) -> None:
    began = time.perf_counter()
    with pytest.raises(InvalidDocumentError):
        read_action_template(written)
    assert time.perf_counter() - began < 5
