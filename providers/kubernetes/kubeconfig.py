"""Clusters that are named by a kubeconfig context, with the context's own user."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final

from providers.contract import ProviderError

if TYPE_CHECKING:
    from kubernetes.aio.client.configuration import Configuration

CONTEXT_PREFIX: Final = "k8s:context/"
"""Resource id of a cluster: this and the context's name."""


async def read_context(path: Path | None, context: str | None) -> Configuration:
    """Return endpoint, CA and credentials of a context; a plugin that it names is run.

    ``path`` None means KUBECONFIG or ``~/.kube/config``, ``context`` None the current one.
    Raises ProviderError.
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
            f"{_named(context)} cannot be read from {where}: {str(error)[:200]}; "
            "`kubectl config get-contexts` lists what there is",
            code="Kubeconfig",
        ) from None
    return configuration


def _named(context: str | None) -> str:
    return "the current context" if context is None else f'the context "{context}"'


async def contexts(path: Path) -> list[str]:
    """Name the contexts of a kubeconfig. Raises ProviderError."""
    await asyncio.to_thread(_load_sdk)
    from kubernetes.aio.config import (
        ConfigException,
        list_kube_config_contexts,
    )

    try:
        found, _ = await asyncio.to_thread(list_kube_config_contexts, str(path))
    except (ConfigException, OSError, ValueError, KeyError) as error:
        raise ProviderError(
            f"the kubeconfig {path} cannot be read: {str(error)[:200]}", code="Kubeconfig"
        ) from None
    return [str(context["name"]) for context in found]


def _load_sdk() -> None:
    """Import what takes long where it blocks nobody."""
    import kubernetes.aio.client.rest
    import kubernetes.aio.config  # noqa: F401 - the same
