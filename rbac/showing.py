"""What `faultbridge rbac show` does: read all that decides, and bring it together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from providers.contract import ProviderError
from providers.kubernetes.cluster import Cluster
from rbac.access_entries import AuthMode, Calls, auth_mode, read_access_entries
from rbac.aws_auth import AwsAuth
from rbac.aws_auth_writing import fetch
from rbac.mapping import IdentityMapping
from rbac.principals import has_path
from rbac.reading import read_rbac
from rbac.report import Mapped, Report, report
from rbac.rights import rights_of


@dataclass(frozen=True)
class Eks:
    """The EKS side of a cluster."""

    calls: Calls
    name: str


async def show(
    cluster: Cluster,
    eks: Eks | None,
    *,
    mapping: IdentityMapping | None = None,
    namespaces: Sequence[str] = (),
    system: bool = False,
) -> Report:
    """Say who can inject what, where. ``mapping`` is the bridge's own, by impersonation.

    What may not be read is part of the report. Raises ProviderError where the cluster cannot
    be asked at all.
    """
    rights = rights_of(await read_rbac(cluster, namespaces))
    mapped: list[Mapped] = []
    unread: list[str] = []
    problems: list[str] = []
    mode = None if eks is None else await _mode(eks, unread)
    if eks is not None and (mode is None or mode.entries):
        try:
            entries = await read_access_entries(eks.calls, eks.name)
        except ProviderError as error:
            unread.append(f"access entries: {error}")
        else:
            mapped += [Mapped(one.entry, one.policies) for one in entries.found]
            unread += entries.unread
    if mode is None or mode.config_map:
        auth = await _aws_auth(cluster, unread)
        known = {one.entry.principal.lower() for one in mapped}  # an access entry wins
        for entry in auth.mapping.entries:
            if entry.principal.lower() not in known and not has_path(entry.principal):
                mapped.append(Mapped(entry))
            known.add(entry.principal.lower())  # of two entries the first wins
        problems += auth.problems
        problems += [
            f"aws-auth mapAccounts: every user of account {account} is known, by his ARN"
            for account in auth.accounts
        ]
    if mapping is not None:
        mapped += [Mapped(entry) for entry in mapping.entries if entry.governs(cluster.id)]
    about = "kubeconfig context" if eks is None else _about(mode)
    return report(
        cluster.id, about, mapped, rights, problems=problems, unread=unread, system=system
    )


async def _mode(eks: Eks, unread: list[str]) -> AuthMode | None:
    try:
        return await auth_mode(eks.calls, eks.name)
    except ProviderError as error:
        unread.append(f"authentication mode: {error}")
        return None


async def _aws_auth(cluster: Cluster, unread: list[str]) -> AwsAuth:
    try:
        return await fetch(cluster)
    except ProviderError as error:
        unread.append(f"ConfigMap kube-system/aws-auth: {error}")
        return AwsAuth(IdentityMapping())


def _about(mode: AuthMode | None) -> str:
    return "EKS, authentication mode " + ("unknown" if mode is None else mode.value)
