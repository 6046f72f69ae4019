"""Tokens of Kubernetes service accounts: the cluster that made them says whose they are.

Asked by TokenReview, for tokens made for the bridge's own audience: one that was made for the
cluster itself, or for somebody else, is refused, whoever sends it.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from iam.principal import SERVICE_ACCOUNT_PREFIX, Principal, service_account
from iam.refusals import CannotTellError, unknown
from iam.remembered import LONGEST, Remembered
from providers.contract import ProviderError
from providers.kubernetes.api import ApiServer, DeniedError
from providers.kubernetes.kubeconfig import read_context

if TYPE_CHECKING:
    from kubernetes.aio.client.configuration import Configuration

IN_CLUSTER: Final = "in-cluster"
_REVIEWS: Final = "/apis/authentication.k8s.io/v1/tokenreviews"
_HEADER_LIFETIME: Final = 300.0
"""Seconds; the token of the bridge's own service account is written anew every hour or so."""
_UNAUTHORIZED: Final = 401

_log = logging.getLogger(__name__)


@dataclass
class _Connection:
    server: ApiServer
    authorization: str
    until: float


class TokenReview:
    """Tells whose a service account's token is."""

    def __init__(self, cluster: str, audience: str, *, kubeconfig: Path | None = None) -> None:
        """Ask a cluster: a context of the kubeconfig, or the one that the bridge runs in."""
        self._cluster = cluster
        self._audience = audience
        self._kubeconfig = kubeconfig
        self._connection: _Connection | None = None
        self._retired: list[ApiServer] = []
        self._connecting = asyncio.Lock()
        self._remembered = Remembered(self._ask)

    async def principal(self, token: str, *, may_ask: bool) -> Principal:
        """Return whose token it is. Raises AuthenticationError."""
        return await self._remembered.principal(token, may_ask=may_ask)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._remembered.close()
        servers = [self._connection.server] if self._connection is not None else []
        for server in (*servers, *self._retired):
            await server.close()

    async def _ask(self, token: str) -> tuple[Principal, float]:
        review = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": {"token": token, "audiences": [self._audience]},
        }
        try:
            answer = await self._post(review)
        except ProviderError as error:
            denied = isinstance(error, DeniedError)
            _log.warning(
                "tokens of service accounts cannot be reviewed in %s (%s)%s",
                self._cluster,
                error.code or type(error).__name__,
                ": bind the bridge's account to ClusterRole system:auth-delegator"
                if denied
                else "",
            )
            raise CannotTellError(
                "the cluster that knows service accounts cannot be asked; try again later"
            ) from None
        return self._judge(answer), LONGEST

    async def _post(self, review: dict[str, Any]) -> dict[str, Any]:
        connection = await self._connected()
        send = connection.server.request
        try:
            return (
                await send("POST", _REVIEWS, authorization=connection.authorization, body=review)
            ).body
        except DeniedError as error:
            if error.status != _UNAUTHORIZED:
                raise
        # What the bridge shows may have been renewed since it was read.
        connection = await self._connected(renew=connection.authorization)
        return (
            await connection.server.request(
                "POST", _REVIEWS, authorization=connection.authorization, body=review
            )
        ).body

    def _judge(self, answer: dict[str, Any]) -> Principal:
        status = answer.get("status")
        status = status if isinstance(status, dict) else {}
        if status.get("authenticated") is not True:
            raise unknown(
                "the cluster does not vouch for the token; take one by "
                f"`kubectl create token NAME --audience {self._audience}`"
            )
        # A cluster that knows no audiences answers none, and would vouch for any token.
        if self._audience not in (status.get("audiences") or ()):
            raise unknown(
                f"the token is not made for the audience {self._audience}; take one by "
                f"`kubectl create token NAME --audience {self._audience}`"
            )
        user = status.get("user")
        user = user if isinstance(user, dict) else {}
        name = str(user.get("username") or "")
        parts = name.removeprefix(SERVICE_ACCOUNT_PREFIX).split(":")
        if not name.startswith(SERVICE_ACCOUNT_PREFIX) or len(parts) != 2 or not all(parts):  # noqa: PLR2004 - namespace and name
            raise unknown("the token is not of a service account, and others are not known here")
        groups = tuple(str(group) for group in user.get("groups") or ())
        return service_account(*parts, issuer=self._cluster, groups=groups)

    async def _connected(self, *, renew: str | None = None) -> _Connection:
        loop = asyncio.get_running_loop()
        async with self._connecting:
            known = self._connection
            if known is not None and loop.time() < known.until and known.authorization != renew:
                return known
            configuration = await self._configuration()
            authorization = str(configuration.api_key.get("BearerToken", ""))
            server = await asyncio.to_thread(ApiServer, self._cluster, configuration)
            if known is not None:
                # Open connections stay, but nothing is shown to a server that is no longer meant.
                if known.server.same_place(server):
                    await server.close()
                    server = known.server
                else:
                    self._retired.append(known.server)
            self._connection = _Connection(server, authorization, loop.time() + _HEADER_LIFETIME)
            return self._connection

    async def _configuration(self) -> Configuration:
        if self._cluster != IN_CLUSTER:
            return await read_context(self._kubeconfig, self._cluster)
        return await asyncio.to_thread(_in_cluster)


def _in_cluster() -> Configuration:
    from kubernetes.aio.client.configuration import Configuration
    from kubernetes.aio.config import ConfigException, load_incluster_config

    configuration = Configuration()
    try:
        load_incluster_config(client_configuration=configuration)
    except ConfigException:
        raise ProviderError(
            "the bridge does not run in a cluster with a service account", code="NotInCluster"
        ) from None
    return configuration
