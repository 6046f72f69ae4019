"""What a cluster says before a run: rights, kind, namespaces, controllers, and a dry run."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from providers.checks import Check, Verdict, collecting, note
from providers.contract import Denial, ProviderError
from providers.kubernetes.access import denial, review, selected_namespaces
from providers.kubernetes.api import ApiError, DeniedError
from providers.kubernetes.calls import NotServedError, located, rehearse
from providers.kubernetes.cluster import Cluster
from providers.kubernetes.installation import CONTROLLER, NAMESPACE, installation
from providers.kubernetes.resource import CHAOS_MESH, LITMUS, CustomResource

_NOT_FOUND: Final = 404
_CONTROLLERS: Final[Mapping[str, tuple[str, str]]] = {
    CHAOS_MESH: ("Chaos Mesh", f"chaos-{CONTROLLER}"),
    LITMUS: ("Litmus", "chaos-operator"),
}
"""What carries a group's resources out, and how it is called."""


async def reviewed(
    cluster: Cluster, named: CustomResource, spec: Mapping[str, Any]
) -> list[Denial]:
    """Ask for the rights, then rehearse the creation (a server-side dry run).

    Whether namespaces and controllers are there is looked for only where checks are collected:
    it denies nothing. Raises ProviderError when the cluster cannot be asked.
    """
    what = f"kind {named.kind} of {named.group}/{named.version}"
    told = partial(Check, what, cloud="kubernetes", account=cluster.id)
    try:
        resource = await located(cluster, named)
    except NotServedError as error:
        note(told(verdict=Verdict.MISSING, reason=str(error)))
        return [denial(str(error))]
    except DeniedError as error:
        # Whoever is refused discovery is unknown to the cluster; the review says how.
        resource = named.model_copy(update={"plural": named.kind.lower()})
        note(told(verdict=Verdict.UNCHECKED, reason=str(error)))
    else:
        note(told(verdict=Verdict.OK))
    if not collecting():
        return await _judged(cluster, resource, spec)
    # What only informs is looked for beside the rehearsal too: the run waits for both.
    found, _ = await asyncio.gather(
        _judged(cluster, resource, spec), _look_around(cluster, resource, spec)
    )
    return found


async def _judged(
    cluster: Cluster, resource: CustomResource, spec: Mapping[str, Any]
) -> list[Denial]:
    return await review(cluster, resource, spec) or await rehearse(cluster, resource, spec)


async def _look_around(cluster: Cluster, resource: CustomResource, spec: Mapping[str, Any]) -> None:
    """Note whether namespaces and controllers are there, as far as the identity may look."""
    namespaces = {resource.namespace}
    if resource.group == CHAOS_MESH:
        namespaces.update(selected_namespaces(spec, resource.namespace))
    looks = [_namespace(cluster, name) for name in sorted(namespaces) if name]
    if resource.group in _CONTROLLERS:
        looks.append(_controllers(cluster, resource.group))
    note(*await asyncio.gather(*looks))


async def _namespace(cluster: Cluster, name: str) -> Check:
    told = partial(
        Check, f"namespace {name}", cloud="kubernetes", account=cluster.id, namespace=name
    )
    try:
        await cluster.get(f"/api/v1/namespaces/{name}")
    except ApiError as error:
        if error.status == _NOT_FOUND:
            why = f"Cluster {cluster.name} has no namespace {name}; create it, or write another."
            return told(verdict=Verdict.MISSING, reason=why)
        return told(verdict=Verdict.UNCHECKED, reason=_unread("core/namespaces:get", error))
    except ProviderError as error:
        return told(verdict=Verdict.UNCHECKED, reason=str(error))
    return told(verdict=Verdict.OK)


async def _controllers(cluster: Cluster, group: str) -> Check:
    """Look for the pods of what carries the resources out: without it nothing happens."""
    product, name = _CONTROLLERS[group]
    what = f"{product}'s controller ({name})"
    told = partial(Check, what, cloud="kubernetes", account=cluster.id)
    found = await installation(cluster, group)
    if found.controllers is None:
        why = f"{'; '.join(found.unread)}: it takes core/pods:list in namespace {NAMESPACE}"
        return told(verdict=Verdict.UNCHECKED, reason=f"The identity may not read {why}.")
    if not found.controllers.pods:
        why = f"Cluster {cluster.name} runs no {name}; install {product}, or start it."
        return told(verdict=Verdict.MISSING, reason=why)
    if not found.controllers.ready:
        why = f"No pod of {name} in namespace {found.namespace} is ready: nothing is injected."
        return told(verdict=Verdict.MISSING, reason=why, namespace=found.namespace)
    return told(verdict=Verdict.OK, namespace=found.namespace)


def _unread(right: str, error: ApiError) -> str:
    return f"It takes {right}, which the identity has not ({error.code})."
