"""The actions of an experiment template that name action templates, expanded together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.catalog.action_templates.built_in import built_in, built_ins
from bridge.catalog.action_templates.expansion import Expanded, at_author, expand
from bridge.model.action_template import ActionTemplateVersion, Reference
from bridge.model.problem import Problem
from bridge.model.template import ExperimentTemplate, TemplateAction
from bridge.model.wording import child, quote, suggestion

_MANY = "GET /v1/action-templates and `faultbridge action-templates list` show those that exist"


@dataclass(frozen=True)
class Expansion:
    """An experiment template whose actions can be carried out, and how they came about."""

    template: ExperimentTemplate
    problems: list[Problem] = field(default_factory=list)
    expanded: Mapping[str, Expanded] = field(default_factory=dict)
    """Action name → what it became."""
    refused: frozenset[str] = frozenset()
    """Actions that could not be expanded; ``problems`` says why."""

    def told(self, problem: Problem) -> Problem | None:
        """Return a problem of the expanded template in terms of what the author wrote.

        None for one of an action that was not expanded, which is unknown to whoever found it.
        """
        for name in self.refused:
            if problem.path == child(child("actions", name), "actionId"):
                return None
        for name, action in self.template.actions.items():
            path = child("actions", name)
            if action.action_template is None or not problem.path.startswith(f"{path}."):
                continue
            stored = Expanded(action, _UNKNOWN, {})
            return at_author(problem, path, self.expanded.get(name, stored))
        return problem


_UNKNOWN = TemplateAction(action_id="")
"""What is known of the author's words where only the expanded action was kept."""


def references(template: ExperimentTemplate) -> dict[str, Reference]:
    """Return which actions name which action templates; those that name wrongly are left out."""
    found = {}
    for name, action in template.actions.items():
        try:
            reference = Reference.of_action(action.action_id)
        except ValueError:
            continue
        if reference is not None:
            found[name] = reference
    return found


def expand_all(
    template: ExperimentTemplate, stored: Mapping[str, ActionTemplateVersion]
) -> Expansion:
    """Expand every action that names an action template.

    ``stored`` are the users' own templates, by the name of the action that names them; they come
    before built-in ones.
    """
    actions = dict(template.actions)
    problems: list[Problem] = []
    made: dict[str, Expanded] = {}
    refused: set[str] = set()
    for name, action in template.actions.items():
        path = child("actions", name)
        try:
            reference = Reference.of_action(action.action_id)
        except ValueError as error:
            problems.append(Problem(child(path, "actionId"), str(error)))
            refused.add(name)
            continue
        if reference is None:
            continue
        version = stored.get(name) or built_in(reference)
        if version is None:
            problems.append(Problem(child(path, "actionId"), _absent(reference)))
            refused.add(name)
            continue
        expanded, found = expand(action, version, path)
        problems += found
        if expanded is None:
            refused.add(name)
        else:
            made[name] = expanded
            actions[name] = expanded.action
    if made:
        template = template.model_copy(update={"actions": actions})
    return Expansion(template, problems, made, frozenset(refused))


def _absent(reference: Reference) -> str:
    known = built_ins().get(reference.name)
    if known is not None:
        newest = known.newest.reference.action_id
        return f"there is no version {reference.version} of it; write {quote(newest)}"
    mend = suggestion(reference.name, built_ins(), _MANY)
    return f"there is no action template {quote(str(reference))}; {mend}"
