"""A rule with an action template, at a bridge that has the whole catalogue."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bridge.catalog import Catalog
from bridge.client import Client
from bridge.model.lever import LeverStatus
from bridge.triggers.event import Event
from bridge.triggers.rules_reading import read_rules
from bridge.triggers.trigger import Result, Trigger
from tests.native_api.conftest import quick
from tests.triggers.conftest import listening

RULES = {
    "rules": [
        {
            "name": "slow-network",
            "start": {
                "actionTemplate": "network-delay",
                "parameters": {
                    "namespace": "shop",
                    "labels": {"app": "checkout"},
                    "latency": {"from": "latency"},
                },
                "roleArn": "arn:aws:iam::123456789012:role/my-fis-role",
                "cluster": "arn:aws:eks:us-east-1:123456789012:cluster/shop",
                "tags": {"team": "checkout"},
            },
        }
    ]
}


def test_an_event_starts_a_run_of_an_action_template_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("FAULTBRIDGE_")]:
        monkeypatch.delenv(name)
    with listening(quick(data=tmp_path), Catalog) as url, Client(url) as client:
        # No cloud is here: with the lever engaged a run ends before it would call one.
        client.move_lever(LeverStatus.ENGAGED, "a test")
        trigger = Trigger(client, read_rules(json.dumps(RULES)))
        event = Event({"latency": "250ms"}, "one")
        first, again = trigger.handle(event), trigger.handle(event)
        (run,) = first.experiments
        assert (first.result, [one.id for one in again.experiments]) == (Result.STARTED, [run.id])
        found = client.experiment(run.id)
        (action,) = found.actions
        assert action.action_template == "network-delay@1"
        assert found.tags == {"team": "checkout"}
        assert found.description == "network-delay, by the trigger rule slow-network"
        assert len(client.experiments().experiments) == 1
