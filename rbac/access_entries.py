"""EKS access entries: the cluster's mapping kept by EKS itself, beside or in place of aws-auth."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol

from providers.contract import ProviderError
from rbac.mapping import Entry, entry_for_arn
from rbac.principals import canonical, kind_of

CLUSTER_ADMIN: Final = "AmazonEKSClusterAdminPolicy"
"""The access policy that is as good as `cluster-admin`."""
_AT_ONCE: Final = 4
_ABSENT: Final = "ResourceNotFoundException"


class Calls(Protocol):
    """What makes calls of AWS: an ``AwsSession``."""

    async def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """Make one call. Raises ProviderError."""


class AuthMode(StrEnum):
    """Which mappings a cluster obeys."""

    CONFIG_MAP = "CONFIG_MAP"
    API_AND_CONFIG_MAP = "API_AND_CONFIG_MAP"
    API = "API"

    @property
    def entries(self) -> bool:
        """Whether access entries count."""
        return self is not AuthMode.CONFIG_MAP

    @property
    def config_map(self) -> bool:
        """Whether aws-auth counts; where both do, an access entry wins."""
        return self is not AuthMode.API


@dataclass(frozen=True)
class AccessPolicy:
    """Rights that EKS gives beside RBAC."""

    name: str
    namespaces: tuple[str, ...] = ()
    """Where they count; empty is the whole cluster."""


@dataclass(frozen=True)
class AccessEntry:
    """One access entry, with the policies that are associated with it."""

    entry: Entry
    kind: str = "STANDARD"
    policies: tuple[AccessPolicy, ...] = ()


@dataclass(frozen=True)
class AccessEntries:
    """The access entries of a cluster, and what could not be read of them."""

    found: tuple[AccessEntry, ...] = ()
    unread: tuple[str, ...] = ()


async def auth_mode(eks: Calls, cluster: str) -> AuthMode:
    """Ask which mappings a cluster obeys; one that does not say is older: aws-auth only.

    Raises ProviderError.
    """
    answer = await eks.call("eks", "DescribeCluster", name=cluster)
    config = (answer.get("cluster") or {}).get("accessConfig") or {}
    mode = str(config.get("authenticationMode") or AuthMode.CONFIG_MAP)
    try:
        return AuthMode(mode)
    except ValueError:
        msg = f"EKS says authentication mode {mode[:64]} of {cluster}, which is not known here"
        raise ProviderError(msg, code="AuthMode") from None


async def read_access_entries(eks: Calls, cluster: str) -> AccessEntries:
    """Read all access entries. Raises ProviderError where they cannot even be listed."""
    arns: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = await eks.call("eks", "ListAccessEntries", clusterName=cluster, **token)
        arns += page.get("accessEntries") or ()
        if not page.get("nextToken"):
            break
        token = {"nextToken": str(page["nextToken"])}
    several, unread = asyncio.Semaphore(_AT_ONCE), list[str]()

    async def read(arn: str) -> AccessEntry | None:
        async with several:
            try:
                return await _one(eks, cluster, arn, unread)
            except ProviderError as error:
                unread.append(f"access entry of {arn}: {error}")
                return None

    found = await asyncio.gather(*map(read, arns))
    return AccessEntries(tuple(one for one in found if one is not None), tuple(unread))


async def entry_of(eks: Calls, cluster: str, arn: str) -> Entry | None:
    """Return the access entry of a role or user, None where there is none.

    Raises ProviderError.
    """
    try:
        answer = await eks.call("eks", "DescribeAccessEntry", clusterName=cluster, principalArn=arn)
    except ProviderError as error:
        if error.code != _ABSENT:
            raise
        return None
    return _entry(arn, answer.get("accessEntry") or {})


async def create_access_entry(
    eks: Calls, cluster: str, *, arn: str, user: str, groups: tuple[str, ...]
) -> None:
    """Create an access entry; one that exists is never changed. Raises ProviderError."""
    parameters = request(cluster, arn=arn, user=user, groups=groups)
    await eks.call("eks", "CreateAccessEntry", **parameters)


def request(cluster: str, *, arn: str, user: str, groups: tuple[str, ...]) -> dict[str, Any]:
    """Return the parameters of CreateAccessEntry.

    A role keeps its path here, unlike in aws-auth, since IAM is asked whether it exists.
    """
    principal = canonical(arn) if ":sts:" in arn else arn
    if kind_of(principal) not in ("role", "user"):
        msg = f"access entries are for IAM roles and users; {arn[:128]} is neither"
        raise ProviderError(msg, code="Principal")
    made: dict[str, Any] = {"clusterName": cluster, "principalArn": principal, "username": user}
    if groups:
        made["kubernetesGroups"] = list(groups)
    return made


async def _one(eks: Calls, cluster: str, arn: str, unread: list[str]) -> AccessEntry:
    about = {"clusterName": cluster, "principalArn": arn}
    answer = await eks.call("eks", "DescribeAccessEntry", **about)
    seen: Mapping[str, Any] = answer.get("accessEntry") or {}
    policies: list[AccessPolicy] = []
    token: dict[str, str] = {}
    try:
        while True:
            page = await eks.call("eks", "ListAssociatedAccessPolicies", **about, **token)
            policies += map(_policy, page.get("associatedAccessPolicies") or ())
            if not page.get("nextToken"):
                break
            token = {"nextToken": str(page["nextToken"])}
    except ProviderError as error:
        unread.append(f"access policies of {arn}: {error}")
    kind = str(seen.get("type") or "STANDARD")
    return AccessEntry(_entry(arn, seen), kind, tuple(policies))


def _entry(arn: str, seen: Mapping[str, Any]) -> Entry:
    # Names of roles are unique in an account whatever their path, so this loses nothing.
    return entry_for_arn(
        canonical(arn),
        str(seen.get("username") or arn),
        tuple(map(str, seen.get("kubernetesGroups") or ())),
        f"access entry {arn}",
    )


def _policy(value: Mapping[str, Any]) -> AccessPolicy:
    scope = value.get("accessScope") or {}
    name = str(value.get("policyArn") or "").rpartition("/")[2]
    namespaces = scope.get("namespaces") if scope.get("type") == "namespace" else ()
    return AccessPolicy(name, tuple(map(str, namespaces or ())))
