"""Guardrails as FIS's clients meet them: a ValidationException that names rule and setting."""

from __future__ import annotations

import asyncio
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from bridge.api.app import create_app
from bridge.settings import Settings
from tests.fis_dialect.conftest import Switch, check_answer, new_bridge


def test_templates_are_refused_and_judged_again_as_runs_start(
    listening: tuple[Switch, str], session: boto3.session.Session, template: dict[str, Any]
) -> None:
    switch, url = listening
    bridge = new_bridge(Settings(installation="test", maximum_share=50))
    switch.app = create_app(bridge)
    fis: Any = session.client("fis", endpoint_url=url)
    fis.meta.events.register("after-call.fis", check_answer)
    stored = fis.create_experiment_template(**template)["experimentTemplate"]["id"]
    template["targets"]["carts"]["selectionMode"] = "PERCENT(51)"
    words = r"targets.carts.selectionMode: guardrail FAULTBRIDGE_MAXIMUM_SHARE \(50\): "
    with pytest.raises(ClientError, match=words) as refused:
        fis.create_experiment_template(**template)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    with pytest.raises(ClientError, match=words):
        fis.update_experiment_template(id=stored, targets=template["targets"])
    # The settings have become stricter since the template was stored.
    stricter = Settings(installation="test", maximum_share=49)
    later = new_bridge(stricter)
    asyncio.run(later.store.create_template(asyncio.run(bridge.store.templates(bridge.scope))[0]))
    switch.app = create_app(later)
    with pytest.raises(ClientError, match=r"FAULTBRIDGE_MAXIMUM_SHARE \(49\)"):
        fis.start_experiment(experimentTemplateId=stored)
    assert asyncio.run(later.store.experiments(later.scope)) == []
    fis.close()
    for one in (bridge, later):
        asyncio.run(one.store.close())
