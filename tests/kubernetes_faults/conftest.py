"""A cluster of EKS as the sandbox runs it: TLS, tokens checked by STS, aws-auth, RBAC."""

from __future__ import annotations

import asyncio
import contextlib
import warnings
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from random import Random
from typing import Any

import httpx
import pytest

from bridge.model.scope import Scope
from bridge.sandbox.kubernetes.authentication import (
    EksTokenVerifier,
    TokenAuthenticator,
    moto_secret,
)
from bridge.sandbox.kubernetes.authorization import RbacAuthorizer
from bridge.sandbox.kubernetes.chaos_mesh import ChaosMesh
from bridge.sandbox.kubernetes.chaos_mesh_installation import ReachableWebhooks
from bridge.sandbox.kubernetes.chaos_mesh_webhooks import ChaosMeshWebhooks
from bridge.sandbox.kubernetes.control_loop import run_controllers, settle
from bridge.sandbox.kubernetes.estate import EXPERIMENT_ROLE_ARN, install
from bridge.sandbox.kubernetes.identity import Attributes, Decision, Identity
from bridge.sandbox.kubernetes.objects import ObjectStore
from bridge.sandbox.kubernetes.pods import Workloads
from bridge.sandbox.kubernetes.server import KubernetesEmulator
from bridge.settings import Settings
from providers.contract import Caller, Guard
from providers.kubernetes.provider import KubernetesProvider
from tests.aws_emulator.account import aws, estate
from tests.kubernetes_faults.one_run import INSTALLATION, Run

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from bridge.sandbox.aws import AwsEmulator, Estate

__all__ = ["aws", "estate"]

ROLE = EXPERIMENT_ROLE_ARN


class Cluster:
    """The emulator with its identity, Chaos Mesh, and the means to look from outside."""

    def __init__(self, sts: str) -> None:
        self._sts = sts
        self._rbac: RbacAuthorizer | None = None
        self._authenticator: TokenAuthenticator | None = None
        self._webhooks: ReachableWebhooks | None = None
        self._http = httpx.AsyncClient()
        self.api = KubernetesEmulator(
            authenticate=self._authenticate, authorize=self._authorize, admit=self._admit
        )
        self._webhooks = ReachableWebhooks(self.store, ChaosMeshWebhooks(self._authorize))
        self.chaos = ChaosMesh(self.api.store, now=self._now, random=Random(1))  # noqa: S311 - repeatable, no secret
        self.asked: list[Attributes] = []

    def _admit(self, *asked: Any) -> list[str] | None:
        return None if self._webhooks is None else self._webhooks(*asked)

    @staticmethod
    def _now() -> datetime:
        return datetime.now(UTC)

    @property
    def store(self) -> ObjectStore:
        return self.api.store

    async def start(self, stack: contextlib.AsyncExitStack) -> None:
        self._rbac = RbacAuthorizer(self.store)
        self._authenticator = TokenAuthenticator(
            self.store,
            static_tokens={"admin": Identity("admin", groups=("system:masters",))},
            eks=EksTokenVerifier(
                cluster_name="sandbox",
                sts_endpoint=self._sts,
                http=self._http,
                now=self._now,
                secret_of=moto_secret,
            ),
        )
        install(self.api)
        await stack.enter_async_context(self.api)
        workloads = Workloads(self.store, now=self._now, random=Random(1))  # noqa: S311 - repeatable, no secret
        settle([workloads, self.chaos])
        self._running = asyncio.create_task(
            run_controllers(self.store, [workloads, self.chaos], now=self._now)
        )
        stack.push_async_callback(self.stop_controllers)
        stack.push_async_callback(self._http.aclose)

    async def stop_controllers(self) -> None:
        """Let no controller run any more."""
        self._running.cancel()
        await asyncio.wait([self._running])

    async def _authenticate(self, token: str) -> Identity | None:
        assert self._authenticator is not None
        return await self._authenticator(token)

    def _authorize(self, identity: Identity, attributes: Attributes) -> Decision:
        self.asked.append(attributes)
        assert self._rbac is not None
        return self._rbac(identity, attributes)

    def requests(self, verb: str) -> int:
        """Count the requests of a verb for chaos resources, those of the webhook apart."""
        return sum(
            asked.verb == verb and asked.group == "chaos-mesh.org" and bool(asked.version)
            for asked in self.asked
        )

    def all_chaos(self) -> list[dict[str, Any]]:
        return [
            found
            for key in self.store.keys()  # noqa: SIM118 - no dict
            if key.group == "chaos-mesh.org" and (found := self.store.get(key)) is not None
        ]

    def one(self) -> dict[str, Any]:
        (found,) = self.all_chaos()
        return found

    def edit(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the one chaos resource from outside."""
        found = self.one()
        change(found)
        about = found["metadata"]
        key = ("chaos-mesh.org", found["kind"].lower(), about["namespace"], about["name"])
        self.store.update(key, found)

    def revoke(self, *verbs: str) -> None:
        """Take verbs on chaos resources away from the walk-through's ClusterRole."""
        key = ("rbac.authorization.k8s.io", "clusterroles", "", "chaosmesh-manager")
        role = self.store.get(key)
        assert role is not None
        role["rules"][1]["verbs"] = [v for v in role["rules"][1]["verbs"] if v not in verbs]
        self.store.update(key, role)


@pytest.fixture
def environment(aws: AwsEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)


@pytest.fixture
async def cluster(aws: AwsEmulator, estate: Estate, environment: None) -> AsyncIterator[Cluster]:
    made = Cluster(aws.url)
    async with contextlib.AsyncExitStack() as stack:
        await made.start(stack)
        aws.set_cluster_endpoint("sandbox", endpoint=made.api.url, ca_pem=made.api.ca_pem)
        yield made


@pytest.fixture
def settings() -> Settings:
    return Settings(installation=INSTALLATION)


@pytest.fixture
async def provider(cluster: Cluster, settings: Settings) -> AsyncIterator[KubernetesProvider]:
    made = KubernetesProvider(settings)
    yield made
    await made.close()


Open = Callable[..., Any]


@pytest.fixture
def caller(aws: AwsEmulator) -> Callable[..., Caller]:
    def made(
        name: str = "EXP1", identity: str | None = ROLE, installation: str = INSTALLATION
    ) -> Caller:
        scope = Scope(cloud="aws", account=aws.account_id, region=aws.region)
        return Caller(scope, identity, name, installation)

    return made


@pytest.fixture
def start(
    provider: KubernetesProvider, caller: Callable[..., Caller], estate: Estate
) -> Callable[..., Any]:
    """Await it with a name, parameters and the like: a session with one run in it."""

    async def made(
        name: str = "EXP1",
        *,
        identity: str = ROLE,
        installation: str = INSTALLATION,
        guard: Guard | None = None,
        wake: Callable[[], None] | None = None,
        **parameters: Any,
    ) -> Run:
        session = await provider.session(caller(name, identity, installation), guard, wake)
        return Run(session, estate.cluster_arn, **parameters)

    return made
