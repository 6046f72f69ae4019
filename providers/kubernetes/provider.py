"""The Kubernetes provider: connections, tokens, watches, and the marks left in clusters."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, cast

from bridge.model.failure import whereabouts
from bridge.settings import Settings
from providers.aws.arns import account_of, partition
from providers.aws.eks_token import RENEW_AFTER
from providers.aws.provider import AwsProvider
from providers.contract import (
    Caller,
    Guard,
    MarkSearch,
    Peer,
    Provider,
    ProviderError,
    RightAsked,
    TransientError,
)
from providers.kubernetes.access import foretell
from providers.kubernetes.api import ApiServer
from providers.kubernetes.cloud_tokens import Bearer, Bearers, refuse_open
from providers.kubernetes.cluster import Cluster
from providers.kubernetes.eks import ClusterArn, EksClusters
from providers.kubernetes.events import EventReader
from providers.kubernetes.impersonation import ClusterIdentity, Identities
from providers.kubernetes.kubeconfig import CONTEXT_PREFIX, contexts, read_context
from providers.kubernetes.marks import Search
from providers.kubernetes.session import KubernetesSession
from providers.kubernetes.stuck import Diagnoses
from providers.kubernetes.watches import Watches

ADDRESS_LIFETIME: Final = 600.0
"""Seconds until endpoint, CA and a context's credentials are looked up again."""
_TOO_FRESH: Final = 60.0
"""Seconds; a token this young is not renewed after a 401: it is not its age that is refused."""

_OWN_NAMES: Final = frozenset({"reader", "rescue"})
"""Session names of the bridge itself; all others are experiments' ids."""

_AT_ONCE: Final = 8
"""Clusters that are searched side by side."""

_log = logging.getLogger(__name__)


@dataclass
class _Connection:
    server: ApiServer
    header: str
    """Authorization header of a context's user; empty for EKS, where each caller has a token."""
    since: float
    host: str
    verified: bool
    """Whether its certificate is checked."""


class KubernetesProvider(Provider):
    """Clusters of EKS, as any role, and clusters of a kubeconfig.

    In those it acts as the context's user, as whom a mapping names, or by a token of the cloud.
    """

    regional = True
    looks_as_all = True

    def __init__(self, settings: Settings, peer: Peer | None = None) -> None:
        """Connect to nothing yet. Without ``peer`` it opens, and closes, an AWS of its own."""
        self._settings = settings
        self._own_aws = AwsProvider(settings) if peer is None else None
        aws = self._own_aws if peer is None else peer("aws")
        self._readers = {
            account: role
            for role in settings.rescue_accounts
            if (account := account_of(role)) is not None
        }
        self._eks = EksClusters(cast("AwsProvider", aws), settings.installation, self._readers)
        self._connections: dict[str, _Connection] = {}
        self._retired: list[ApiServer] = []
        self._connecting: dict[str, asyncio.Lock] = {}
        self._tokens: dict[tuple[str, Caller], tuple[str, float]] = {}
        self.watches = Watches()
        self._events = EventReader()
        self._diagnoses = Diagnoses()
        self._identities_of: Identities | None = None
        self._bearers: Bearers | None = None

    def use_identities(self, identities: Identities) -> None:
        """Act as these say in clusters of a kubeconfig."""
        self._identities_of = identities

    def use_bearers(self, bearers: Bearers) -> None:
        """Show tokens of a cloud in its own clusters of a kubeconfig, as these say."""
        self._bearers = bearers

    async def session(
        self, caller: Caller, guard: Guard | None, wake: Callable[[], None] | None = None
    ) -> KubernetesSession:
        """Open a session. ``wake`` is called, in the same loop, when an injected one changes."""
        return KubernetesSession(
            caller, guard, wake, self._open, self.watches, self._events, self._diagnoses
        )

    async def foretell(self, session: KubernetesSession, rights: Sequence[RightAsked]) -> None:
        """Ask each cluster for the rights (SelfSubjectAccessReview), as the session's identity."""
        for cluster_id in dict.fromkeys(one.account for one in rights):
            of_it = [one for one in rights if one.account == cluster_id]
            try:
                cluster = await session.cluster(cluster_id)
            except ProviderError:
                continue  # whoever could not reach it has noted why
            await foretell(cluster, of_it)

    async def find_marks(self, caller: Caller) -> MarkSearch:
        """Find the marked resources of the known chaos kinds, of any installation.

        Looks into every EKS cluster of the scope as the caller's identity, else as each of
        ``rescue_identities`` and the role that reads in the account, else as the bridge itself;
        and, with the scope of the settings, into ``rescue_clusters`` and into the contexts of
        the ``kubeconfig``. Never raises: what cannot be looked into is part of the answer, unless
        another identity could.
        """
        search = Search()
        several = asyncio.Semaphore(_AT_ONCE)

        async def look(cluster_id: str) -> None:
            for identity in self._identities(caller, cluster_id):
                looking = Caller(caller.scope, identity, caller.name, caller.installation)
                try:
                    async with several:
                        await search.look_into(await self._open(looking, None, cluster_id))
                except Exception as error:  # noqa: BLE001 - one cluster must never hide the others
                    why = str(error) if isinstance(error, ProviderError) else _unexpected(error)
                    who = identity or "the bridge itself"
                    search.fail(cluster_id, f"{cluster_id} as {who}: {why}")
                else:
                    search.searched.add(cluster_id)

        clusters = await self._clusters(caller, search)
        await asyncio.gather(*map(look, dict.fromkeys(clusters)))
        return MarkSearch(list(search.found.values()), search.unsearched())

    async def close(self) -> None:
        """End the watches and close every connection."""
        await self.watches.close()
        servers = [connection.server for connection in self._connections.values()] + self._retired
        self._connections.clear()
        self._retired.clear()
        self._tokens.clear()
        await asyncio.gather(*(server.close() for server in servers))
        if self._own_aws is not None:
            await self._own_aws.close()

    def _identities(self, caller: Caller, cluster_id: str) -> tuple[str | None, ...]:
        if cluster_id.startswith(CONTEXT_PREFIX):
            return (None,)  # the context's own user, whoever looks
        if caller.identity is not None:
            return (caller.identity,)
        arn = ClusterArn.parse(cluster_id)
        reader = self._readers.get(arn.account) if arn else None
        looking = (*self._settings.rescue_identities, *((reader,) if reader else ()))
        return tuple(dict.fromkeys(looking)) or (None,)

    async def _clusters(self, caller: Caller, search: Search) -> list[str]:
        scope, settings = caller.scope, self._settings
        found: list[str] = []
        if scope.cloud == "aws":
            try:
                found += await self._eks.clusters(scope.account, scope.region)
            except ProviderError as error:
                where = f"EKS clusters of {scope}"
                search.fail(where, f"{where}: {error}")
            if (scope.account, scope.region) != (settings.account, settings.region):
                return found  # what follows is nobody's Region: it is looked into once
            prefix = f"arn:{partition(scope.region)}:eks:{scope.region}:{scope.account}:cluster/"
            found += [name if ":" in name else prefix + name for name in settings.rescue_clusters]
        return found + await self._contexts(search)

    async def _contexts(self, search: Search) -> list[str]:
        named, path = self._settings.rescue_contexts, self._settings.kubeconfig
        if named or path is None:
            return [CONTEXT_PREFIX + name for name in named]
        try:
            return [CONTEXT_PREFIX + name for name in await contexts(path)]
        except ProviderError as error:
            search.fail(str(path), str(error))
            return []

    async def _open(self, caller: Caller, guard: Guard | None, cluster_id: str) -> Cluster:
        arn = ClusterArn.parse(cluster_id)
        if arn is None and not cluster_id.startswith(CONTEXT_PREFIX):
            raise ProviderError(
                f'"{cluster_id[:128]}" names no cluster; write the ARN of an EKS cluster '
                f"(arn:aws:eks:REGION:ACCOUNT:cluster/NAME) or {CONTEXT_PREFIX}NAME",
                code="NoCluster",
            )
        bearer = self._bearer_of(caller, cluster_id) if arn is None else None
        own = arn is None and bearer is None
        impersonated = self._impersonated(caller, cluster_id) if own else None
        # One look-up for all who ask at once; a failed one leaves the lock, which is small.
        async with self._connecting.setdefault(cluster_id, asyncio.Lock()):
            connection = self._connections.get(cluster_id)
            if connection is None or time.monotonic() - connection.since > ADDRESS_LIFETIME:
                connection = await self._connect(cluster_id, arn)
        if bearer is not None:
            refuse_open(cluster_id, connection.host, verified=connection.verified)
            authorize, principal = bearer.header, bearer.caller.identity or ""
        elif arn is None:
            authorize = partial(self._context_header, cluster_id)
            principal = "" if impersonated is None else caller.identity or ""
        else:
            authorize = partial(self._bearer, arn, caller)
            principal = caller.identity or ""
        return Cluster(cluster_id, connection.server, authorize, guard, principal, impersonated)

    def _bearer_of(self, caller: Caller, cluster_id: str) -> Bearer | None:
        if self._bearers is not None:
            return self._bearers(cluster_id, caller, of_a_run=caller.name not in _OWN_NAMES)
        if self._settings.cluster_tokens:
            raise ProviderError("cluster_tokens were not read", code="NoIdentity")
        return None

    def _impersonated(self, caller: Caller, cluster_id: str) -> ClusterIdentity | None:
        if self._identities_of is not None:
            run = "" if caller.name in _OWN_NAMES else caller.name
            return self._identities_of(cluster_id, caller.identity, run=run)
        if self._settings.cluster_identities is not None:
            # Never as the context's user, who may do more, because somebody forgot to read it.
            raise ProviderError("the file of cluster_identities was not read", code="NoIdentity")
        return None

    async def _connect(self, cluster_id: str, arn: ClusterArn | None) -> _Connection:
        """Look a cluster up, and keep the open connections where nothing has changed."""
        old = self._connections.get(cluster_id)
        try:
            new = await self._look_up(cluster_id, arn)
        except TransientError:
            if old is None:
                raise
            return old  # a reader that is throttled must not stop an undo
        if old is not None:
            if old.server.same_place(new.server):
                await new.server.close()
                new.server = old.server
            else:
                self._retired.append(old.server)
        self._connections[cluster_id] = new
        return new

    async def _look_up(self, cluster_id: str, arn: ClusterArn | None) -> _Connection:
        if arn is None:
            name = cluster_id.removeprefix(CONTEXT_PREFIX)
            configuration = await read_context(self._settings.kubeconfig, name)
            header = configuration.api_key.get("BearerToken", "")
        else:
            name, header = arn.name, ""
            address = await self._eks.address(arn)
            configuration = await address.configuration(self._settings.cluster_server_name)
        server = await asyncio.to_thread(ApiServer, name, configuration)
        verified = bool(configuration.verify_ssl)
        return _Connection(server, header, time.monotonic(), configuration.host, verified)

    async def _bearer(self, arn: ClusterArn, caller: Caller, renew: bool) -> str:
        now = time.monotonic()
        token, since = self._tokens.get((arn.text, caller), ("", 0.0))
        age = now - since
        if not token or age > RENEW_AFTER or (renew and age > _TOO_FRESH):
            token = await self._eks.token(arn, caller)
            self._tokens = {
                key: entry for key, entry in self._tokens.items() if now - entry[1] <= RENEW_AFTER
            }
            self._tokens[arn.text, caller] = (token, now)
        return f"Bearer {token}"

    async def _context_header(self, cluster_id: str, renew: bool) -> str:
        connection = self._connections[cluster_id]
        if renew and time.monotonic() - connection.since > _TOO_FRESH:
            connection = await self._connect(cluster_id, None)
        return connection.header


def _unexpected(error: Exception) -> str:
    _log.error("a cluster could not be looked into: %s", whereabouts(error))
    return f"unexpected {type(error).__name__}; the bridge's log has the details"
