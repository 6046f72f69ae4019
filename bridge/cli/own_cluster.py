"""A cluster as kubectl would reach it: of a kubeconfig's context, as the context's own user."""

from __future__ import annotations

import asyncio
from pathlib import Path

from providers.kubernetes.api import ApiServer
from providers.kubernetes.cluster import Cluster
from providers.kubernetes.kubeconfig import CONTEXT_PREFIX, read_context


async def own_cluster(kubeconfig: Path | None, context: str) -> Cluster:
    """Return the cluster of a context; whoever asks closes its ``server``.

    No identity of an experiment is taken on: the command acts for whoever runs it. Raises
    ProviderError.
    """
    configuration = await read_context(kubeconfig, context)
    header = configuration.api_key.get("BearerToken", "")
    server = await asyncio.to_thread(ApiServer, context, configuration)

    async def authorize(_renew: bool) -> str:
        return header

    return Cluster(CONTEXT_PREFIX + context, server, authorize, None, "")
