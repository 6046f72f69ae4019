"""What the catalogue shows of a fault and of a resource type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from providers.contract import Fault, Resolver


@dataclass(frozen=True)
class ParameterEntry:
    """A parameter: what it is for, and whether it must be given."""

    description: str
    required: bool


@dataclass(frozen=True)
class ActionEntry:
    """An action that can be used in a template."""

    id: str
    alias: str | None
    """What strict AWS tooling takes for an id that is not AWS's own; None for one that is."""
    description: str
    parameters: Mapping[str, ParameterEntry]
    targets: Mapping[str, str]
    """Target key → resource type."""
    fault: Fault
    """What carries it out; its class declares everything above, and the permissions."""

    @property
    def name(self) -> str:
        """The id that every tool accepts: the alias where there is one."""
        return self.alias or self.id


@dataclass(frozen=True)
class TargetTypeEntry:
    """A resource type that can be a target."""

    resource_type: str
    description: str
    parameters: Mapping[str, ParameterEntry]


def alias_of(action_id: str) -> str | None:
    """Return an action id's alias: ``gcp:compute:stop`` has ``aws:faultbridge:gcp/compute/stop``.

    Terraform accepts ``^aws:[0-9a-z-]+:[0-9A-Za-z/-]+$`` only; ids of AWS's own need no alias.
    """
    if action_id.startswith("aws:"):
        return None
    return "aws:faultbridge:" + action_id.replace(":", "/")


def canonical(action_id: str) -> str:
    """Return the id behind an alias; an id that is none stays as it is."""
    prefix = "aws:faultbridge:"
    if not action_id.startswith(prefix):
        return action_id
    return action_id.removeprefix(prefix).replace("/", ":")


def action_entry(fault: Fault) -> ActionEntry:
    """Read a fault's declaration."""
    return ActionEntry(
        id=fault.id,
        alias=alias_of(fault.id),
        description=fault.description(),
        parameters={
            field.alias or name: ParameterEntry(field.description or "", field.is_required())
            for name, field in fault.Parameters.model_fields.items()
        },
        targets={fault.target.key: fault.target.resource_type} if fault.target else {},
        fault=fault,
    )


def target_type_entry(resolver: Resolver) -> TargetTypeEntry:
    """Read a resolver's declaration."""
    return TargetTypeEntry(
        resource_type=resolver.resource_type,
        description=resolver.description,
        parameters={
            name: ParameterEntry(parameter.description, parameter.required)
            for name, parameter in resolver.parameters.items()
        },
    )
