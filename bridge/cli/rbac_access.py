"""The way into a cluster for `faultbridge rbac`: with the rights of whoever runs the command."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from bridge.cli.exits import CommandError, Exit
from bridge.model.problem import InvalidDocumentError
from bridge.model.scope import Scope
from providers.aws.provider import AwsProvider
from providers.contract import Caller, ProviderError
from providers.kubernetes.eks import ClusterArn
from providers.kubernetes.kubeconfig import CONTEXT_PREFIX
from providers.kubernetes.provider import KubernetesProvider
from rbac.mapping import IdentityMapping
from rbac.mapping_file import read_mapping_file
from rbac.showing import Eks

if TYPE_CHECKING:
    from bridge.settings import Settings
    from providers.kubernetes.cluster import Cluster


@asynccontextmanager
async def opened(
    settings: Settings, named: str, role: str | None = None
) -> AsyncIterator[tuple[Cluster, Eks | None]]:
    """Open a cluster that is named by context or EKS ARN; of EKS also the way to EKS itself.

    Raises CommandError for what the cluster, the kubeconfig or AWS refuses.
    """
    # The mapping of the settings is for experiments: this command acts as its caller.
    settings = settings.model_copy(update={"cluster_identities": None, "cluster_tokens": ()})
    arn = ClusterArn.parse(named)
    cluster_id = named if arn or named.startswith(CONTEXT_PREFIX) else CONTEXT_PREFIX + named
    account, region = (arn.account, arn.region) if arn else (settings.account, settings.region)
    scope = Scope(cloud="aws", account=account, region=region)
    caller = Caller(scope, role, "rbac", settings.installation)
    aws = AwsProvider(settings)
    provider = KubernetesProvider(settings, lambda _name: aws)
    try:
        cluster = await (await provider.session(caller, None)).cluster(cluster_id)
        eks = Eks(await aws.session(caller, None), arn.name) if arn else None
        yield cluster, eks
    except ProviderError as error:
        raise CommandError(Exit.NO_BRIDGE, f"{named}: {error}") from None
    finally:
        await provider.close()
        await aws.close()


def own_mapping(settings: Settings) -> IdentityMapping | None:
    """Read the mapping file of the settings; None where none is set. Raises CommandError."""
    path = settings.cluster_identities
    if path is None:
        return None
    try:
        return read_mapping_file(path)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise CommandError(Exit.INVALID, f"{path} cannot be read ({reason})") from None
    except InvalidDocumentError as error:
        lines = "\n".join(f"{path}: {problem}" for problem in error.problems)
        raise CommandError(Exit.INVALID, lines) from None
