"""JVMChaos: the rules of its webhook in Chaos Mesh 2.8.3 for each action."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chaos_specs.judged import ONE, errors, judged, warnings

METHOD = {**ONE, "class": "Main", "method": "sayhello"}
WHOLE: dict[str, dict[str, Any]] = {
    "latency": {**METHOD, "action": "latency", "latency": 3000},
    "return": {**METHOD, "action": "return", "returnValue": "9999"},
    "exception": {**METHOD, "action": "exception", "exception": 'java.io.IOException("BOOM")'},
    "stress": {**ONE, "action": "stress", "cpuCount": 1},
    "gc": {**ONE, "action": "gc", "port": 9277},
    "ruleData": {**ONE, "action": "ruleData", "ruleData": "RULE x"},
    "mysql": {**ONE, "action": "mysql", "mysqlConnectorVersion": "8", "exception": "BOOM"},
}


@pytest.mark.parametrize("action", sorted(WHOLE))
def test_the_documented_examples_are_clean(action: str) -> None:
    assert judged("JVMChaos", WHOLE[action]) == []


@pytest.mark.parametrize(
    ("action", "field"),
    [
        ("latency", "class"),
        ("latency", "method"),
        ("latency", "latency"),
        ("return", "class"),
        ("return", "method"),
        ("return", "returnValue"),
        ("exception", "class"),
        ("exception", "method"),
        ("exception", "exception"),
        ("stress", "cpuCount"),
        ("ruleData", "ruleData"),
        ("mysql", "mysqlConnectorVersion"),
        ("mysql", "exception"),
    ],
)
@pytest.mark.parametrize("how", ["missing", "empty"])
def test_each_action_has_fields_of_its_own(action: str, field: str, how: str) -> None:
    spec = WHOLE[action]
    empty = 0 if isinstance(spec[field], int) else ""
    told = errors("JVMChaos", {**spec, field: None if how == "missing" else empty})
    assert list(told) == [f"spec.{field}"]
    assert f'with action "{action}"' in told[f"spec.{field}"]


def test_the_value_of_the_selector_is_not_what_a_method_returns() -> None:
    """The published example of Chaos Mesh has it wrong."""
    told = errors("JVMChaos", {**WHOLE["return"], "returnValue": None, "value": "9999"})
    assert 'write returnValue: "9999"' in told["spec.returnValue"]


def test_stress_is_of_one_resource() -> None:
    assert errors("JVMChaos", {**WHOLE["stress"], "cpuCount": None, "memType": "heap"}) == {}
    assert "spec.memType" in errors("JVMChaos", {**WHOLE["stress"], "memType": "heap"})
    told = errors("JVMChaos", {**WHOLE["stress"], "cpuCount": 0, "memType": "Heap"})
    assert told["spec.memType"].endswith('did you mean "heap"?')
    assert (
        "make no load" in warnings("JVMChaos", {**WHOLE["stress"], "cpuCount": -1})["spec.cpuCount"]
    )


@pytest.mark.parametrize(("version", "mend"), [("8.0.33", '"8"'), ("5.1", '"5"'), ("9", '"5" or')])
def test_a_connector_is_named_by_its_major_version(version: str, mend: str) -> None:
    told = errors("JVMChaos", {**WHOLE["mysql"], "mysqlConnectorVersion": version})
    assert f"write {mend}" in told["spec.mysqlConnectorVersion"]


def test_sql_calls_fail_or_take_longer() -> None:
    assert errors("JVMChaos", {**WHOLE["mysql"], "exception": None, "latency": 10}) == {}
    assert "spec.sqlType" in warnings("JVMChaos", {**WHOLE["mysql"], "sqlType": "SELECT"})


def test_a_latency_is_a_number_of_milliseconds() -> None:
    told = errors("JVMChaos", {**WHOLE["latency"], "latency": "3s"})["spec.latency"]
    assert told.endswith("write 3000")
    assert "spec.latency" in errors("JVMChaos", {**WHOLE["latency"], "latency": "soon"})
    assert (
        "delay nothing" in warnings("JVMChaos", {**WHOLE["latency"], "latency": -1})["spec.latency"]
    )


def test_a_rule_takes_the_place_of_the_action() -> None:
    told = warnings("JVMChaos", {**WHOLE["return"], "ruleData": "RULE x"})
    assert 'takes the place of action "return"' in told["spec.ruleData"]


def test_what_an_action_does_not_read_is_pointed_out() -> None:
    told = warnings("JVMChaos", {**WHOLE["gc"], "class": "Main", "latency": 3, "table": "t"})
    assert set(told) == {"spec.class", "spec.latency", "spec.table"}


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_port_is_not_checked(port: int) -> None:
    assert "is not a port" in warnings("JVMChaos", {**WHOLE["gc"], "port": port})["spec.port"]
    assert "spec.port" in errors("JVMChaos", {**WHOLE["gc"], "port": 2**31})
