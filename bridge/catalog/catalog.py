"""The catalogue: every action and resource type that a template can use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from itertools import chain, islice
from typing import Final, TypeVar

from bridge.catalog.action_templates import (
    Expansion,
    action_template_entry,
    built_in,
    built_ins,
    expand_all,
)
from bridge.catalog.entries import (
    ActionEntry,
    TargetTypeEntry,
    action_entry,
    canonical,
    target_type_entry,
)
from bridge.catalog.parameters import read_parameters
from bridge.catalog.validation import template_problems
from bridge.model.action_template import ActionTemplateVersion, Reference
from bridge.model.problem import InvalidDocumentError, Problem
from bridge.model.template import ExperimentTemplate, TemplateAction
from bridge.settings import Settings
from providers import registry
from providers.contract import Fault, FaultParameters, Resolver, StopSource

T = TypeVar("T")

MOST_PROBLEMS: Final = 50
"""Problems looked for in one template; a reader mends the first few and comes back."""


class Catalog:
    """What can be done, collected from what the providers declare.

    An entry's class is imported when it is first asked for; that imports no cloud's SDK.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        faults: Mapping[str, Fault] | None = None,
        resolvers: Mapping[str, Resolver] | None = None,
        stop_sources: Mapping[str, StopSource] | None = None,
    ) -> None:
        """Take the registry's entries, or those that are given instead."""
        if faults is None:
            faults = _Registered(registry.FAULTS, registry.fault)
        if resolvers is None:
            resolvers = _Registered(registry.RESOLVERS, registry.resolver)
        if stop_sources is None:
            stop_sources = _Registered(registry.STOP_SOURCES, registry.stop_source)
        self._settings = settings
        self._faults = _ByAlias(faults)
        self._resolvers = resolvers
        self._stop_sources = stop_sources

    @cached_property
    def actions(self) -> tuple[ActionEntry, ...]:
        """Every action, ordered by the id that is shown to strict tooling."""
        entries = (action_entry(fault) for fault in self._faults.values())
        return tuple(sorted(entries, key=lambda entry: entry.name))

    def action(self, action_id: str) -> ActionEntry | None:
        """Return an action, or a built-in action template, by id or alias; None if there is none.

        Users' own action templates are in the store, not here.
        """
        fault = self._faults.get(action_id)
        if fault is not None:
            return action_entry(fault)
        try:
            reference = Reference.of_action(action_id)
        except ValueError:
            return None
        version = None if reference is None else built_in(reference)
        return None if version is None else self.action_template(version)

    @cached_property
    def target_types(self) -> tuple[TargetTypeEntry, ...]:
        """Every resource type, ordered by name."""
        entries = (target_type_entry(resolver) for resolver in self._resolvers.values())
        return tuple(sorted(entries, key=lambda entry: entry.resource_type))

    def target_type(self, resource_type: str) -> TargetTypeEntry | None:
        """Return a resource type by name, or None."""
        resolver = self._resolvers.get(resource_type)
        return None if resolver is None else target_type_entry(resolver)

    def fault(self, action_id: str) -> Fault:
        """Return what carries an action out, by id or alias. Raises KeyError if there is none."""
        return self._faults[action_id]

    def resolver(self, resource_type: str) -> Resolver:
        """Return what finds the resources of a type. Raises KeyError if there is none."""
        return self._resolvers[resource_type]

    def stop_source(self, source: str) -> StopSource:
        """Return the reader of a stop condition's source. Raises KeyError if there is none."""
        return self._stop_sources[source]

    def parameters_of(self, action: TemplateAction) -> FaultParameters:
        """Return an action's parameters in its fault's types.

        Raises KeyError for an unknown action, InvalidDocumentError where they do not fit; neither
        happens with a template that `validate` passed. Bounds that are settings do not apply:
        a stored template stays readable when they change.
        """
        parameters, problems = read_parameters(
            self.fault(action.action_id), action.parameters, "parameters"
        )
        if parameters is None or problems:
            raise InvalidDocumentError(problems)
        return parameters

    def validate(self, template: ExperimentTemplate) -> list[Problem]:
        """Return what is wrong with a template, errors and warnings; at most fifty.

        Its actions have been expanded before: one that still names an action template is refused.
        """
        return self._judged(Expansion(template))

    def examine(
        self,
        template: ExperimentTemplate,
        stored: Mapping[str, ActionTemplateVersion] | None = None,
    ) -> tuple[ExperimentTemplate, list[Problem]]:
        """Expand the actions that name action templates, and return what is wrong with the whole.

        ``stored`` are the users' own action templates, by the name of the action that names them.
        """
        expansion = expand_all(template, stored or {})
        return expansion.template, self._judged(expansion)

    def action_template(self, version: ActionTemplateVersion) -> ActionEntry | None:
        """Return an action template as an action; None where this bridge cannot carry it out."""
        return action_template_entry(version, self._faults)

    @cached_property
    def built_in(self) -> tuple[ActionEntry, ...]:
        """The newest version of each built-in action template."""
        entries = (self.action_template(one.newest) for one in built_ins().values())
        return tuple(entry for entry in entries if entry is not None)

    def _judged(self, expansion: Expansion) -> list[Problem]:
        found = template_problems(
            expansion.template,
            faults=self._faults,
            resolvers=self._resolvers,
            stop_sources=self._stop_sources,
            settings=self._settings,
        )
        told = (expansion.told(problem) for problem in found)
        known = (problem for problem in told if problem is not None)
        return list(islice(chain(expansion.problems, known), MOST_PROBLEMS))


class _Registered(Mapping[str, T]):
    """A part of the registry as a mapping that loads what is asked for."""

    def __init__(self, names: Mapping[str, str], load: Callable[[str], T]) -> None:
        self._names = names
        self._load = load

    def __getitem__(self, name: str) -> T:
        if name not in self._names:
            raise KeyError(name)
        return self._load(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class _ByAlias(Mapping[str, Fault]):
    """Faults by id, found by alias too."""

    def __init__(self, faults: Mapping[str, Fault]) -> None:
        self._faults = faults

    def __getitem__(self, name: str) -> Fault:
        return self._faults[canonical(name)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._faults)

    def __len__(self) -> int:
        return len(self._faults)
