"""CloudWatch alarms: as stop conditions, and as an assertion in a run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import Field, field_validator

from bridge.model.record import Record
from providers.aws import by_hand
from providers.aws.arns import Arn
from providers.aws.session import AwsSession
from providers.batches import chunks
from providers.checks import Check, Verdict, note
from providers.contract import (
    DONE,
    Denial,
    Effect,
    Fault,
    FaultParameters,
    Observation,
    Observations,
    Outcome,
    OutcomeKind,
    Outcomes,
    Plan,
    Resource,
    StopSource,
    StopState,
    Subject,
    Timing,
    Undo,
    required,
)

NAMES_A_CALL: Final = 100
"""DescribeAlarms takes and answers at most 100 (``AlarmNames``, ``MaxRecords``)."""

MOST_ASSERTED: Final = 5
STATES: Final = ("OK", "ALARM", "INSUFFICIENT_DATA")

_PREFIX: Final = "alarm:"
_RIGHT: Final = "cloudwatch:DescribeAlarms"


def alarm_problem(arn: str) -> str | None:
    """Return what is wrong with an alarm's ARN, or None."""
    parts = Arn.parse(arn)
    if parts is None or parts.service != "cloudwatch" or not parts.resource.startswith(_PREFIX):
        return (
            f'"{arn[:128]}" is not the ARN of a CloudWatch alarm; write '
            '"arn:aws:cloudwatch:REGION:ACCOUNT:alarm:NAME"'
        )
    return None


async def alarm_states(session: AwsSession, arns: Sequence[str]) -> dict[str, str]:
    """Return the state of each alarm, metric or composite, that the session can see.

    Those that do not exist are left out, as are those of another account or Region.
    Raises ProviderError.
    """
    scope = session.caller.scope
    parsed = (Arn.parse(arn) for arn in dict.fromkeys(arns))
    names = [
        arn.resource.removeprefix(_PREFIX)
        for arn in parsed
        if arn and arn.service == "cloudwatch" and arn.within(scope)
    ]
    states: dict[str, str] = {}
    for chunk in chunks(names, NAMES_A_CALL):
        async for page in session.pages(
            "cloudwatch",
            "DescribeAlarms",
            AlarmNames=list(chunk),
            AlarmTypes=["MetricAlarm", "CompositeAlarm"],
            MaxRecords=NAMES_A_CALL,
        ):
            for alarm in (*page.get("MetricAlarms", ()), *page.get("CompositeAlarms", ())):
                states[alarm["AlarmArn"]] = alarm["StateValue"]
    return {arn: states[arn] for arn in arns if arn in states}


class AlarmSource(StopSource):
    """Alarms that stop runs: triggered while in ALARM, as in FIS.

    INSUFFICIENT_DATA is clear; an alarm that does not exist is unreadable.
    """

    source = "aws:cloudwatch:alarm"
    provider = "aws"
    permissions = required(_RIGHT)

    def check_value(self, value: str) -> str | None:
        """Return what is wrong with the form of an alarm's ARN, or None."""
        return alarm_problem(value)

    async def read(self, session: AwsSession, values: Sequence[str]) -> Mapping[str, StopState]:
        """Read all alarms, 100 a call. Raises ProviderError."""
        states = await alarm_states(session, values)
        return {value: _STOP_STATES.get(states.get(value, ""), _UNREADABLE) for value in values}


_UNREADABLE: Final = StopState.UNREADABLE
_STOP_STATES: Final = {
    "OK": StopState.CLEAR,
    "INSUFFICIENT_DATA": StopState.CLEAR,
    "ALARM": StopState.TRIGGERED,
}


class AssertAlarmState(Fault):
    """Assert that CloudWatch alarms are in one of the given states; fail if one is not."""

    id = "aws:cloudwatch:assert-alarm-state"
    by_hand = by_hand.NOTHING
    provider = "aws"
    permissions = required(_RIGHT)

    class Parameters(FaultParameters):
        """Parameters of ``aws:cloudwatch:assert-alarm-state``, as in FIS."""

        alarm_arns: str = Field(description="ARNs of the alarms, parted by commas; at most five.")
        alarm_states: str = Field(
            description="States that are allowed, parted by commas: OK, ALARM, INSUFFICIENT_DATA."
        )

        @field_validator("alarm_arns")
        @classmethod
        def _known_arns(cls, text: str) -> str:
            arns = _arns(text)
            if len(arns) > MOST_ASSERTED:
                raise ValueError(f"{len(arns)} alarms are too many; name at most {MOST_ASSERTED}")
            if problem := next(filter(None, map(alarm_problem, arns)), None):
                raise ValueError(problem)
            return text

        @field_validator("alarm_states")
        @classmethod
        def _known_states(cls, text: str) -> str:
            if unknown := [state for state in _words(text) if state not in STATES]:
                raise ValueError(
                    f'"{unknown[0][:64]}" is not an alarm state; write {", ".join(STATES)}'
                )
            return text

    def undo(self, parameters: Parameters) -> Undo:  # noqa: ARG002 - the same for all
        """There is nothing to undo: alarms are only read."""
        return Undo.NONE

    def timing(self, parameters: Parameters) -> Timing:  # noqa: ARG002 - the same for all
        """Complete at once."""
        return Timing.instant()

    def subjects(
        self,
        parameters: Parameters,
        resources: Sequence[Resource],  # noqa: ARG002 - it takes no targets
        plan: Plan,  # noqa: ARG002 - alarms have names of their own
    ) -> list[Subject]:
        """Name the assertion as a whole; it has no effect that could overlap."""
        arns = _arns(parameters.alarm_arns)
        state = {"arns": arns, "states": _words(parameters.alarm_states)}
        return [Subject(",".join(arns), state)]

    async def review(
        self,
        session: AwsSession,
        parameters: Parameters,
        resources: Sequence[Resource],  # noqa: ARG002 - it takes no targets
    ) -> list[Denial]:
        """Read the alarms, which is all that the action will do. Raises ProviderError."""
        await alarm_states(session, _arns(parameters.alarm_arns))
        note(Check(_RIGHT, Verdict.OK, "aws", session.caller.scope.account))
        return []

    async def prepare(
        self,
        session: AwsSession,  # noqa: ARG002 - alarms are read when the action starts
        parameters: Parameters,  # noqa: ARG002 - all is in the records
        records: Sequence[Record],
    ) -> Outcomes:
        """Nothing needs noting."""
        return {record.id: DONE for record in records}

    async def inject(
        self,
        session: AwsSession,
        parameters: Parameters,  # noqa: ARG002 - all is in the records
        records: Sequence[Record],
    ) -> Outcomes:
        """Read the alarms and compare."""
        seen = await self.observe(session, records)
        return {
            name: DONE
            if observation.effect is Effect.PRESENT
            else Outcome(OutcomeKind.REJECTED, observation.reason)
            for name, observation in seen.items()
        }

    async def observe(self, session: AwsSession, records: Sequence[Record]) -> Observations:
        """Tell whether each alarm is in one of the states now; if not, the assertion failed."""
        states = await alarm_states(session, [arn for r in records for arn in r.state["arns"]])
        return {record.id: _asserted(record, states) for record in records}

    async def revert(self, session: AwsSession, records: Sequence[Record]) -> Outcomes:  # noqa: ARG002 - there is nothing to ask
        """Do nothing: nothing was changed."""
        return {record.id: DONE for record in records}


def _asserted(record: Record, states: Mapping[str, str]) -> Observation:
    allowed = record.state["states"]
    for arn in record.state["arns"]:
        name = arn.partition(f":{_PREFIX}")[2]
        if arn not in states:
            return Observation(
                Effect.FAILED, f'the alarm "{name}" does not exist in this account and Region'
            )
        if states[arn] not in allowed:
            return Observation(
                Effect.FAILED, f'the alarm "{name}" is {states[arn]}, not {" or ".join(allowed)}'
            )
    return Observation(Effect.PRESENT)


def _arns(text: str) -> list[str]:
    # An alarm's name may contain commas; what follows one that parts two ARNs is an ARN.
    return [part.strip() for part in re.split(r",(?=\s*arn:)", text)]


def _words(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]
