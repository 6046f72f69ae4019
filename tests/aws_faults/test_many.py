"""How many calls a run on very many instances makes: as many as EC2's pages need, and no more."""

from __future__ import annotations

from collections import Counter
from math import ceil
from typing import Any

import pytest

from bridge.model.moment import Micros
from bridge.model.template import TemplateTarget
from providers.aws.batches import LARGEST
from providers.aws.instances import StopInstances
from providers.aws.resolvers import InstanceResolver
from providers.aws.session import AwsSession
from providers.contract import Effect, Mark, Resource
from tests.aws_faults.records import EXPERIMENT, ROLE, instance_arn, kinds, records_of

FAULT = StopInstances()
NONE = FAULT.Parameters()
EFFECTS = ("StopInstances", "StartInstances")


class ManyInstances:
    """As much of EC2 as the fault asks of it: a state for each instance, and a count of calls."""

    def __init__(self, number: int) -> None:
        self.states = {f"i-{n:017x}": "running" for n in range(number)}
        self.calls: Counter[str] = Counter()

    def call(self, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        if given.get("DryRun"):
            self.calls[f"dry {operation}"] += 1
            return {}
        self.calls[operation] += 1
        if operation == "DescribeInstances":
            return self._described(given)
        assert len(given.get("InstanceIds") or given["Resources"]) <= LARGEST
        if operation in ("CreateTags", "DeleteTags"):
            return {}
        state, key = {
            "StopInstances": ("stopped", "StoppingInstances"),
            "StartInstances": ("running", "StartingInstances"),
        }[operation]
        for one in given["InstanceIds"]:
            self.states[one] = state
        moving = {"stopped": "stopping", "running": "pending"}[state]
        return {
            key: [
                {"InstanceId": one, "CurrentState": {"Name": moving}}
                for one in given["InstanceIds"]
            ]
        }

    def _described(self, given: dict[str, Any]) -> dict[str, Any]:
        ids = given.get("InstanceIds")
        token: dict[str, str] = {}
        if ids is None:
            first, size = int(given.get("NextToken", 0)), given["MaxResults"]
            ids = list(self.states)[first : first + size]
            token = {"NextToken": str(first + size)} if first + size < len(self.states) else {}
        assert len(ids) <= LARGEST
        tags = [{"Key": "team", "Value": "shop"}]
        instances = [
            {"InstanceId": one, "State": {"Name": self.states[one]}, "Tags": tags} for one in ids
        ]
        return {"Reservations": [{"Instances": instances}], **token}


@pytest.mark.parametrize("number", [1, 1000, 2001])
async def test_a_run_makes_the_fewest_effect_calls_and_its_safety_grows_by_pages_only(
    session: AwsSession, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    world = ManyInstances(number)

    async def call(
        _self: AwsSession, _service: str, operation: str, *, whole: bool = False, **given: Any
    ) -> dict[str, Any]:
        return world.call(operation, given)

    monkeypatch.setattr(AwsSession, "call", call)
    target = TemplateTarget(resource_type="aws:ec2:instance", resource_tags={"team": "shop"})
    found = (await InstanceResolver().resolve(session, target)).found
    assert [one.id for one in found] == [instance_arn(one) for one in world.states]
    records = records_of(FAULT, [one.id for one in found])
    resources = [Resource("aws:ec2:instance", record.resource) for record in records]
    assert await FAULT.review(session, NONE, resources) == []
    await FAULT.prepare(session, NONE, records)
    mark = Mark("lab", EXPERIMENT, "act", FAULT.id, Micros(0), ROLE)
    await FAULT.mark(session, mark, records)
    await FAULT.inject(session, NONE, records)
    seen = await FAULT.observe(session, records)
    assert set(kinds(seen, records)) == {"present"}
    for record in records:
        record.seen = str(Effect.PRESENT)
    assert set(kinds(await FAULT.revert(session, records), records)) == {"pending"}
    for record in records:
        record.attempts = 1
    assert set(kinds(await FAULT.revert(session, records), records)) == {"done"}
    await FAULT.unmark(session, mark, records)
    pages = ceil(number / LARGEST)
    assert {name: world.calls.pop(name) for name in EFFECTS} == dict.fromkeys(EFFECTS, pages)
    assert world.calls == {
        # Of all of them, whose rights differ by instance no more than by page, one page is asked.
        "dry StopInstances": 1,
        "dry StartInstances": 1,
        # Which there are, how they are before, that they are stopped, and that they run again.
        "DescribeInstances": 4 * pages,
        "CreateTags": pages,
        "DeleteTags": pages,
    }
