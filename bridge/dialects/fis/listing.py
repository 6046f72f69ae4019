"""What can be done, as ListActions and ListTargetResourceTypes show it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from bridge.dialects.fis import names
from bridge.model.scope import Scope

_DESCRIPTION: Final = 512
"""The service model's limit of a description, in characters."""


class ParameterEntry(Protocol):
    """A parameter as the catalogue knows it."""

    @property
    def description(self) -> str:
        """What it is for."""

    @property
    def required(self) -> bool:
        """Whether it must be given."""


class ActionEntry(Protocol):
    """An action as the catalogue knows it."""

    @property
    def name(self) -> str:
        """The id that strict AWS tooling accepts."""

    @property
    def description(self) -> str:
        """What it does."""

    @property
    def parameters(self) -> Mapping[str, ParameterEntry]:
        """Its parameters by name."""

    @property
    def targets(self) -> Mapping[str, str]:
        """Target key → resource type."""


class TargetTypeEntry(Protocol):
    """A resource type as the catalogue knows it."""

    @property
    def resource_type(self) -> str:
        """Its name."""

    @property
    def description(self) -> str:
        """What it is."""

    @property
    def parameters(self) -> Mapping[str, ParameterEntry]:
        """The parameters that a target of this type takes, by name."""


def render_action_entry(entry: ActionEntry, scope: Scope) -> dict[str, Any]:
    """Return the service model's ``Action``."""
    return {
        **render_action_summary(entry, scope),
        "parameters": _parameters(entry.parameters),
    }


def render_action_summary(entry: ActionEntry, scope: Scope) -> dict[str, Any]:
    """Return the service model's ``ActionSummary``."""
    return {
        "id": entry.name,
        "arn": names.arn(scope, names.ACTION, entry.name),
        **_description(entry.description),
        "targets": {key: {"resourceType": kind} for key, kind in entry.targets.items()},
        "tags": {},
    }


def render_target_type(entry: TargetTypeEntry) -> dict[str, Any]:
    """Return the service model's ``TargetResourceType``."""
    return {**render_target_type_summary(entry), "parameters": _parameters(entry.parameters)}


def render_target_type_summary(entry: TargetTypeEntry) -> dict[str, Any]:
    """Return the service model's ``TargetResourceTypeSummary``."""
    return {"resourceType": entry.resource_type, **_description(entry.description)}


def _parameters(parameters: Mapping[str, ParameterEntry]) -> dict[str, Any]:
    return {
        name: {**_description(parameter.description), "required": parameter.required}
        for name, parameter in parameters.items()
    }


def _description(text: str) -> dict[str, str]:
    return {"description": text[:_DESCRIPTION]} if text else {}
