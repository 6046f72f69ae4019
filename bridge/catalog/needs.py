"""What a template needs of whom: every right, where, on what, and for which of its parts. Pure.

Derived only from what faults, resolvers and stop sources declare. Two identities need rights: the
experiment's, as which faults are carried out, and the reader, the bridge's own; and those through
which the one becomes the other, where the settings name some.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from bridge.catalog.cloud_chaos import lowered
from bridge.catalog.rights import (
    ASSUMING,
    BECOMING,
    DELEGATING,
    GETTING_TOKENS,
    SETTING,
    Need,
    Place,
    Who,
    merged,
)
from bridge.model.scope import Scope
from bridge.model.template import ExperimentTemplate
from iam.acting import Acting
from providers.aws.arns import account_of, partition
from providers.contract import ITSELF, SUBSCRIPTION, TARGETS, Permission, Where
from providers.kubernetes.kubeconfig import CONTEXT_PREFIX

if TYPE_CHECKING:
    from bridge.catalog.catalog import Catalog

__all__ = [
    "ASSUMING",
    "BECOMING",
    "DELEGATING",
    "GETTING_TOKENS",
    "SETTING",
    "Need",
    "Place",
    "Who",
    "merged",
    "needs_of",
]


def needs_of(
    template: ExperimentTemplate, catalog: Catalog, acting: Acting | None = None
) -> tuple[Need, ...]:
    """Return what a template without errors needs, in a stable order.

    ``acting`` is as whom the bridge acts for the template's identity, and through whom. Its action
    templates have been expanded before; clouds' chaos kinds are lowered here. Raises KeyError and
    InvalidDocumentError for a template that the catalogue refuses.
    """
    run = lowered(template)
    found = [
        *_of_targets(run, catalog),
        *_of_actions(run, catalog),
        *_of_stop_conditions(run, catalog),
    ]
    return merged([*found, *_of_becoming(run, found, acting or Acting())])


def _of_targets(template: ExperimentTemplate, catalog: Catalog) -> Iterator[Need]:
    for name, target in template.targets.items():
        resolver = catalog.resolver(target.resource_type)
        for where in resolver.where(target, template.scope):
            needed = resolver.needs(target)
            yield from _placed(needed, Who.EXPERIMENT, resolver.provider, where, f"targets.{name}")


def _of_actions(template: ExperimentTemplate, catalog: Catalog) -> Iterator[Need]:
    for name, action in template.actions.items():
        fault, path = catalog.fault(action.action_id), f"actions.{name}"
        needed = fault.needs(catalog.parameters_of(action))
        places = _places(template, catalog, action.targets.values())
        for provider, where in places or [(fault.provider, _home(template.scope))]:
            if fault.provider == "kubernetes":
                for cluster in where.resources:
                    yield from _in_cluster(needed, cluster, path)
            else:
                itself = template.identity
                yield from _placed(
                    needed, Who.EXPERIMENT, fault.provider, where, path, itself=itself
                )
            if not any(one.startswith(CONTEXT_PREFIX) for one in where.resources):
                yield from _placed(fault.reader_permissions, Who.READER, provider, where, path)


def _places(
    template: ExperimentTemplate, catalog: Catalog, targets: Iterable[str]
) -> list[tuple[str, Where]]:
    found: list[tuple[str, Where]] = []
    for name in targets:
        target = template.targets[name]
        resolver = catalog.resolver(target.resource_type)
        found += [(resolver.provider, one) for one in resolver.where(target, template.scope)]
    return found


def _home(scope: Scope) -> Where:
    return Where(scope.account, scope.region)


def _of_stop_conditions(template: ExperimentTemplate, catalog: Catalog) -> Iterator[Need]:
    for condition in template.watched:
        source = catalog.stop_source(condition.source)
        where = _home(template.scope)
        yield from _placed(source.permissions, Who.READER, source.provider, where, "stopConditions")


def _of_becoming(
    template: ExperimentTemplate, needs: Sequence[Need], acting: Acting
) -> Iterator[Need]:
    """Yield what it takes to act as the experiment's identity, which no fault declares."""

    def wanted(cloud: str) -> tuple[str, ...]:
        mine = (n for n in needs if n.who is Who.EXPERIMENT and cloud == _login(n.place, acting))
        return tuple(sorted({path for one in mine for path in one.wanted_by}))

    paths = wanted("aws")
    if template.scope.cloud == "aws" and account_of(template.identity) and paths:
        home = Place("aws", template.scope.account, template.scope.region)
        chain = (*acting.through.get("aws", ()), template.identity)
        for right in (ASSUMING, SETTING) if acting.source_identity else (ASSUMING,):
            for holder, role in pairwise(("", *chain)):
                place = Place("aws", account_of(holder) or "") if holder else home
                yield _step(holder, role, place, right, paths)
    account, paths = acting.others.get("gcp", ""), wanted("gcp")
    if account and paths:
        for holder, step in pairwise(("", *acting.through.get("gcp", ()), account)):
            right = GETTING_TOKENS if step == account else DELEGATING
            project = step.rpartition("@")[2].partition(".")[0]
            yield _step(holder, step, Place("gcp", project), right, paths)


def _login(place: Place, acting: Acting) -> str:
    """Return the cloud whose identity acts in a place."""
    if place.cloud != "kubernetes":
        return place.cloud
    return "aws" if place.account.startswith("arn:") else acting.cloud_of(place.account)


def _step(holder: str, wanted: str, place: Place, right: str, paths: tuple[str, ...]) -> Need:
    return Need(
        Who.BETWEEN if holder else Who.READER,
        place,
        right,
        "required",
        (wanted,),
        wanted_by=paths,
        notes=("the bridge acts as the identity of the experiment",),
        holder=holder,
    )


def _placed(
    rights: Iterable[Permission],
    who: Who,
    provider: str,
    where: Where,
    path: str,
    *,
    itself: str = "",
) -> Iterator[Need]:
    for right in rights:
        region = "" if SUBSCRIPTION in right.on else where.region
        place = Place(provider, where.account, region)
        notes = (right.note,) if right.note else ()
        base = Need(who, place, right.name, right.need, wanted_by=(path,), notes=notes)
        if provider != "aws":
            yield base
            continue
        if ITSELF in right.on:
            yield replace(base, place=replace(place, region=""), resources=(itself,))
            continue
        when = tuple(
            (operator, key, value.format(region=where.region))
            for operator, key, value in right.when
        )
        by_tag = _by_tag(where, right)
        plain = tuple(sorted(_arns(right, where, by_tag=bool(by_tag))))
        if plain or not by_tag:
            yield replace(base, resources=plain, conditions=when)
        if by_tag:
            yield replace(base, resources=(where.every,), conditions=(*when, *by_tag))


def _by_tag(where: Where, right: Permission) -> tuple[tuple[str, str, str], ...]:
    """Return the conditions on a target's tags, where a right may hang on them."""
    if TARGETS not in right.on or right.undoes or where.resources:
        return ()
    # In a policy "${" begins a variable; such a tag narrows nothing rather than the wrong thing.
    tags = where.tags
    if any("${" in key + value for key, value in tags.items()):
        return ()
    return tuple(("StringEquals", f"aws:ResourceTag/{key}", tags[key]) for key in sorted(tags))


def _arns(right: Permission, where: Where, *, by_tag: bool) -> Iterator[str]:
    for one in right.on:
        if one == TARGETS:
            if not by_tag:
                yield from where.resources or ((where.every,) if where.every else ())
        else:
            service, _, resource = one.partition(":")
            prefix = f"arn:{partition(where.region)}:{service}:{where.region}"
            yield f"{prefix}:{where.account}:{resource}"


def _in_cluster(rights: Iterable[Permission], cluster: str, path: str) -> Iterator[Need]:
    for right in rights:
        for namespace in right.on or ("",):
            yield Need(
                Who.EXPERIMENT,
                Place("kubernetes", cluster, namespace=namespace),
                right.name,
                right.need,
                wanted_by=(path,),
                notes=(right.note,) if right.note else (),
            )
