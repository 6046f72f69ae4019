"""Wait: time passes and nothing is touched."""

from __future__ import annotations

from datetime import timedelta

from providers.aws.session import AwsSession
from providers.aws.wait import Wait
from providers.contract import Plan, Timing
from tests.aws_faults.records import EXPERIMENT

FAULT = Wait()


async def test_it_lasts_and_has_no_records(session: AwsSession) -> None:
    parameters = FAULT.Parameters.model_validate({"duration": "PT2M"})
    assert FAULT.target is None
    assert FAULT.timing(parameters) == Timing.lasts(timedelta(minutes=2))
    assert FAULT.subjects(parameters, [], Plan(EXPERIMENT, "wait", "lab", None)) == []
    assert await FAULT.prepare(session, parameters, []) == {}
    assert await FAULT.inject(session, parameters, []) == {}
    assert await FAULT.observe(session, []) == {}
    assert await FAULT.revert(session, []) == {}
