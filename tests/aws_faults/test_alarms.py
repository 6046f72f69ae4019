"""CloudWatch alarms as stop conditions, read in batches, and as an assertion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bridge.sandbox.aws import AwsEmulator
from providers.aws.alarms import AlarmSource, AssertAlarmState
from providers.aws.session import AwsSession
from providers.contract import (
    AccessDeniedError,
    Plan,
    StopState,
    Timing,
    TransientError,
    Undo,
)
from tests.aws_faults.conftest import OpenSession
from tests.aws_faults.records import EXPERIMENT, kinds, records_of

SOURCE, FAULT = AlarmSource(), AssertAlarmState()
PLAN = Plan(EXPERIMENT, "act", "lab", None)

Alarm = Callable[..., str]


def arn_of(name: str) -> str:
    return f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{name}"


@pytest.fixture
def cloudwatch(aws: AwsEmulator, client: Callable[[str], Any]) -> Any:
    return client("cloudwatch")


@pytest.fixture
def alarm(cloudwatch: Any) -> Alarm:
    """Create an alarm in a state; return its ARN."""

    def alarm(name: str, state: str = "OK") -> str:
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            Namespace="Shop",
            MetricName="Latency",
            Statistic="Average",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1.0,
            ComparisonOperator="GreaterThanThreshold",
        )
        cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="test")
        return arn_of(name)

    return alarm


async def test_each_state_has_its_meaning(open_session: OpenSession, alarm: Alarm) -> None:
    reader = await open_session(None, None, "reader")
    states = await SOURCE.read(
        reader,
        [
            alarm("fine"),
            alarm("too slow: p99", "ALARM"),
            alarm("unsure", "INSUFFICIENT_DATA"),
            arn_of("absent"),
            alarm("abroad").replace("us-east-1", "eu-west-1"),
        ],
    )
    assert list(states.values()) == [
        StopState.CLEAR,
        StopState.TRIGGERED,
        StopState.CLEAR,
        StopState.UNREADABLE,
        StopState.UNREADABLE,
    ]


async def test_composite_alarms_count_too(
    open_session: OpenSession, alarm: Alarm, cloudwatch: Any
) -> None:
    alarm("part", "ALARM")
    cloudwatch.put_composite_alarm(AlarmName="whole", AlarmRule='ALARM("part")')
    reader = await open_session(None, None, "reader")
    assert await SOURCE.read(reader, [arn_of("whole")]) == {arn_of("whole"): StopState.TRIGGERED}


async def test_250_alarms_take_three_calls(
    open_session: OpenSession, alarm: Alarm, calls: Callable[..., list[str]]
) -> None:
    reader = await open_session(None, None, "reader")
    last = alarm("a-249", "ALARM")
    values = [arn_of(f"a-{n}") for n in range(250)]
    calls()
    states = await SOURCE.read(reader, [*values, *values])
    assert calls() == ["DescribeAlarms"] * 3
    assert len(states) == 250
    assert states[last] is StopState.TRIGGERED


async def test_a_cloud_that_does_not_answer_is_no_clear_state(
    open_session: OpenSession, alarm: Alarm, aws: AwsEmulator
) -> None:
    reader = await open_session(None, None, "reader")
    fine = alarm("fine")
    aws.fail(operation="DescribeAlarms", error="InternalFailure", status=500, times=2)
    with pytest.raises(TransientError):
        await SOURCE.read(reader, [fine])


@pytest.mark.parametrize("wrong", ["", "fine", "arn:aws:sns:us-east-1:123456789012:alarm:x"])
def test_the_form_of_a_stop_condition_is_checked(wrong: str) -> None:
    assert SOURCE.check_value(arn_of("fine: really")) is None
    assert "arn:aws:cloudwatch:REGION:ACCOUNT:alarm:NAME" in (SOURCE.check_value(wrong) or "")


def parameters(arns: str, states: str) -> AssertAlarmState.Parameters:
    return FAULT.Parameters.model_validate({"alarmArns": arns, "alarmStates": states})


@pytest.mark.parametrize(
    ("arns", "states", "message"),
    [
        ("fine", "OK", "is not the ARN of a CloudWatch alarm"),
        (arn_of("fine"), "OK, FINE", '"FINE" is not an alarm state; write OK, ALARM'),
        (",".join(map(arn_of, "abcdef")), "OK", "6 alarms are too many; name at most 5"),
    ],
)
def test_the_parameters_of_an_assertion_are_checked(arns: str, states: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parameters(arns, states)


@pytest.mark.parametrize(("states", "expected"), [("OK, ALARM", "done"), ("OK", "rejected")])
async def test_an_assertion_holds_or_fails(
    session: AwsSession,
    alarm: Alarm,
    calls: Callable[..., list[str]],
    states: str,
    expected: str,
) -> None:
    given = parameters(f"{alarm('fine')}, {alarm('slow, or worse', 'ALARM')}", states)
    assert (FAULT.timing(given), FAULT.undo(given)) == (Timing.instant(), Undo.NONE)
    (subject,) = FAULT.subjects(given, [], PLAN)
    (record,) = records = records_of(FAULT, [subject.resource])
    record.state = subject.state
    assert record.effect is None
    assert kinds(await FAULT.prepare(session, given, records), records) == ["done"]
    calls()
    for _ in range(2):
        outcomes = await FAULT.inject(session, given, records)
        assert kinds(outcomes, records) == [expected]
        if expected == "rejected":
            reason = outcomes[record.id].reason
            assert reason == 'the alarm "slow, or worse" is ALARM, not OK'
    assert calls("DescribeAlarms") == ["DescribeAlarms"] * 2
    seen = await FAULT.observe(session, records)
    assert kinds(seen, records) == ["present" if expected == "done" else "failed"]
    assert kinds(await FAULT.revert(session, records), records) == ["done"]


async def test_an_assertion_about_nothing_fails(session: AwsSession) -> None:
    given = parameters(arn_of("absent"), "OK")
    (subject,) = FAULT.subjects(given, [], PLAN)
    (record,) = records = records_of(FAULT, [subject.resource])
    record.state = subject.state
    outcomes = await FAULT.inject(session, given, records)
    assert 'the alarm "absent" does not exist' in outcomes[record.id].reason


async def test_an_assertion_needs_the_right_of_the_role(
    session: AwsSession, alarm: Alarm, allow: Callable[..., None]
) -> None:
    given = parameters(alarm("fine"), "OK")
    (subject,) = FAULT.subjects(given, [], PLAN)
    (record,) = records = records_of(FAULT, [subject.resource])
    record.state = subject.state
    allow("ec2:*")
    with pytest.raises(AccessDeniedError, match="may not cloudwatch:DescribeAlarms"):
        await FAULT.inject(session, given, records)
