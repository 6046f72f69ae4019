"""A document is read strictly, and each misfit is told by its path."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from bridge.catalog.action_templates import is_action_template, read_action_template
from bridge.catalog.action_templates.reading import (
    LARGEST,
    MOST_CHOICES,
    MOST_PARAMETERS,
    MOST_PLACEHOLDERS,
    MOST_PROBLEMS,
)
from bridge.model.action_template import LONGEST_NAME, ParameterType
from bridge.model.notation import DEEPEST
from bridge.model.problem import InvalidDocumentError
from tests.action_templates.documents import DELAY, document, with_parameter


def refusals(written: object) -> list[str]:
    with pytest.raises(InvalidDocumentError) as refused:
        read_action_template(written)
    return [str(problem) for problem in refused.value.problems]


def test_what_was_written_is_read_back() -> None:
    read = read_action_template(DELAY)
    assert read.document() == DELAY
    assert read.parameters["latency"].type is ParameterType.DURATION
    assert read.parameters["labels"].required
    assert not read.parameters["latency"].required


def test_null_counts_as_absent_but_not_within_the_spec() -> None:
    spec = DELAY["spec"] | {"remoteCluster": None}
    read = read_action_template(document(spec=spec) | {"status": None, "description": None})
    assert read.spec["remoteCluster"] is None
    assert read.status is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": None}, 'name: is required; add it, such as "slow-checkout"'),
        ({"name": "Slow"}, 'name: "Slow" is not a name; write lower-case letters'),
        ({"name": "slow-"}, 'name: "slow-" is not a name'),
        ({"name": "a" * (LONGEST_NAME + 1)}, f"name: has {LONGEST_NAME + 1} characters"),
        ({"name": 5}, "name: is a number, not a string"),
        ({"maxDuration": None}, 'maxDuration: is required; add it, such as "PT10M"'),
        ({"maxDuration": "10m"}, 'maxDuration: "10m" is not an ISO 8601 duration'),
        ({"maxDuration": "PT0S"}, "maxDuration: is not between PT1S and PT12H"),
        ({"maxDuration": "PT13H"}, "maxDuration: is not between PT1S and PT12H"),
        ({"maxDuration": "{{ duration }}"}, "maxDuration: "),
        ({"spec": []}, "spec: is not an object"),
        ({"spec": "action: delay"}, "spec: is not an object"),
        ({"kind": "{{ namespace }}"}, "kind: takes no placeholder"),
        ({"apiVersion": "{{ namespace }}/v1"}, "apiVersion: takes no placeholder"),
        ({"status": {"path": "{{ namespace }}"}}, "status.path: takes no placeholder"),
        ({"status": []}, "status: is not an object"),
        ({"carriedOutBy": "me"}, 'carriedOutBy: "me" is not known; write "cluster"'),
        ({"maxduration": "PT1M"}, 'maxduration: is not a member of this object; did you mean "max'),
        ({"metadata": {}}, "metadata: is not a member of this object"),
        ({"namespace": "{{ latency }}"}, 'namespace: "latency" is of type duration; give it the'),
        ({"namespace": "a-{{ namespace }}"}, "namespace: holds more than a placeholder"),
        ({"namespace": "{{ nmespace }}"}, 'namespace: there is no parameter "nmespace"; did you'),
        ({"parameters": []}, "parameters: is a list, not an object"),
        ({"parameters": {"a": 5}}, "parameters.a: is a number, not an object"),
    ],
    ids=str,
)
def test_a_member_that_does_not_fit(changes: dict[str, Any], said: str) -> None:
    assert any(one.startswith(said) for one in refusals(document(**changes)))


@pytest.mark.parametrize("whole", [None, 5, "text", [], [DELAY]])
def test_what_is_no_object(whole: object) -> None:
    (said,) = refusals(whole)
    assert "not an object" in said


@pytest.mark.parametrize(
    ("name", "declared", "said"),
    [
        ("x", {}, "parameters.x.type: is required; add it"),
        ("x", {"type": "int"}, 'parameters.x.type: "int" is not known; write "string", "integer"'),
        ("X", {"type": "string"}, 'parameters.X: "X" is not the name of a parameter'),
        ("a-b", {"type": "string"}, 'parameters.a-b: "a-b" is not the name of a parameter'),
        ("maxDuration", {"type": "duration"}, "parameters.maxDuration: every action takes"),
        ("carriedOutBy", {"type": "string"}, "parameters.carriedOutBy: every action takes"),
        ("x", {"type": "string", "minimum": 1}, 'parameters.x.minimum: is for the type "integer"'),
        ("x", {"type": "integer", "values": ["1"]}, "parameters.x.values: is for the type"),
        ("x", {"type": "enum", "pattern": "a", "values": ["a"]}, "parameters.x.pattern: is for"),
        ("x", {"type": "integer", "minimum": "1"}, "parameters.x.minimum: is a text; write digits"),
        ("x", {"type": "integer", "minimum": 1.5}, "parameters.x.minimum: is not a whole number"),
        ("x", {"type": "integer", "minimum": True}, "parameters.x.minimum: is not a whole number"),
        ("x", {"type": "integer", "minimum": 2, "maximum": 1}, "parameters.x.minimum: is more"),
        ("x", {"type": "duration", "minimum": 5}, "parameters.x.minimum: is not a duration"),
        ("x", {"type": "duration", "maximum": "5"}, 'parameters.x.maximum: "5" is not a duration'),
        ("x", {"type": "duration", "minimum": "2m", "maximum": "1m"}, "parameters.x.minimum: is"),
        ("x", {"type": "percentage", "maximum": 101}, "parameters.x.maximum: 101% is too large"),
        ("x", {"type": "percentage", "default": 0, "minimum": 1}, "parameters.x.default: 0% is"),
        ("x", {"type": "enum"}, "parameters.x.values: is required for the type enum"),
        ("x", {"type": "enum", "values": []}, "parameters.x.values: is no list of texts"),
        ("x", {"type": "enum", "values": "to"}, "parameters.x.values: is no list of texts"),
        ("x", {"type": "enum", "values": [1]}, "parameters.x.values[0]: is not a text"),
        ("x", {"type": "enum", "values": ["a", "a"]}, 'parameters.x.values[1]: "a" stands twice'),
        ("x", {"type": "enum", "values": [""]}, "parameters.x.values[0]: has 0 characters"),
        ("x", {"type": "enum", "values": ["v"] * 51}, "parameters.x.values: has 51 items"),
        ("x", {"type": "enum", "values": ["to"], "default": "too"}, 'parameters.x.default: "too"'),
        ("x", {"type": "string", "pattern": "(?=a)"}, "parameters.x.pattern: is not a regular"),
        ("x", {"type": "string", "pattern": "a)|(b"}, "parameters.x.pattern: is not a regular"),
        ("x", {"type": "string", "pattern": "(a{999}){999}"}, "parameters.x.pattern: is not a reg"),
        ("x", {"type": "string", "pattern": "a" * 257}, "parameters.x.pattern: has 257 characters"),
        (
            "x",
            {"type": "string", "pattern": "[a-z]+", "default": "a1"},
            'parameters.x.default: "a1',
        ),
        ("x", {"type": "string", "pattern": "[a-z]+", "example": "1"}, 'parameters.x.example: "1"'),
        (
            "x",
            {"type": "string", "minLength": 3, "maxLength": 2},
            "parameters.x.minLength: is more",
        ),
        ("x", {"type": "string", "maxLength": 2, "default": "abc"}, "parameters.x.default: has 3"),
        ("x", {"type": "string", "maxLength": 4097}, "parameters.x.maxLength: is more than 4096"),
        ("x", {"type": "string", "default": 5}, "parameters.x.default: is not a text"),
        ("x", {"type": "namespace", "default": "A"}, 'parameters.x.default: "A" is not the name'),
        ("x", {"type": "labelSelector", "default": {}}, "parameters.x.default: names no label"),
        (
            "x",
            {"type": "labelSelector", "default": 5},
            "parameters.x.default: is no label selector",
        ),
        ("x", {"type": "integer", "optional": True}, "parameters.x.optional: is not a member"),
    ],
    ids=str,
)
def test_a_parameter_that_does_not_fit(name: str, declared: dict[str, Any], said: str) -> None:
    written = with_parameter(name, declared, extra="{{ " + name + " }}")
    assert any(one.startswith(said) for one in refusals(written)), refusals(written)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"{{ latency }}": 1}, 'spec["{{ latency }}"]: a key takes no placeholder'),
        ({"a": [{"b{{ c }}": 1}]}, 'spec.a[0]["b{{ c }}"]: a key takes no placeholder'),
        (
            {"a": "{{ latecny }}"},
            'spec.a: there is no parameter "latecny"; did you mean "latency"?',
        ),
        ({"a": "{{ .Values.x }}"}, 'spec.a: "{{ .Values.x }}" opens a placeholder that is none'),
        ({"a": "{{latency"}, 'spec.a: "{{latency" opens a placeholder that is none'),
        ({"a": "x {{ labels }}"}, 'spec.a: the label selector "labels" is an object'),
    ],
    ids=str,
)
def test_a_placeholder_that_does_not_fit(spec: dict[str, Any], said: str) -> None:
    written = document()
    written["spec"] |= spec
    assert any(one.startswith(said) for one in refusals(written))


def test_a_parameter_that_is_used_nowhere() -> None:
    written = with_parameter("colour", {"type": "string"})
    (said,) = refusals(written)
    assert said == (
        'parameters.colour: is used nowhere; remove it, or write "{{ colour }}" where its value '
        "belongs"
    )


def test_one_that_is_used_for_the_namespace_alone_is_used() -> None:
    written = document()
    del written["spec"]["selector"]["namespaces"]
    assert read_action_template(written).namespace == "{{ namespace }}"


def test_the_largest_document_and_one_beyond() -> None:
    written = document()
    room = LARGEST - len(json.dumps(written, separators=(",", ":"))) - len(',"a":""')
    written["spec"]["a"] = "x" * room
    read_action_template(written)
    written["spec"]["a"] += "x"
    assert refusals(written) == ["is larger than 64 KiB; write less"]


def test_the_deepest_document_and_one_beyond() -> None:
    def nested(levels: int) -> dict[str, Any]:
        inner: dict[str, Any] = {}
        for _ in range(levels - 1):
            inner = {"a": inner}
        return inner

    deepest = nested(DEEPEST - 1)  # the document is a level itself
    read_action_template(document(spec=deepest, parameters=None, namespace="shop"))
    (said,) = refusals(document(spec={"a": deepest}, parameters=None, namespace="shop"))
    assert said == f"is nested deeper than {DEEPEST} levels; flatten it"


def test_the_most_parameters_and_one_beyond() -> None:
    def written(count: int) -> dict[str, Any]:
        names = [f"p{number}" for number in range(count)]
        return document(
            parameters={name: {"type": "string"} for name in names},
            spec={name: "{{ " + name + " }}" for name in names},
            namespace="shop",
        )

    read_action_template(written(MOST_PARAMETERS))
    assert refusals(written(MOST_PARAMETERS + 1)) == [
        f"parameters: has {MOST_PARAMETERS + 1} entries; give at most {MOST_PARAMETERS}"
    ]


def test_the_most_placeholders_and_one_beyond() -> None:
    written = document()
    used = 5  # in the spec already
    written["spec"]["a"] = ["{{ latency }}"] * (MOST_PLACEHOLDERS - used)
    read_action_template(written)
    written["spec"]["a"] += ["{{ latency }}"]
    assert refusals(written) == [
        f"spec: holds {MOST_PLACEHOLDERS + 1} placeholders; write at most {MOST_PLACEHOLDERS}"
    ]


def test_the_most_choices_and_one_beyond() -> None:
    def written(count: int) -> dict[str, Any]:
        halves = [f"v{number}" for number in range(count)]
        return document(
            parameters={
                "a": {"type": "enum", "values": halves[:50]},
                "b": {"type": "enum", "values": halves[50:100]},
                **({"c": {"type": "enum", "values": halves[100:]}} if count > 100 else {}),
            },
            spec={name: "{{ " + name + " }}" for name in ("a", "b", "c")[: 2 + (count > 100)]},
            namespace="shop",
        )

    read_action_template(written(MOST_CHOICES))
    assert refusals(written(MOST_CHOICES + 1)) == [
        f"parameters: list {MOST_CHOICES + 1} values of enums together; list at most {MOST_CHOICES}"
    ]


def test_no_more_problems_are_told_than_anybody_reads() -> None:
    many = {f"wrong{number}": 1 for number in range(200)}
    assert len(refusals(document(**many))) == MOST_PROBLEMS


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
def test_a_text_that_cannot_be_stored(text: str) -> None:
    for spec in ({"a": text}, {text: 1}):
        (said,) = refusals(document(spec=spec, parameters=None, namespace="shop"))
        assert "cannot be stored; remove them" in said
        said.encode()


def test_a_document_is_told_from_a_resource() -> None:
    assert is_action_template(DELAY)
    assert is_action_template({"spec": {}, "maxDuration": "PT1M"})
    assert not is_action_template({**DELAY, "metadata": {"name": "x"}})
    assert not is_action_template({"apiVersion": "v1", "kind": "Pod", "spec": {}})
    assert not is_action_template({"actions": {}, "targets": {}})
    assert not is_action_template([DELAY])


def test_the_document_is_not_changed_by_reading() -> None:
    before = copy.deepcopy(DELAY)
    read_action_template(DELAY)
    assert before == DELAY
