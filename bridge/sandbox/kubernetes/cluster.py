"""A whole cluster for experiments: the API server, who may do what, Chaos Mesh, and a shop.

    async with SandboxCluster(sts_endpoint="http://127.0.0.1:5000") as cluster:
        use(cluster.emulator.url, cluster.emulator.ca_pem, cluster.admin_kubeconfig())

Callers are told apart as on EKS: a token of the IAM role that `aws-auth` names is
`chaosmesh-manager`, the administrator's token may do everything, all else is a 401.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Any, Self

import httpx

from bridge.sandbox.kubernetes.authentication import EksTokenVerifier, TokenAuthenticator
from bridge.sandbox.kubernetes.authorization import MASTERS_GROUP, RbacAuthorizer
from bridge.sandbox.kubernetes.chaos_mesh import ChaosMesh
from bridge.sandbox.kubernetes.chaos_mesh_installation import ReachableWebhooks
from bridge.sandbox.kubernetes.chaos_mesh_webhooks import ChaosMeshWebhooks
from bridge.sandbox.kubernetes.control_loop import run_controllers, settle
from bridge.sandbox.kubernetes.estate import install
from bridge.sandbox.kubernetes.identity import Attributes, Decision, Identity
from bridge.sandbox.kubernetes.litmus import Litmus
from bridge.sandbox.kubernetes.pods import Workloads
from bridge.sandbox.kubernetes.server import KubernetesEmulator

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge.sandbox.kubernetes.authentication import SecretOf
    from bridge.sandbox.kubernetes.aws_auth import PrivateDnsName

logger = logging.getLogger(__name__)

ADMINISTRATOR = Identity("kubernetes-admin", groups=(MASTERS_GROUP,))


def _utc_now() -> datetime:
    return datetime.now(UTC)


class SandboxCluster:
    """The emulator with identities, RBAC, webhooks, controllers and the estate.

    `name` is the EKS cluster's name, which tokens must be signed for. `sts_endpoint` plays STS;
    without it only the administrator can log in. `secret_of` lets signatures be verified (moto
    does not; `moto_secret` fits a moto in this process). `now` and `random` make a run
    repeatable: without entering the context, `settle()` drives the cluster in virtual time.
    """

    def __init__(
        self,
        *,
        name: str = "sandbox",
        sts_endpoint: str | None = None,
        secret_of: SecretOf | None = None,
        private_dns_name: PrivateDnsName = lambda _id: None,
        admin_token: str | None = None,
        now: Callable[[], datetime] = _utc_now,
        random: Random | None = None,
        port: int = 0,
        history: int = 1000,
    ) -> None:
        self.admin_token = admin_token or secrets.token_urlsafe()
        self._now = now
        self._http: httpx.AsyncClient | None = None
        self._controllers: asyncio.Task[None] | None = None
        self._webhooks: ReachableWebhooks | None = None
        # The emulator makes the store that its own parts read: they are reached through methods.
        self.emulator = KubernetesEmulator(
            now=now,
            authenticate=self._authenticate,
            authorize=self._authorize,
            rules=self._rules,
            admit=self._admit,
            port=port,
            history=history,
        )
        store = self.store = self.emulator.store
        self.rbac = RbacAuthorizer(store)
        self._webhooks = ReachableWebhooks(store, ChaosMeshWebhooks(self._authorize))
        eks = None
        if sts_endpoint is not None:
            # No proxy from the environment: the endpoint is on this machine.
            self._http = httpx.AsyncClient(timeout=10, trust_env=False)
            eks = EksTokenVerifier(
                cluster_name=name,
                sts_endpoint=sts_endpoint,
                http=self._http,
                now=now,
                secret_of=secret_of,
            )
        self._tokens = TokenAuthenticator(
            store,
            static_tokens={self.admin_token: ADMINISTRATOR},
            eks=eks,
            private_dns_name=private_dns_name,
        )
        random = random or Random()  # noqa: S311 - names of pods, order of conditions
        self.chaos = ChaosMesh(store, now=now, random=random)
        self.litmus = Litmus(store, now=now)
        self.workloads = Workloads(store, now=now, random=random)
        install(self.emulator)
        self.settle()

    async def _authenticate(self, token: str) -> Identity | None:
        return await self._tokens(token)

    def _authorize(self, identity: Identity, attributes: Attributes) -> Decision:
        return self.rbac(identity, attributes)

    def _admit(
        self,
        identity: Identity,
        verb: str,
        old: dict[str, Any] | None,
        new: dict[str, Any] | None,
    ) -> list[str] | None:
        return None if self._webhooks is None else self._webhooks(identity, verb, old, new)

    def _rules(self, identity: Identity, namespace: str) -> list[dict[str, Any]]:
        return self.rbac.rules(identity, namespace)

    def settle(self) -> datetime | None:
        """Let the controllers do all that is due now; return when the next thing is due."""
        return settle([self.workloads, self.chaos, self.litmus])

    def admin_kubeconfig(self) -> dict[str, Any]:
        """Write the administrator's kubeconfig; the server must run."""
        return self.emulator.kubeconfig(self.admin_token)

    async def __aenter__(self) -> Self:
        """Start the server and the controllers."""
        await self.emulator.__aenter__()
        self._controllers = asyncio.create_task(
            run_controllers(self.store, [self.workloads, self.chaos, self.litmus], now=self._now)
        )
        self._controllers.add_done_callback(_report_death)
        return self

    async def __aexit__(self, *error: object) -> None:
        """Stop both; the store stays readable."""
        if self._controllers is not None:
            self._controllers.cancel()
            await asyncio.wait([self._controllers])
        await self.emulator.__aexit__(*error)
        if self._http is not None:
            await self._http.aclose()


def _report_death(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        logger.error("the cluster's controllers died", exc_info=task.exception())
