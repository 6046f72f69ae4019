"""What is granted today beside what is needed, and putting it in order."""

from __future__ import annotations

import difflib
import json
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Final, Self

import yaml

import iam.granted as aws
import rbac.granted as kubernetes
from bridge.catalog.grants import About, Document, documents
from bridge.catalog.grants.cluster import parts
from bridge.catalog.needs import Need, Who
from bridge.cli.own_cluster import own_cluster
from bridge.model.scope import Scope
from bridge.settings import Settings
from providers.aws.provider import AwsProvider
from providers.aws.session import AwsSession
from providers.contract import Caller, ProviderError
from providers.kubernetes.cluster import Cluster
from providers.kubernetes.kubeconfig import CONTEXT_PREFIX

_OTHERS: Final = {
    "gcp": "what a service account may do in a project is not read; compare with "
    "`gcloud projects get-iam-policy`",
    "azure": "what an identity may do is not read; compare with `az role assignment list --all`",
}


@dataclass
class Checked:
    """What came of comparing."""

    missing: list[str] = field(default_factory=list)
    excess: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return it in words."""
        found = []
        for title, each in (
            ("missing", self.missing),
            ("too much", self.excess),
            ("could not be read", self.unread),
        ):
            found += [f"{title}: {one}" for one in each]
        return found or ["granted: exactly what is needed"]


@dataclass(frozen=True)
class Change:
    """One thing that would be written: how it is, and how it is to be."""

    what: str
    cluster: str
    """Empty for IAM."""
    name: str
    """Of an inline policy."""
    before: Any
    after: Any

    def diff(self) -> list[str]:
        """Return a unified diff; empty where nothing changes."""
        old, new = (_lines(one) for one in (self.before, self.after))
        return list(difflib.unified_diff(old, new, f"{self.what} (now)", self.what, lineterm=""))


class Grantor:
    """Reads and writes grants with the credentials of whoever runs the command."""

    def __init__(
        self, settings: Settings, needs: Sequence[Need], about: About, context: str
    ) -> None:
        """Ask nothing yet; ``context`` is the kubeconfig's, empty for one named as the cluster."""
        self._settings = settings
        self._needs = needs
        self._about = about
        self._context = context
        self._stack = AsyncExitStack()
        self._aws = AwsProvider(settings)
        self._stack.push_async_callback(self._aws.close)
        self._clusters: dict[str, Cluster] = {}

    async def __aenter__(self) -> Self:
        """Open nothing yet."""
        return self

    async def __aexit__(self, *error: object) -> None:
        """Let go of connections."""
        await self._stack.aclose()

    # --- comparing --------------------------------------------------------------------------

    async def check(self, granted: Sequence[Need], cloud: str | None) -> Checked:
        """Compare. ``granted`` are the rights that must be there; no more than the needs may be."""
        found = Checked()
        if cloud in (None, "aws"):
            await self._check_aws(granted, found)
        if cloud in (None, "kubernetes"):
            await self._check_clusters(granted, found)
        for other, words in _OTHERS.items():
            if cloud in (None, other) and any(one.place.cloud == other for one in granted):
                found.unread.append(f"{other}: {words}")
        return found

    async def _check_aws(self, granted: Sequence[Need], found: Checked) -> None:
        for who, arn in ((Who.EXPERIMENT, self._about.identity), (Who.READER, self._reader)):
            wanted = _in_iam(granted, who)
            if not wanted:
                continue
            if not arn:
                found.unread.append(
                    "aws: the bridge's own role is not known; give --principal, or set "
                    "FAULTBRIDGE_PRINCIPAL"
                )
                continue
            role = arn.rpartition("/")[2]
            try:
                today = await aws.granted_to(await self._iam(arn), role)
            except ProviderError as error:
                found.unread.append(f"role {role}: {error}")
                continue
            found.unread += [f"role {role}: {one}" for one in today.unread]
            found.missing += [
                f"role {role}: {right.action} {why}"
                for right, why in aws.missing(today.policies, wanted)
            ]
            known = _in_iam(self._needs, who)
            found.excess += [f"role {role}: {one}" for one in aws.too_much(today.policies, known)]

    async def _check_clusters(self, granted: Sequence[Need], found: Checked) -> None:
        for name, needed in _in_clusters(granted).items():
            known = _in_clusters(self._needs)[name]
            try:
                cluster = await self._cluster(name)
                subject = await self._subject(cluster, found)
                lacking = await kubernetes.missing(cluster, subject, needed)
                found.missing += [f"cluster {name}, user {subject.user}: {one}" for one in lacking]
                beyond = await kubernetes.too_much(cluster, subject, known)
                found.excess += [f"cluster {name}: {one}" for one in beyond]
            except ProviderError as error:
                found.unread.append(f"cluster {name}: {error}")

    async def _subject(self, cluster: Cluster, found: Checked) -> kubernetes.Subject:
        if self._about.username:
            return kubernetes.Subject(self._about.username)
        try:
            subject = await kubernetes.subject_of(cluster, self._about.identity)
        except ProviderError as error:
            found.unread.append(f"aws-auth of {cluster.name}: {error}")
        else:
            if subject is not None:
                return subject
            found.unread.append(
                f"aws-auth of {cluster.name} names no {self._about.identity}; it is taken for "
                f"user {self._about.user}, give --user if an access entry says otherwise"
            )
        return kubernetes.Subject(self._about.user)

    # --- applying ---------------------------------------------------------------------------

    async def changes(self, granted: Sequence[Need], cloud: str | None) -> list[Change]:
        """Return what would be written for the experiment's identity. Raises ProviderError."""
        found: list[Change] = []
        for document in self._applicable(granted, cloud):
            if document.kind == "iam-policy":
                name = document.title.split()[2]
                session = await self._iam(self._about.identity)
                before = await aws.inline_policy(session, self._about.role, name)
                what = f"inline policy {name} of role {self._about.role}"
                found.append(Change(what, "", name, before, document.body))
                continue
            cluster_id = document.grants[0].place.account
            cluster = await self._cluster(cluster_id)
            for manifest in document.body:
                before = await kubernetes.present(cluster, manifest)
                what = f"{manifest['kind']} {kubernetes.path_of(manifest)} of {cluster_id}"
                found.append(Change(what, cluster_id, "", before, manifest))
        return [one for one in found if one.diff()]

    async def apply(self, change: Change) -> None:
        """Write one change. Raises ProviderError."""
        if change.cluster:
            await kubernetes.apply(await self._cluster(change.cluster), change.after)
            return
        session = await self._iam(self._about.identity)
        await aws.put_inline_policy(session, self._about.role, change.name, change.after)

    def left(self, granted: Sequence[Need], cloud: str | None) -> list[Document]:
        """Return the documents that are not applied here, whose commands have to be run."""
        applied = self._applicable(granted, cloud)
        return [one for one in documents(granted, self._about, cloud) if one not in applied]

    def _applicable(self, granted: Sequence[Need], cloud: str | None) -> list[Document]:
        return [
            one
            for one in documents(granted, self._about, cloud)
            if one.who is Who.EXPERIMENT and one.kind in ("iam-policy", "manifest") and one.grants
        ]

    # --- ways in ----------------------------------------------------------------------------

    @property
    def _reader(self) -> str:
        return self._about.principal if "ACCOUNT" not in self._about.principal else ""

    async def _iam(self, arn: str) -> AwsSession:
        account = arn.split(":")[4]
        scope = Scope(cloud="aws", account=account, region=self._settings.region)
        return await self._aws.session(Caller(scope, None, "grants", ""), None)

    async def _cluster(self, cluster_id: str) -> Cluster:
        name = self._context or cluster_id.removeprefix(CONTEXT_PREFIX)
        if name not in self._clusters:  # a context's plugin may ask whoever runs the command
            self._clusters[name] = await own_cluster(self._settings.kubeconfig, name)
            self._stack.push_async_callback(self._clusters[name].server.close)
        return self._clusters[name]


def _in_iam(needs: Sequence[Need], who: Who) -> list[aws.Right]:
    return [
        aws.Right(one.permission, one.resources, one.conditions)
        for one in needs
        if one.who is who and one.place.cloud == "aws"
    ]


def _in_clusters(needs: Sequence[Need]) -> dict[str, list[kubernetes.Access]]:
    found: dict[str, list[kubernetes.Access]] = defaultdict(list)
    for one in needs:
        if one.place.cloud == "kubernetes":
            access = kubernetes.Access(*parts(one.permission), one.place.namespace)
            found[one.place.account].append(access)
    return found


def _lines(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, dict) and "kind" in value:
        return str(yaml.safe_dump(value, sort_keys=False)).splitlines()
    return json.dumps(value, indent=2).splitlines()
