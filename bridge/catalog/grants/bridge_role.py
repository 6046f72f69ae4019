"""The policy of the bridge's own role, where a CloudFormation stack makes it.

It holds what faults and stop sources declare that the reader needs, whichever template comes, and
the right to assume the experiments' roles: what breaks things is theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from bridge.catalog.catalog import Catalog
from bridge.catalog.grants.iam import policies
from bridge.catalog.needs import ASSUMING, Need, Place, Who, merged
from bridge.model.scope import Scope
from bridge.model.template import TemplateTarget
from providers import registry
from providers.contract import TARGETS, Fault, Permission

_HERE: Final = Scope(cloud="aws", account="000000000000", region="us-east-1")
"""Stands for the stack's account, and for any Region of it."""
_ROLES: Final = "the experiments' roles"


def bridge_policy(catalog: Catalog, roles: Any) -> dict[str, Any]:
    """Return the policy document; ``roles`` are the experiments', as CloudFormation has them.

    Raises ValueError where it does not fit into one managed policy.
    """
    needs = merged([*_of_faults(catalog), *_of_stop_sources(), _assuming()])
    found = policies(needs)
    if len(found) != 1:
        raise ValueError("the bridge's own rights do not fit into one managed policy any more")
    (document, _), *_ = found
    for statement in document["Statement"]:
        named = statement["Resource"]
        if named == [_ROLES]:
            statement["Resource"] = roles
        elif named != "*":
            statement["Resource"] = [{"Fn::Sub": _of_the_stack(arn)} for arn in named]
    return document


def _of_faults(catalog: Catalog) -> Iterator[Need]:
    for name in registry.FAULTS:
        fault = catalog.fault(name)
        for right in fault.reader_permissions:
            if fault.provider in {"aws", "kubernetes"}:
                yield _need(right, f"actions.{name}", _targets(fault, catalog))


def _targets(fault: Fault, catalog: Catalog) -> tuple[str, ...]:
    if fault.target is None:
        return ()
    kind = fault.target.resource_type
    places = catalog.resolver(kind).where(TemplateTarget(resource_type=kind), _HERE)
    return tuple(one.every for one in places if one.every)


def _of_stop_sources() -> Iterator[Need]:
    for name in registry.STOP_SOURCES:
        source = registry.stop_source(name)
        if source.provider == "aws":
            for right in source.permissions:
                yield _need(right, f"stopConditions.{name}", ())


def _need(right: Permission, path: str, targets: tuple[str, ...]) -> Need:
    resources = targets if right.on == (TARGETS,) else ()
    place = Place("aws", _HERE.account)
    return Need(Who.READER, place, right.name, right.need, resources, wanted_by=(path,))


def _assuming() -> Need:
    return Need(Who.READER, Place("aws", _HERE.account), ASSUMING, resources=(_ROLES,))


def _of_the_stack(arn: str) -> str:
    _, _, service, _, _, resource = arn.split(":", 5)
    return f"arn:${{AWS::Partition}}:{service}:*:${{AWS::AccountId}}:{resource}"
