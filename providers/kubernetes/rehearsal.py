"""A resource, created in a dry run: schema, quota and webhooks have their say, nothing is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from bridge.model.problem import Problem
from providers.kubernetes.api import ApiError, DeniedError
from providers.kubernetes.cluster import Cluster
from providers.kubernetes.refusal_paths import refusal_problems
from providers.kubernetes.refusals import by_admission
from providers.kubernetes.resource import group_path

PREFIX: Final = "faultbridge-lint-"
"""Begin of the name in a dry run: the resource itself may be there already."""

_BAD_REQUEST: Final = 400
_NOT_FOUND: Final = 404


@dataclass(frozen=True)
class Rehearsal:
    """What the cluster says to a resource."""

    refused: list[Problem] = field(default_factory=list)
    """Why it would be refused; paths in the resource."""
    unasked: str = ""
    """Why the cluster could not be asked; empty where it was."""
    served: bool = True
    """Whether it has the kind at all."""


async def rehearse_manifest(
    cluster: Cluster, manifest: Mapping[str, Any], schema: Mapping[str, Any]
) -> Rehearsal:
    """Ask a cluster to create a resource without doing it. Raises ProviderError.

    ``schema`` is the kind's, by which Go's field names are told apart; it may be empty.
    """
    group, _, version = str(manifest["apiVersion"]).rpartition("/")
    base = group_path(quote(group, safe=""), quote(version, safe=""))
    try:
        answer = await cluster.get(base)
    except ApiError as error:
        if error.status == _NOT_FOUND:
            return Rehearsal(served=False)
        return Rehearsal(unasked=str(error))
    entry = next(
        (
            one
            for one in answer.body.get("resources") or ()
            if one.get("kind") == manifest["kind"] and "/" not in str(one.get("name", "/"))
        ),
        None,
    )
    if entry is None:
        return Rehearsal(served=False)
    metadata = dict(manifest.get("metadata") or {})
    namespace = str(metadata.get("namespace") or "default")
    metadata.pop("name", None)
    metadata["generateName"] = PREFIX
    place = f"/namespaces/{quote(namespace, safe='')}" if entry.get("namespaced") else ""
    try:
        await cluster.ask(
            f"{base}{place}/{entry['name']}",
            {**manifest, "metadata": metadata},
            dryRun="All",
            fieldValidation="Strict",
        )
    except ApiError as error:
        return _refused(error, namespace, schema)
    return Rehearsal()


def _refused(error: ApiError, namespace: str, schema: Mapping[str, Any]) -> Rehearsal:
    message = str(error.body.get("message") or error)
    if error.status == _BAD_REQUEST and "dry run" in message:
        return Rehearsal(unasked=f"a webhook cannot be asked in a dry run: {error}")
    if isinstance(error, DeniedError) and not by_admission(message):
        return Rehearsal(unasked=f"{error}; ask somebody who may create it")
    if error.status == _NOT_FOUND and f'namespaces "{namespace}" not found' in message:
        said = f'namespace "{namespace}" is not in the cluster, create it or name another'
        return Rehearsal([Problem("metadata.namespace", said)])
    return Rehearsal(refusal_problems(error, schema))
