"""Clusters that are named by a kubeconfig context, with the context's own user."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from providers.contract import ProviderError

if TYPE_CHECKING:
    from kubernetes.aio.client.configuration import Configuration

CONTEXT_PREFIX: Final = "k8s:context/"
"""Resource id of a cluster: this and the context's name."""
CONTEXT: Final = re.compile(rf"{CONTEXT_PREFIX}[\w.:/@-]{{1,253}}")
"""Such an id; a context that EKS's and Google's tools make is named by an ARN, or `gke_…`."""


async def read_context(path: Path | None, context: str) -> Configuration:
    """Return endpoint, CA and credentials of a context; a plugin that it names is run.

    ``path`` None means KUBECONFIG or ``~/.kube/config``. Raises ProviderError.
    """
    await asyncio.to_thread(_load_sdk)
    from kubernetes.aio.client.configuration import Configuration
    from kubernetes.aio.config import ConfigException, load_kube_config

    configuration = Configuration()
    try:
        await load_kube_config(
            config_file=str(path) if path else None,
            context=context,
            client_configuration=configuration,
            persist_config=False,
        )
    except (ConfigException, OSError, ValueError, KeyError, TypeError) as error:
        # A TypeError is the loader's word for a user or cluster that the file does not have.
        where = path or "the default kubeconfig"
        raise ProviderError(
            f'the context "{context}" cannot be read from {where}: {str(error)[:200]}; '
            "`kubectl config get-contexts` lists what there is",
            code="Kubeconfig",
        ) from None
    return configuration


async def contexts(path: Path) -> list[str]:
    """Name the contexts of a kubeconfig. Raises ProviderError."""
    found, _ = await _listed(path)
    return [str(context["name"]) for context in found]


async def current_context(path: Path | None) -> str:
    """Name the current context; ``path`` is as in `read_context`. Raises ProviderError."""
    _, current = await _listed(path)
    return str(current["name"])


async def _listed(path: Path | None) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    await asyncio.to_thread(_load_sdk)
    from kubernetes.aio.config import (
        ConfigException,
        list_kube_config_contexts,
    )

    try:
        file = None if path is None else str(path)
        found, current = await asyncio.to_thread(list_kube_config_contexts, file)
    except (ConfigException, OSError, ValueError, KeyError) as error:
        where = f"the kubeconfig {path}" if path else "the default kubeconfig"
        raise ProviderError(
            f"{where} cannot be read: {str(error)[:200]}", code="Kubeconfig"
        ) from None
    return found, current


def _load_sdk() -> None:
    """Import what takes long where it blocks nobody."""
    import kubernetes.aio.client.rest
    import kubernetes.aio.config  # noqa: F401 - the same
