"""What the bridge becomes someone by is kept nowhere; and as itself it does what readers may."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.api.app import create_app
from bridge.api.process import Process
from bridge.catalog.needs import Who, needs_of
from bridge.client import AsyncClient, StartRequest
from bridge.sandbox.aws import AwsEmulator
from bridge.sandbox.world import World
from bridge.settings import Settings
from providers.aws.credentials import Role
from providers.azure.credentials import Identity
from providers.gcp.credentials import Tokens
from providers.kubernetes.eks import EksClusters

EXAMPLE = Path(__file__).parents[2] / "examples/fis/three-clouds.json"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        async with World(transition_seconds=0.1) as made:
            for name, value in made.environment().items():
                patch.setenv(name, value)
            yield made


@pytest.fixture
def handed_out(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Every credential that the run gets of a cloud, filled while it runs."""
    found: set[str] = set()

    def spied(kind: type, method: str, secrets: Any) -> None:
        real = getattr(kind, method)

        def call(self: Any, *given: Any, **named: Any) -> Any:
            answer = real(self, *given, **named)
            found.update(secrets(answer))
            return answer

        monkeypatch.setattr(kind, method, call)

    spied(Role, "current", lambda keys: (keys.secret_key, keys.token))
    spied(Tokens, "current", lambda token: (token,))
    spied(Identity, "token", lambda token: (token,))
    real = EksClusters.token

    async def token(self: EksClusters, *given: Any) -> str:
        answer = await real(self, *given)
        found.add(answer)
        return answer

    monkeypatch.setattr(EksClusters, "token", token)
    return found


async def test_no_credential_is_in_the_database_a_resource_a_log_or_an_answer(
    world: World, handed_out: set[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    document = json.loads(EXAMPLE.read_text())
    for name in ("StopInAws", "StopInGoogleCloud", "PowerOffInAzure"):
        document["actions"][name]["parameters"]["startInstancesAfterDuration"] = "PT1S"
    slow = document["actions"]["SlowCarts"]["parameters"]
    slow["kubernetesSpec"] = slow["kubernetesSpec"].replace("120s", "2s")
    settings = Settings(data=tmp_path / "data")
    answers: list[bytes] = []

    async def keep(response: httpx.Response) -> None:
        answers.append(await response.aread())

    world.aws.forget_calls()
    async with Process(settings, schedules=False) as process:
        transport = httpx.ASGITransport(app=create_app(process.bridge))
        async with AsyncClient("http://127.0.0.1", transport=transport) as client:
            client._http.event_hooks["response"].append(keep)
            started = await client.start(StartRequest(template=document))
            await process.settled(started.id)
            ended = await client.experiment(started.id)
            await client.events(started.id)
            assert ended.status.value == "completed", ended
            template = await process.bridge.store.template(
                process.bridge.scope, started.template_id
            )
        needs = needs_of(template, process.bridge.catalog) if template else ()
    assert len(handed_out) >= 5  # a key and a session in AWS, one token each of the other three

    objects = [
        json.dumps(world.cluster.emulator.store.get(key), default=str)
        for key in world.cluster.emulator.store.keys()  # noqa: SIM118 - no dict
    ]
    stored = [path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert sum(map(len, stored)) > 10_000
    everything = b"\n".join(
        [*stored, *answers, caplog.text.encode(), *(one.encode() for one in objects)]
    )
    assert started.id.encode() in everything
    for secret in handed_out:
        assert secret.encode() not in everything

    # As itself the bridge has made no call that is not declared as the reader's.
    declared = {need.permission for need in needs if need.who is Who.READER}
    as_itself = [call for call in world.aws.calls if call.caller == AwsEmulator.caller_arn]
    assert as_itself
    assert {right for call in as_itself for right in call.rights} <= declared
