"""Values in their parameter's type: from JSON, and from the texts that FIS sends."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.catalog.action_templates.values import read_value
from bridge.model.action_template import ParameterType, TemplateParameter

REPEATABLE = settings(deadline=None, derandomize=True, max_examples=60)


def parameter(kind: str, **members: Any) -> TemplateParameter:
    return TemplateParameter.model_validate({"type": kind, **members})


@pytest.mark.parametrize(
    ("declared", "given_value", "value"),
    [
        (parameter("string"), "", ""),
        (parameter("string"), "{{ other }}", "{{ other }}"),
        (parameter("string", pattern="[a-z]+"), "abc", "abc"),
        (parameter("integer"), 25, 25),
        (parameter("integer"), "25", 25),
        (parameter("integer"), "-3", -3),
        (parameter("integer", minimum=1, maximum=3), "3", 3),
        (parameter("percentage"), "25", 25),
        (parameter("percentage"), "25%", 25),
        (parameter("percentage"), 0, 0),
        (parameter("duration"), "90ms", "90ms"),
        (parameter("duration"), "1h30m", "1h30m"),
        (parameter("duration"), "PT5M", "5m"),
        (parameter("duration"), "PT1M30S", "90s"),
        (parameter("duration"), "PT0S", "0s"),
        (parameter("duration", minimum="-1h"), "-10m", "-10m"),
        (parameter("duration", minimum="-1h"), "-PT10M", "-10m"),
        (parameter("enum", values=["to", "from"]), "from", "from"),
        (parameter("namespace"), "kube-system", "kube-system"),
        (parameter("labelSelector"), {"app": "checkout"}, {"app": "checkout"}),
        (parameter("labelSelector"), "app=checkout", {"app": "checkout"}),
        (parameter("labelSelector"), "app == a, tier=", {"app": "a", "tier": ""}),
        (
            parameter("labelSelector"),
            "app.kubernetes.io/name=checkout",
            {"app.kubernetes.io/name": "checkout"},
        ),
    ],
    ids=str,
)
def test_a_value_that_fits(declared: TemplateParameter, given_value: object, value: object) -> None:
    read = read_value(declared, given_value)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("declared", "given_value", "said"),
    [
        (parameter("string"), 5, "is not a text"),
        (parameter("string"), "x" * 1025, "has 1025 characters; write at most 1024"),
        (parameter("string", minLength=2), "x", "has 1 characters; write at least 2"),
        (parameter("string", pattern="[a-z]+"), "abc1", 'does not match "[a-z]+" as a whole'),
        (parameter("string", pattern="a|b"), "ab", "does not match"),
        (parameter("string", pattern="[a-z]+"), "abc\n", "does not match"),
        (parameter("string"), "a\x00", "NUL"),
        (parameter("integer"), "2.5", '"2.5" is not a whole number'),
        (parameter("integer"), "0x10", "is not a whole number"),
        (parameter("integer"), "٣", "is not a whole number"),
        (parameter("integer"), 2.0, "is not a whole number"),
        (parameter("integer"), True, "is not a whole number"),
        (parameter("integer"), None, "is not a whole number"),
        (parameter("integer"), "9" * 16, "too large to be kept"),
        (parameter("integer"), 2**53, "too large to be kept"),
        (parameter("integer"), "9" * 5000, "is not a whole number"),
        (parameter("integer", minimum=1), "0", "0 is too small; write 1 or more"),
        (parameter("integer", maximum=3), "4", "4 is too large; write 3 or less"),
        (parameter("percentage"), "101", "101% is too large; write 100 or less"),
        (parameter("percentage"), -1, "-1% is too small; write 0 or more"),
        (parameter("percentage"), "25%%", "is not a whole number"),
        (parameter("duration"), "5", '"5" is not a duration'),
        (parameter("duration"), 5, "is not a duration; write a text"),
        (parameter("duration"), "P1Y", "is not an ISO 8601 duration"),
        (parameter("duration"), "-5m", '"-5m" is too short; write "0s" or more'),
        (parameter("duration", minimum="10s"), "PT9S", 'is too short; write "10s" or more'),
        (parameter("duration", maximum="1m"), "61s", 'is too long; write "1m" or less'),
        (parameter("enum", values=["to", "from"]), "form", 'did you mean "from"?'),
        (parameter("enum", values=["to"]), "TO", "is not one of its values"),
        (parameter("namespace"), "Shop", "is not the name of a namespace"),
        (parameter("namespace"), "a" * 64, "is not the name of a namespace"),
        (parameter("namespace"), "shop\n", "is not the name of a namespace"),
        (parameter("labelSelector"), "app", '"app" is no label with its value'),
        (parameter("labelSelector"), "app!=a", "is no label with its value"),
        (parameter("labelSelector"), "app in (a,b)", "is no label with its value"),
        (parameter("labelSelector"), "", "is no label with its value"),
        (parameter("labelSelector"), "app=a,app=b", 'names the label "app" twice'),
        (parameter("labelSelector"), "a b=c", '"a b" is not the key of a label'),
        (parameter("labelSelector"), "A.b/c=d", "is not the key of a label"),
        (parameter("labelSelector"), {"app": {"in": []}}, "is not the value of a label"),
        (parameter("labelSelector"), {"app": 'a", "x": "y'}, "is not the value of a label"),
        (parameter("labelSelector"), {}, "names no label and would take every pod"),
        (parameter("labelSelector"), ["app"], "is no label selector"),
        (parameter("labelSelector"), {f"l{n}": "v" for n in range(21)}, "names 21 labels"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_value_that_does_not(declared: TemplateParameter, given_value: object, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        read_value(declared, given_value)
    assert said in str(refused.value)
    assert len(str(refused.value)) < 600


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@REPEATABLE
@given(kind=st.sampled_from(list(ParameterType)), value=_JSON)
def test_whatever_is_given_is_read_or_refused(kind: ParameterType, value: object) -> None:
    values = ("to", "from") if kind is ParameterType.ENUM else ()
    declared = TemplateParameter(type=kind, values=values)
    try:
        read = read_value(declared, value)
    except ValueError as error:
        str(error).encode()  # can be sent
        return
    wanted = {ParameterType.LABEL_SELECTOR: dict, ParameterType.INTEGER: int}
    assert type(read) is wanted.get(kind, int if kind is ParameterType.PERCENTAGE else str)
    # What was read is a value itself, and the same: nothing is read twice in different ways.
    assert read_value(declared, read) == read


@REPEATABLE
@given(st.text(max_size=200))
def test_a_label_selector_of_any_text_holds_labels_only(text: str) -> None:
    try:
        read = read_value(parameter("labelSelector"), text)
    except ValueError:
        return
    assert isinstance(read, dict)
    for key, value in read.items():
        assert set(key) | set(value) <= set(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./"
        )


def test_no_pattern_makes_a_slow_match() -> None:
    declared = parameter("string", pattern="(a+)+b", maxLength=4096)
    began = time.perf_counter()
    with pytest.raises(ValueError, match="does not match"):
        read_value(declared, "a" * 4096)
    assert time.perf_counter() - began < 1
