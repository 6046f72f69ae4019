"""Template files, written more freely than the wire allows."""

from __future__ import annotations

import datetime as dt
import json
import math
from typing import Any

import pytest

from bridge.dialects.fis import document_of, parse_template, wire_document
from bridge.model.moment import Micros
from bridge.model.problem import InvalidDocumentError
from bridge.model.scope import Scope

SCOPE = Scope(cloud="aws", account="123456789012", region="us-east-1")


def document(**parameters: Any) -> dict[str, Any]:
    return {"actions": {"a": {"actionId": "x", "parameters": parameters}}}


def test_a_spec_may_be_an_object_and_a_parameter_a_scalar() -> None:
    spec = {"mode": "one", "selector": {"namespaces": ["sock-shop"]}, "größe": 1}
    written = document(kubernetesSpec=spec, percentage=5, forceFailover=True, ratio=0.5, text="t")
    sent = wire_document(written)["actions"]["a"]["parameters"]
    assert json.loads(sent.pop("kubernetesSpec")) == spec
    assert sent == {"percentage": "5", "forceFailover": "true", "ratio": "0.5", "text": "t"}
    assert written["actions"]["a"]["parameters"]["kubernetesSpec"] is spec


def test_a_spec_that_is_text_stays_as_it_is() -> None:
    for text in ('{"mode": "one"}', "mode: one\n"):
        written = document(kubernetesSpec=text)
        assert wire_document(written) == written


@pytest.mark.parametrize(
    "value",
    [
        {"at": dt.date(2026, 1, 1)},
        {"size": math.nan},
    ],
)
def test_a_spec_that_json_cannot_hold_is_refused(value: dict[str, Any]) -> None:
    with pytest.raises(InvalidDocumentError, match=r"actions\.a\.parameters\.kubernetesSpec: "):
        wire_document(document(kubernetesSpec=value))


@pytest.mark.parametrize("other", [None, [], "text", {}, {"actions": []}, {"actions": {"a": 1}}])
def test_what_is_no_template_is_left_to_the_parser(other: Any) -> None:
    assert wire_document(other) == other
    parsed = parse_template(other, template_id="EXT1", scope=SCOPE, now=Micros(0))
    assert parsed.template is None
    assert parsed.problems


def test_the_model_alone_renders_to_the_same_document(template: dict[str, Any]) -> None:
    parsed = parse_template(template, template_id="EXT1", scope=SCOPE, now=Micros(0))
    assert parsed.template is not None
    foreign = parsed.template.model_copy(update={"dialect": "other", "document": {}})
    again = parse_template(document_of(foreign), template_id="EXT1", scope=SCOPE, now=Micros(0))
    assert again.problems == []
    assert again.template is not None
    parts = {"targets", "actions", "stop_conditions", "identity", "empty_targets", "description"}
    assert again.template.model_dump(include=parts) == parsed.template.model_dump(include=parts)
    for name, target in document_of(foreign)["targets"].items():
        assert target == template["targets"][name]
