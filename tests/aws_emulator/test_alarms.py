"""CloudWatch alarms, composite ones included."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bridge.sandbox.aws import AwsEmulator
from bridge.sandbox.aws.alarm_rule import parse

BOTH = ["MetricAlarm", "CompositeAlarm"]


@pytest.fixture
def cloudwatch(connect: Callable[..., Any], emulator: AwsEmulator) -> Iterator[Any]:
    client = connect("cloudwatch")
    yield client
    found = client.describe_alarms(AlarmTypes=BOTH)
    names = [alarm["AlarmName"] for kind in BOTH for alarm in found[f"{kind}s"]]
    client.delete_alarms(AlarmNames=names)


def put_metric(cloudwatch: Any, name: str) -> None:
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="n",
        MetricName="m",
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )


def put(cloudwatch: Any, name: str, state: str) -> None:
    cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="test")


def states(cloudwatch: Any) -> dict[str, str]:
    found = cloudwatch.describe_alarms(AlarmTypes=BOTH)
    return {a["AlarmName"]: a["StateValue"] for kind in BOTH for a in found[f"{kind}s"]}


def refusal(call: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_a_new_alarm_has_no_data_and_an_updated_one_keeps_its_state(cloudwatch: Any) -> None:
    put_metric(cloudwatch, "a")
    assert states(cloudwatch) == {"a": "INSUFFICIENT_DATA"}
    put(cloudwatch, "a", "ALARM")
    put_metric(cloudwatch, "a")
    assert states(cloudwatch) == {"a": "ALARM"}


def test_a_composite_alarm_follows_its_children_over_two_storeys(cloudwatch: Any) -> None:
    put_metric(cloudwatch, "a")
    put_metric(cloudwatch, "b")
    cloudwatch.put_composite_alarm(AlarmName="low", AlarmRule='ALARM("a") AND NOT OK(b)')
    cloudwatch.put_composite_alarm(AlarmName="high", AlarmRule="ALARM(low) OR FALSE")
    assert states(cloudwatch)["high"] == "OK"
    put(cloudwatch, "a", "ALARM")
    assert states(cloudwatch) | {"b": ""} == {
        "a": "ALARM",
        "b": "",
        "low": "ALARM",
        "high": "ALARM",
    }
    put(cloudwatch, "b", "OK")
    assert (states(cloudwatch)["low"], states(cloudwatch)["high"]) == ("OK", "OK")


def test_a_composite_set_by_hand_stays_until_a_child_changes(cloudwatch: Any) -> None:
    put_metric(cloudwatch, "a")
    put(cloudwatch, "a", "OK")
    cloudwatch.put_composite_alarm(AlarmName="c", AlarmRule="ALARM(a)")
    put(cloudwatch, "c", "ALARM")
    put(cloudwatch, "a", "OK")
    assert states(cloudwatch)["c"] == "ALARM"
    put(cloudwatch, "a", "INSUFFICIENT_DATA")
    assert states(cloudwatch)["c"] == "OK"


def test_a_cycle_of_composites_comes_to_an_end(cloudwatch: Any) -> None:
    put_metric(cloudwatch, "a")
    cloudwatch.put_composite_alarm(AlarmName="x", AlarmRule="ALARM(a)")
    cloudwatch.put_composite_alarm(AlarmName="y", AlarmRule="NOT ALARM(x)")
    cloudwatch.put_composite_alarm(AlarmName="x", AlarmRule="ALARM(y) OR ALARM(a)")
    put(cloudwatch, "a", "ALARM")
    assert states(cloudwatch)["a"] == "ALARM"


def test_a_rule_that_cannot_be_read_or_names_no_alarm_is_refused(cloudwatch: Any) -> None:
    code, message = refusal(
        lambda: cloudwatch.put_composite_alarm(AlarmName="c", AlarmRule="ALARM(a) XOR OK(b)")
    )
    assert code == "ValidationError"
    assert "XOR OK(b)" in message
    code, message = refusal(
        lambda: cloudwatch.put_composite_alarm(AlarmName="c", AlarmRule="ALARM(nobody)")
    )
    assert code == "ValidationError"
    assert "nobody" in message


def test_only_metric_alarms_are_described_unless_asked(cloudwatch: Any) -> None:
    put_metric(cloudwatch, "a")
    cloudwatch.put_composite_alarm(AlarmName="c", AlarmRule="ALARM(a)")
    plain = cloudwatch.describe_alarms(AlarmNames=["a", "c"])
    assert [alarm["AlarmName"] for alarm in plain["MetricAlarms"]] == ["a"]
    assert plain["CompositeAlarms"] == []
    composite = cloudwatch.describe_alarms(AlarmNames=["a", "c"], AlarmTypes=["CompositeAlarm"])
    assert composite["MetricAlarms"] == []
    assert composite["CompositeAlarms"][0]["AlarmRule"] == "ALARM(a)"


def test_a_hundred_names_are_described_in_one_call_and_no_more(cloudwatch: Any) -> None:
    names = [f"a{n}" for n in range(101)]
    put_metric(cloudwatch, "a99")
    found = cloudwatch.describe_alarms(AlarmNames=names[:100])["MetricAlarms"]
    assert [alarm["AlarmName"] for alarm in found] == ["a99"]
    code, message = refusal(lambda: cloudwatch.describe_alarms(AlarmNames=names))
    assert code == "ValidationError"
    assert "less than or equal to 100" in message


def test_alarms_come_in_pages(cloudwatch: Any) -> None:
    for name in ("a", "b", "c"):
        put_metric(cloudwatch, name)
    pages = cloudwatch.get_paginator("describe_alarms").paginate(PaginationConfig={"PageSize": 2})
    assert [[a["AlarmName"] for a in page["MetricAlarms"]] for page in pages] == [["a", "b"], ["c"]]


def test_an_unknown_alarm_cannot_be_set(cloudwatch: Any) -> None:
    code, _ = refusal(lambda: put(cloudwatch, "nobody", "OK"))
    assert code == "ResourceNotFound"


@pytest.mark.parametrize(
    ("rule", "in_alarm", "verdict"),
    [
        ("TRUE", "", True),
        ("NOT TRUE", "", False),
        ("ALARM(a) OR ALARM(b) AND ALARM(c)", "a", True),
        ("(ALARM(a) OR ALARM(b)) AND ALARM(c)", "a", False),
        ("NOT ALARM(a) AND ALARM(b)", "b", True),
        ('ALARM("with space") AND OK(b)', "with space", True),
        ("ALARM(arn:aws:cloudwatch:us-east-1:123456789012:alarm:a)", "a", True),
        ("INSUFFICIENT_DATA(a)", "a", False),
    ],
)
def test_rules_are_read_as_written(rule: str, in_alarm: str, verdict: bool) -> None:
    assert parse(rule).holds(lambda name: "ALARM" if name == in_alarm else "OK") is verdict


@pytest.mark.parametrize("rule", ["", "ALARM(a", "(TRUE", "TRUE FALSE", "AND", "NOT", "alarm(a)"])
def test_rules_that_are_none_are_refused(rule: str) -> None:
    with pytest.raises(ValueError, match="cannot be read at"):
        parse(rule)
