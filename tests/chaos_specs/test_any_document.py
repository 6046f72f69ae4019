"""Whatever is written: no exception, no long wait, and nothing passes that the schema forbids."""

from __future__ import annotations

import re
import time
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.model.wording import child
from providers.kubernetes.specs import SPECS, Problem, crd_schema
from providers.kubernetes.specs.dns import DNSChaosSpec
from providers.kubernetes.specs.findings import unknown_words
from tests.chaos_specs import schema_cases
from tests.chaos_specs.judged import judged

SCHEMAS = {kind: crd_schema(kind) for kind in sorted(SPECS)}
LONGEST = 10.0  # seconds; the slowest takes under one on an idle machine
MOST = 20_000

# Hypothesis draws from large schemas; what is drawn is checked in milliseconds.
patient = settings(suppress_health_check=list(HealthCheck), max_examples=50)

odd_text = st.text() | st.sampled_from(["\ud800", "\u202e", "\0", "a\u0301", "\U0001f4a5" * 9])
odd_numbers = st.integers() | st.floats() | st.sampled_from([10**400, -(2**63), 2**64, 1e308])
odd_values = st.recursive(
    st.none() | st.booleans() | odd_numbers | odd_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(odd_text, inner, max_size=3),
    max_leaves=8,
)


def spelled(path: str, spec: dict[str, Any]) -> bool:
    """Whether a path leads through the document, at the most to a member that is not there."""
    value: Any = spec
    steps = re.findall(r'\.([^.\[]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]', path.removeprefix("spec"))
    for place, (name, index, quoted) in enumerate(steps):
        key: Any = int(index) if index else name or quoted
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return place == len(steps) - 1
    return True


def pruned(value: Any) -> Any:
    """As the API server sees it, which drops nulls before it validates."""
    if isinstance(value, dict):
        return {name: pruned(member) for name, member in value.items() if member is not None}
    return value


def same(problems: list[Problem]) -> list[str]:
    return [str(problem) for problem in problems]


@pytest.mark.parametrize("kind", sorted(SCHEMAS))
def test_what_a_schema_allows_is_told_within_the_document(kind: str) -> None:
    @patient
    @given(schema_cases.values(SCHEMAS[kind]))
    def run(spec: dict[str, Any]) -> None:
        for problem in judged(kind, spec):
            assert problem.message
            assert spelled(problem.path, spec), problem

    run()


@pytest.mark.parametrize("kind", sorted(SCHEMAS))
def test_what_a_schema_forbids_is_an_error_where_it_stands(kind: str) -> None:
    @patient
    @given(schema_cases.forbidden(SCHEMAS[kind]))
    def run(case: tuple[dict[str, Any], tuple[Any, ...]]) -> None:
        spec, path = case
        problems = [problem for problem in judged(kind, spec) if problem.severity == "error"]
        assert problems, path
        where = "spec"
        for step in path:
            where = child(where, step)
        found = [problem.path for problem in problems]
        # A wrong type inside a text is told at the text, a missing member at its own path.
        assert any(each == where or each.startswith((f"{where}.", f"{where}[")) for each in found)

    run()


@pytest.mark.parametrize("kind", sorted(SCHEMAS))
def test_any_value_in_any_place_is_judged(kind: str) -> None:
    schema = SCHEMAS[kind]

    @patient
    @given(schema_cases.values(schema), st.data(), odd_values)
    def run(spec: dict[str, Any], data: st.DataObject, odd: Any) -> None:
        paths = [path for path, _ in schema_cases.places(schema, spec) if path]
        path = data.draw(st.sampled_from(paths)) if paths else ("bogusField",)
        changed = schema_cases.placed(spec, path, odd)
        problems = judged(kind, changed)
        assert len(problems) <= 50
        for problem in problems:
            str(problem).encode()
            assert len(str(problem)) < 1_500
        assert same(judged(kind, changed)) == same(problems)

    run()


@pytest.mark.parametrize("kind", sorted(SCHEMAS))
def test_an_acceptance_is_one_of_the_schema_too(kind: str) -> None:
    """The first pass is the schema: what passes here must pass a validator that knows no more."""
    validator = jsonschema.Draft202012Validator(SCHEMAS[kind])

    @patient
    @given(st.dictionaries(st.sampled_from(sorted(SCHEMAS[kind]["properties"])), odd_values))
    def run(spec: dict[str, Any]) -> None:
        if not any(problem.severity == "error" for problem in judged(kind, spec)):
            assert validator.is_valid(pruned(spec))

    run()


def heavy_documents(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    deep: dict[str, Any] = {}
    for _ in range(60):
        deep = {"selector": deep}
    wide: dict[str, Any] = {}
    for _ in range(40):
        wide = {"selector": wide, "a": wide}
    names = list(schema["properties"])
    base: dict[str, Any] = {
        name: value for name, value in (("mode", "one"), ("selector", {})) if name in names
    }
    return {
        "unknown fields": {f"field{number}": number for number in range(MOST)},
        "nearly right names": {f"mod{number}": number for number in range(MOST)},
        "long names": {"x" * 25 + str(number): 1 for number in range(MOST)},
        "wrong items": {"selector": {"namespaces": list(range(MOST))}},
        "wrong members": {"selector": {"labelSelectors": {str(n): n for n in range(MOST)}}},
        "odd words": {**base, "selector": {"podPhaseSelectors": ["runing"] * MOST}},
        "odd operators": {
            **base,
            "selector": {"expressionSelectors": [{"key": "a", "operator": "in"}] * 6_000},
        },
        "long texts": {"bogus": 1, **{name: "9" * (1_400_000 // len(names)) for name in names}},
        "long numbers": dict.fromkeys(names, 10**100_000),
        "long lists": {name: ["x"] * (MOST // len(names) - 1) for name in names},
        "deep": deep,
        "shared": wide,
    }


@pytest.mark.parametrize("kind", sorted(SCHEMAS))
def test_no_document_takes_long(kind: str) -> None:
    for name, document in heavy_documents(SCHEMAS[kind]).items():
        begin = time.process_time()
        problems = judged(kind, document)
        assert time.process_time() - begin < LONGEST, name
        assert len(problems) <= 50, name


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("DNSChaos", {"action": "error", "patterns": ["a*b"] * MOST}),
        ("TimeChaos", {"timeOffset": "1s", "clockIds": ["CLOCK"] * MOST}),
        ("TimeChaos", {"timeOffset": "1s" * 500_000}),
        (
            "IOChaos",
            {"action": "fault", "errno": 5, "volumePath": "/d", "methods": ["reed"] * MOST},
        ),
        ("KernelChaos", {"failKernRequest": {"failtype": 0, "callchain": [{}] * MOST}}),
        ("HTTPChaos", {"target": "Request", "port": 1, "patch": {"headers": [["a"]] * 20_000}}),
        (
            "HTTPChaos",
            {"target": "Request", "port": 1, "replace": {"body": "YWJj" * 300_000 + "!"}},
        ),
        (
            "HTTPChaos",
            {
                "target": "Request",
                "port": 1,
                "patch": {"body": {"type": "JSON", "value": "[" * 1_000_000}},
            },
        ),
        ("JVMChaos", {"action": "mysql", "mysqlConnectorVersion": "5." * 500_000}),
        ("PhysicalMachineChaos", {"action": "stress-mem", "stress-mem": {"size": "1M" * 500_000}}),
        (
            "PhysicalMachineChaos",
            {"action": "clock", "clock": {"pid": 1, "clock-ids-slice": "CLOCK," * 200_000}},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_no_value_takes_long(kind: str, fields: dict[str, Any]) -> None:
    begin = time.process_time()
    problems = judged(kind, {"mode": "one", "selector": {}, **fields})
    assert time.process_time() - begin < LONGEST
    assert 0 < len(problems) <= 50


def test_no_more_is_put_into_words_than_is_told() -> None:
    """Looking for the nearest of a word costs more than all other checks of it."""
    told = list(unknown_words(["reed"] * 1_000, ("read", "write"), "spec.methods", "so nothing"))
    assert len(told) == 50
    spec = {"mode": "one", "selector": {}, "action": "error", "patterns": ["a*b"] * 1_000}
    assert len(list(DNSChaosSpec.model_validate(spec).all_findings("spec"))) == 50
