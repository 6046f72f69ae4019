"""Clusters: whom the role is there, and its RBAC, read, compared and written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import rbac.granted as kubernetes
from bridge.catalog.grants import About, Document
from bridge.catalog.grants.cluster import manifests, parts
from bridge.catalog.needs import Need, Who
from bridge.cli.granting.aws import AwsGrants
from bridge.cli.granting.comparing import Change, Checked, Left
from bridge.cli.own_cluster import own_cluster
from bridge.settings import Settings
from providers.aws.session import AwsSession
from providers.contract import ProviderError
from providers.kubernetes.cluster import Cluster
from providers.kubernetes.eks import ClusterArn
from providers.kubernetes.kubeconfig import CONTEXT_PREFIX
from rbac.access_entries import AuthMode, auth_mode, create_access_entry, entry_of, request
from rbac.aws_auth_text import EditError, Wanted
from rbac.aws_auth_writing import ChangedMeanwhileError, plan, write
from rbac.mapping import UnmappableError
from rbac.principals import CloudPrincipal


@dataclass(frozen=True)
class _Mapped:
    """Whom a cluster makes of the role."""

    subject: kubernetes.Subject | None = None
    """None where nothing maps it."""
    by: str = ""
    unread: str = ""


class ClusterGrants:
    """Clusters of the kubeconfig, with the credentials of whoever runs the command."""

    def __init__(self, settings: Settings, about: About, context: str, aws: AwsGrants) -> None:
        """Ask nothing yet; ``context`` is the kubeconfig's, empty for one named as the cluster."""
        self._settings = settings
        self._about = about
        self._context = context
        self._aws = aws
        self._stack = AsyncExitStack()
        self._clusters: dict[str, Cluster] = {}

    async def close(self) -> None:
        """Let go of connections."""
        await self._stack.aclose()

    async def check(self, granted: Sequence[Need], known: Sequence[Need], found: Checked) -> None:
        """Compare whom each cluster makes of the role, and what that user may do."""
        wanted = _accesses(granted)
        for name, needed in wanted.items():
            try:
                cluster = await self._cluster(name)
                subject = await self._subject(name, cluster, found)
                lacking = await kubernetes.missing(cluster, subject, needed)
                found.missing += [f"cluster {name}, user {subject.user}: {one}" for one in lacking]
                beyond = await kubernetes.too_much(cluster, subject, _accesses(known)[name])
                found.excess += [f"cluster {name}: {one}" for one in beyond]
            except ProviderError as error:
                found.unread.append(f"cluster {name}: {error}")

    async def _subject(self, name: str, cluster: Cluster, found: Checked) -> kubernetes.Subject:
        own = kubernetes.Subject(self._about.user_in(name))
        if ClusterArn.parse(name) is None:
            return own  # there the bridge impersonates that user, or shows a token of its own
        mapped = await self._mapped(name, cluster)
        if mapped.unread:
            found.unread.append(
                f"cluster {name}: {mapped.unread}; {self._about.identity} is taken for user "
                f"{own.user}"
            )
            return own
        if mapped.subject is None:
            found.missing.append(
                f"cluster {name}: {self._about.identity} is no user of it, by {mapped.by}"
            )
            return own
        if self._about.username and mapped.subject.user != self._about.username:
            found.missing.append(
                f"cluster {name}: {mapped.by} makes {self._about.identity} the user "
                f"{mapped.subject.user}, not {self._about.username}"
            )
        return mapped.subject

    async def _mapped(self, name: str, cluster: Cluster) -> _Mapped:
        """Find out whom EKS makes of the role: an access entry wins over aws-auth."""
        try:
            mode, eks, short = await self._mode(name)
        except ProviderError as error:
            return _Mapped(unread=f"its authentication mode: {error}")
        role = self._about.identity
        try:
            if mode.entries and (entry := await entry_of(eks, short, role)) is not None:
                known = entry.identity(CloudPrincipal(role))
                return _Mapped(kubernetes.Subject(known.user, known.groups), "an access entry")
        except (ProviderError, UnmappableError) as error:
            return _Mapped(unread=f"access entries: {error}")
        if not mode.config_map:
            return _Mapped(by="access entries, the only mapping that it obeys")
        try:
            found = await kubernetes.subject_of(cluster, role)
        except ProviderError as error:
            return _Mapped(unread=f"aws-auth: {error}")
        return _Mapped(found, "access entries and aws-auth" if mode.entries else "aws-auth")

    async def _mode(self, name: str) -> tuple[AuthMode, AwsSession, str]:
        arn = ClusterArn.parse(name)
        if arn is None:
            raise ProviderError(f"{name} is no cluster of EKS", code="NoEks")
        eks = await self._aws.session(name, arn.region)
        return await auth_mode(eks, arn.name), eks, arn.name

    async def changes(self, made: Sequence[Document], left: list[Left]) -> list[Change]:
        """Return the mapping of the role, then Roles and bindings. Raises ProviderError."""
        found = []
        users: dict[str, str] = {}
        for document in sorted(made, key=lambda one: one.kind != "aws-auth"):
            if document.who is not Who.EXPERIMENT:
                left.append(Left(document))
            elif document.kind == "aws-auth":
                name = document.cluster
                change, users[name] = await self._mapping(name)
                found += [change] if change is not None else []
            else:
                name = document.grants[0].place.account
                user = users.get(name, self._about.user_in(name))
                found += await self._roles(name, document.grants, user)
        return found

    async def _mapping(self, name: str) -> tuple[Change | None, str]:
        """Return what makes the role a user, None where it is one; and that user."""
        cluster = await self._cluster(name)
        mapped = await self._mapped(name, cluster)
        if mapped.unread:
            raise ProviderError(f"cluster {name}: {mapped.unread}", code="Unread")
        role, user = self._about.identity, self._about.user
        if mapped.subject is not None:
            if self._about.username not in ("", mapped.subject.user):
                raise ProviderError(
                    f"cluster {name}: {mapped.by} makes {role} the user {mapped.subject.user} "
                    f"already; leave out --user {user}, or change that by hand",
                    code="Mapped",
                )
            return None, mapped.subject.user
        mode, eks, short = await self._mode(name)
        if mode.entries:

            async def create() -> None:
                await create_access_entry(eks, short, arn=role, user=user, groups=())

            entry = request(short, arn=role, user=user, groups=())
            return Change(f"access entry of {role} in {name}", None, entry, create), user
        try:
            planned = await plan(cluster, Wanted(role, user, ()))
        except EditError as error:
            raise ProviderError(f"cluster {name}: {error}", code="AwsAuth") from None

        async def edit() -> None:
            try:
                await write(cluster, planned)
            except ChangedMeanwhileError as error:
                raise ProviderError(str(error), code="Changed") from None

        what = f"{planned.section} of ConfigMap kube-system/aws-auth of {name}"
        return Change(what, planned.before, planned.after, edit), user

    async def _roles(self, name: str, granted: Sequence[Need], user: str) -> list[Change]:
        cluster = await self._cluster(name)
        found = []
        for manifest in manifests(granted, replace(self._about, username=user)):

            async def apply(manifest: dict[str, object] = manifest) -> None:
                await kubernetes.apply(cluster, manifest)

            before = await kubernetes.present(cluster, manifest)
            what = f"{manifest['kind']} {kubernetes.path_of(manifest)} of {name}"
            found.append(Change(what, before, manifest, apply))
        return found

    async def _cluster(self, cluster_id: str) -> Cluster:
        name = self._context or cluster_id.removeprefix(CONTEXT_PREFIX)
        if name not in self._clusters:  # a context's plugin may ask whoever runs the command
            self._clusters[name] = await own_cluster(self._settings.kubeconfig, name)
            self._stack.push_async_callback(self._clusters[name].server.close)
        return self._clusters[name]


def _accesses(needs: Sequence[Need]) -> dict[str, list[kubernetes.Access]]:
    found: dict[str, list[kubernetes.Access]] = defaultdict(list)
    for one in needs:
        if one.place.cloud == "kubernetes":
            access = kubernetes.Access(*parts(one.permission), one.place.namespace)
            found[one.place.account].append(access)
    return found
