"""CloudWatch alarms over moto: composite alarms, initial states and the limits of a call."""

from __future__ import annotations

from typing import Any

from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult, EmptyResult

from bridge.sandbox.aws import alarm_rule
from bridge.sandbox.aws.errors import AwsError, RuledResponse

MOST_NAMES = 100
_NOT_EVALUATED = "INSUFFICIENT_DATA"


def refuse_too_many_names(names: list[str]) -> None:
    """Refuse more than 100 alarm names in one call (CloudWatch API, DescribeAlarms)."""
    if len(names) > MOST_NAMES:
        message = (
            "1 validation error detected: Value at 'alarmNames' failed to satisfy constraint: "
            f"Member must have length less than or equal to {MOST_NAMES}"
        )
        raise AwsError("ValidationError", message)


def page_size(max_records: int | None) -> int:
    """Answer how many alarms one answer holds; 1 to 100 may be asked for (DescribeAlarms)."""
    if max_records is None:
        return MOST_NAMES
    if not 1 <= max_records <= MOST_NAMES:
        message = (
            f"1 validation error detected: Value '{max_records}' at 'maxRecords' failed to "
            f"satisfy constraint: Member must be between 1 and {MOST_NAMES}"
        )
        raise AwsError("ValidationError", message)
    return max_records


def keep_or_begin(alarm: Any, previous: Any) -> None:
    """Give a new alarm its initial state, and let an updated one keep its state.

    CloudWatch API, PutMetricAlarm and PutCompositeAlarm: "the alarm state is immediately set
    to INSUFFICIENT_DATA"; "when you update an existing alarm, its state is left unchanged".
    """
    if previous is None:
        alarm.state_value = _NOT_EVALUATED
        return
    for name in ("state_value", "state_reason", "state_reason_data", "state_updated_timestamp"):
        setattr(alarm, name, getattr(previous, name))


def evaluate(backend: Any, alarm: Any) -> bool:
    """Set a composite alarm to what its rule says, and answer whether that was a change."""

    def state_of(name: str) -> str:
        child = backend.alarms.get(name)
        return str(child.state_value) if child else _NOT_EVALUATED

    state = "ALARM" if alarm_rule.parse(alarm.rule).holds(state_of) else "OK"
    if alarm.state_value == state:
        return False
    alarm.update_state(f"The alarm rule {alarm.rule} evaluated to {state}", "{}", state)
    return True


def propagate(backend: Any, changed: str, seen: frozenset[str] = frozenset()) -> None:
    """Evaluate the composite alarms above ``changed``, and so on upwards.

    A composite set by hand "returns to its actual state only once any of its children alarms
    change state" (SetAlarmState). Evaluation stops at a cycle (PutCompositeAlarm).
    """
    for alarm in list(backend.alarms.values()):
        above = alarm.rule is not None and alarm.name not in seen
        if above and changed in alarm_rule.parse(alarm.rule).children and evaluate(backend, alarm):
            propagate(backend, alarm.name, seen | {changed})


class SandboxCloudWatch(RuledResponse, CloudWatchResponse):
    """moto's CloudWatch with composite alarms."""

    def put_metric_alarm(self) -> ActionResult:
        """Create or update a metric alarm."""
        name = self._get_param("AlarmName")
        previous = self.cloudwatch_backend.alarms.get(name)
        result = super().put_metric_alarm()
        keep_or_begin(self.cloudwatch_backend.alarms[name], previous)
        return result

    def put_composite_alarm(self) -> ActionResult:
        """Create or update a composite alarm, and evaluate it."""
        backend = self.cloudwatch_backend
        name = self._get_param("AlarmName")
        try:
            rule = alarm_rule.parse(self._get_param("AlarmRule"))
        except ValueError as error:
            raise AwsError("ValidationError", str(error)) from error
        missing = sorted(rule.children - set(backend.alarms))
        if missing:
            message = f"AlarmRule names alarms that do not exist: {', '.join(missing)}"
            raise AwsError("ValidationError", message)
        if self._get_param("ActionsSuppressor"):
            message = "The sandbox does not emulate ActionsSuppressor; leave it out"
            raise AwsError("ValidationError", message)
        previous = backend.alarms.get(name)
        super().put_metric_alarm()
        alarm: Any = backend.alarms[name]
        keep_or_begin(alarm, previous)
        if evaluate(backend, alarm):
            propagate(backend, name)
        return EmptyResult()

    def set_alarm_state(self) -> ActionResult:
        """Set an alarm's state, which composite alarms above it follow."""
        name = self._get_param("AlarmName")
        before = getattr(self.cloudwatch_backend.alarms.get(name), "state_value", None)
        result = super().set_alarm_state()
        if self.cloudwatch_backend.alarms[name].state_value != before:
            propagate(self.cloudwatch_backend, name)
        return result

    def describe_alarms(self) -> ActionResult:
        """Describe alarms of the wanted types, page by page.

        "If you omit [AlarmTypes], only metric alarms are returned" (DescribeAlarms).
        """
        refuse_too_many_names(self._get_param("AlarmNames", []))
        size = page_size(self._get_int_param("MaxRecords"))
        types = self._get_param("AlarmTypes", None) or ["MetricAlarm"]
        for family in ("ChildrenOfAlarmName", "ParentsOfAlarmName"):
            if self._get_param(family):
                message = f"The sandbox does not emulate {family}; describe the alarms by name"
                raise AwsError("ValidationError", message)
        found: Any = super().describe_alarms().result
        wanted = [
            (kind, alarm)
            for kind in ("MetricAlarm", "CompositeAlarm")
            if kind in types
            for alarm in found[f"{kind}s"]
        ]
        token = self._get_param("NextToken", "0")
        if not token.isdigit():
            raise AwsError("InvalidNextToken", f"The next token {token!r} is not valid")
        start = int(token)
        page = wanted[start : start + size]
        more = str(start + size) if len(wanted) > start + size else None
        answer: dict[str, Any] = {"NextToken": more}
        for kind in ("MetricAlarm", "CompositeAlarm"):
            answer[f"{kind}s"] = [alarm for of, alarm in page if of == kind]
        return ActionResult(answer)
