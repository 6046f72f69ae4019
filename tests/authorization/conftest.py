"""A bridge behind real HTTP whose callers say who they are in a header, and boto3 as such callers.

The header stands for authentication, which has tests of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config

from bridge.api.app import create_app
from bridge.api.bridge import Bridge
from bridge.api.native.simulating import named_principal
from bridge.settings import Settings
from iam.attempt import Attempt
from iam.authentication import Authentication
from iam.policy import Attachment, AuditEntry, StoredPolicy
from iam.principal import Principal
from iam.rates import Rates
from tests.fis_dialect.conftest import Switch, listening, new_bridge, session, template

__all__ = ["listening", "session", "template"]

ALICE = "arn:aws:iam::123456789012:user/alice"
BOB = "arn:aws:iam::123456789012:user/bob"


class Headers(Authentication):
    """Takes the principal from a header, and its groups from another."""

    async def principal(self, attempt: Attempt, address: str | None) -> Principal:
        groups = tuple(filter(None, (attempt.value("x-test-groups") or "").split(",")))
        return named_principal(attempt.value("x-test-principal") or "local", groups)


def headers() -> Headers:
    return Headers(requests=Rates(1e6, 1e6), failures=Rates(1e6, 1e6))


def allow(*actions: str, resource: str | list[str] = "*", **further: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **further}


def deny(*actions: str, resource: str | list[str] = "*", **further: Any) -> dict[str, Any]:
    return {**allow(*actions, resource=resource, **further), "Effect": "Deny"}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


@dataclass
class House:
    """A bridge, where it listens, and how to be somebody there."""

    bridge: Bridge
    url: str
    session: boto3.session.Session
    clients: list[Any] = field(default_factory=list)

    def grant(self, principal: str, *statements: dict[str, Any], name: str = "test") -> None:
        """Give a principal a policy, in place of the one of that name."""
        stored = StoredPolicy(
            name, "", document(*statements), Attachment((principal,)), self.now, self.now
        )
        self.run(self.bridge.store.change_policy(self.bridge.scope, name, lambda _: stored))

    @property
    def now(self) -> Any:
        return self.bridge.store.now()

    def run(self, work: Any) -> Any:
        return asyncio.run(work)

    def fis(self, principal: str = "local") -> Any:
        """Return boto3's client of a principal."""
        client = self.session.client(
            "fis",
            endpoint_url=self.url,
            config=Config(parameter_validation=False, retries={"max_attempts": 0}),
        )

        def say_who(request: Any, **_: Any) -> None:
            request.headers["x-test-principal"] = principal

        client.meta.events.register("before-sign.fis", say_who)
        self.clients.append(client)
        return client

    @contextmanager
    def http(self, principal: str = "local", groups: str = "") -> Iterator[httpx.Client]:
        headers = {"x-test-principal": principal, "x-test-groups": groups}
        with httpx.Client(base_url=self.url, headers=headers) as client:
            yield client

    def audit(self) -> list[AuditEntry]:
        """Return the log, the oldest first."""
        found: list[AuditEntry] = self.run(
            self.bridge.store.audit(self.bridge.scope, before=None, limit=1000)
        )
        return found[::-1]

    @property
    def arn(self) -> str:
        return "arn:aws:fis:us-east-1:123456789012:"


Building = Callable[..., House]


@pytest.fixture
def building(listening: tuple[Switch, str], session: boto3.session.Session) -> Iterator[Building]:
    """Return what builds a house on settings; the last one built is the one that listens."""
    switch, url = listening
    built: list[House] = []

    def build(*, policies: Mapping[str, StoredPolicy] | None = None, **settings: Any) -> House:
        bridge = new_bridge(Settings(installation="test", **settings))
        bridge = replace(bridge, policies=policies or {})
        switch.app = create_app(bridge, authentication=headers())
        built.append(House(bridge, url, session))
        return built[-1]

    yield build
    for house in built:
        for client in house.clients:
            client.close()
        asyncio.run(house.bridge.store.close())


@pytest.fixture
def house(building: Building) -> House:
    return building()


@pytest.fixture
def stored(house: House, template: dict[str, Any]) -> str:
    """The id of a template that the local user has stored."""
    made = house.fis().create_experiment_template(clientToken="t", **template)
    return str(made["experimentTemplate"]["id"])
