"""Which of its declared rights one custom resource needs, by resource, verb and namespace; no I/O.

The declaration speaks of Chaos Mesh as the example. Here the group, the plural and the namespaces
become those of the resource that an action creates.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from providers.contract import Permission, Reach
from providers.kubernetes.access import needed_rights
from providers.kubernetes.reach import reach_of
from providers.kubernetes.resource import CHAOS_MESH, LITMUS, CustomResource
from providers.kubernetes.specs.kinds import KINDS

ANY_KIND: Final = "chaos-mesh.org/*"
"""In a declaration: the resource itself, whatever its group and kind."""
_OF_KINDS: Final[Mapping[str, frozenset[str]]] = {
    "chaos-mesh.org/workflownodes": frozenset({"Workflow", "Schedule"}),
    "litmuschaos.io/chaosresults": frozenset({"ChaosEngine"}),
}
"""Rights that only these kinds have a use for."""
_WHERE_IT_IS: Final = frozenset({"core/events", *_OF_KINDS})
_WHERE_IT_REACHES: Final = frozenset({"core/pods", "pods"})


def plural_of(group: str, kind: str) -> str:
    """Return the plural of a kind; of one that is not known, what English makes of it."""
    known = KINDS.get(kind)
    if known is not None and known.group == group:
        return known.plural
    return f"{kind.lower()}s"


def rights_of(
    declared: Sequence[Permission],
    group: str,
    kind: str,
    namespace: str,
    spec: Mapping[str, Any],
) -> list[Permission]:
    """Return what of the declared rights the resource needs; ``on`` are the namespaces.

    Without namespaces a right is cluster-wide: for resources that are in none, and where a selector
    takes pods of all.
    """
    known = KINDS.get(kind)
    own = (
        () if known is not None and known.group == group and not known.namespaced else (namespace,)
    )
    itself = f"{group or 'core'}/{plural_of(group, kind)}"
    return [
        *_required(group, kind, own, spec),
        *_others(declared, itself, kind, own, _reached(group, kind, namespace, spec)),
    ]


def _required(
    group: str, kind: str, own: tuple[str, ...], spec: Mapping[str, Any]
) -> Iterator[Permission]:
    named = CustomResource(
        cluster="",
        group=group,
        version="",
        kind=kind,
        plural=plural_of(group, kind),
        namespace=own[0] if own else "",
        name="",
        installation="",
        experiment="",
        action="",
    )
    places: dict[str, set[str]] = defaultdict(set)
    for right in needed_rights(named, spec):
        places[f"{right.group or 'core'}/{right.resource}:{right.verb}"].add(right.namespace)
    for name, namespaces in places.items():
        note = "" if name.startswith(f"{group or 'core'}/{named.plural}:") else _WEBHOOK
        if group == CHAOS_MESH and namespaces - {named.namespace}:
            note = _WEBHOOK
        yield Permission(name, note=note, on=_places(namespaces))


_WEBHOOK: Final = "Chaos Mesh's webhook vauth.kb.io asks for it wherever the selectors reach"


def _others(
    declared: Sequence[Permission],
    itself: str,
    kind: str,
    own: tuple[str, ...],
    reached: tuple[str, ...],
) -> Iterator[Permission]:
    for right in declared:
        resource, _, verb = right.name.partition(":")
        if right.need == "required" or kind not in _OF_KINDS.get(resource, {kind}):
            continue
        if resource == ANY_KIND:
            yield replace(right, name=f"{itself}:{verb}", on=own)
        elif resource in _WHERE_IT_IS:
            yield replace(right, on=own)
        elif resource in _WHERE_IT_REACHES:
            if own and itself.partition("/")[0] in (CHAOS_MESH, LITMUS):
                yield replace(right, name=f"core/pods:{verb}", on=reached)
        else:
            yield replace(right, name=resource + ":" + verb, on=())


def _reached(group: str, kind: str, namespace: str, spec: Mapping[str, Any]) -> tuple[str, ...]:
    names = {name for name, _ in reach_of(group, kind, namespace, spec).namespaces}
    return _places(names or {namespace})


def _places(namespaces: set[str]) -> tuple[str, ...]:
    everywhere = bool(namespaces & {"", Reach.EVERY_NAMESPACE})
    return () if everywhere else tuple(sorted(namespaces))
