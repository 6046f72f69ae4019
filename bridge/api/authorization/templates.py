"""What writing and starting a template asks for, in all that the template does.

Writing one asks for each of its actions and for its role, of whoever writes it: the whole of the
new template, not what was changed of it, so that nobody puts his own actions under a role that he
may not pass. Starting one asks for the template, as FIS does; what the starter is denied by name,
an action or the role, a template of others does not do for him either.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from bridge.api.authorization import resources
from bridge.api.authorization.access import Ask
from bridge.catalog.cloud_chaos import lowered
from bridge.catalog.entries import alias_of, canonical
from bridge.model.action_template import Reference
from bridge.model.problem import InvalidDocumentError
from iam.policy import DIGEST, PASSED_TO

if TYPE_CHECKING:
    from bridge.model.scope import Scope
    from bridge.model.template import ExperimentTemplate

_FIS: Final = "fis.amazonaws.com"
"""Whom the role is passed to: what its trust policy names too."""
_NOT_DIGESTED: Final = {"id", "scope", "tags", "document", "created_at", "updated_at"}


def digest(template: ExperimentTemplate) -> str:
    """Return what tells two contents of a template apart: whatever a run of it does, and as whom.

    Neither its id nor its tags nor when it was written.
    """
    content = template.model_dump(mode="json", exclude=_NOT_DIGESTED, exclude_defaults=True)
    canonical_text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(canonical_text.encode()).hexdigest()}"


def creating(template: ExperimentTemplate) -> list[Ask]:
    """Return what creating a template asks for."""
    name = "fis:CreateExperimentTemplate"
    arn = resources.template(template.scope, template.id)
    tags = template.tags
    asks = [Ask(name, arn, request_tags=tags), *_contents(name, template, request_tags=tags)]
    if tags:
        asks.append(Ask("fis:TagResource", arn, request_tags=tags))
    return asks


def updating(before: ExperimentTemplate, after: ExperimentTemplate) -> list[Ask]:
    """Return what updating a template asks for."""
    name = "fis:UpdateExperimentTemplate"
    arn = resources.template(after.scope, after.id)
    return [Ask(name, arn, tags=before.tags), *_contents(name, after)]


def starting(
    template: ExperimentTemplate, experiment_id: str, tags: Mapping[str, str]
) -> list[Ask]:
    """Return what starting a run of a template asks for."""
    name, scope = "fis:StartExperiment", template.scope
    run = resources.experiment(scope, experiment_id)
    asks = [
        Ask(
            name,
            resources.template(scope, template.id),
            tags=template.tags,
            request_tags=tags,
            context={DIGEST.lower(): (digest(template),)},
        ),
        Ask(name, run, request_tags=tags),
    ]
    if tags:
        asks.append(Ask("fis:TagResource", run, request_tags=tags))
    asks += [replace(one, unless_denied=True) for one in _actions(name, template)]
    asks.append(passing(template, unless_denied=True))
    return asks


def _contents(
    name: str, template: ExperimentTemplate, *, request_tags: Mapping[str, str] | None = None
) -> Iterator[Ask]:
    for ask in _actions(name, template):
        yield replace(ask, request_tags=request_tags or {})
    yield passing(template)


def _actions(name: str, template: ExperimentTemplate) -> list[Ask]:
    """Return what is asked for each action: by all its names, as written and as it is run."""
    run = _as_run(template)
    found: dict[tuple[str, bool], Ask] = {}
    for key, action in template.actions.items():
        asks = []
        made_from = action.action_template
        if made_from is not None:
            action_id = Reference.parse(made_from).action_id
            asks.append(asked_of_action(name, template.scope, action_id))
        # What an action template comes to is its author's business, but for an explicit Deny.
        # What a custom resource comes to that the bridge carries out itself is the writer's.
        for action_id in dict.fromkeys((action.action_id, run.actions[key].action_id)):
            ask = asked_of_action(name, template.scope, action_id)
            asks.append(replace(ask, unless_denied=made_from is not None))
        for ask in asks:
            found.setdefault((ask.resource, ask.unless_denied), ask)
    return list(found.values())


def _as_run(template: ExperimentTemplate) -> ExperimentTemplate:
    try:
        return lowered(template)
    except InvalidDocumentError:
        return template  # the catalogue refuses it, whoever writes or starts it


def names_of_action(action_id: str) -> tuple[str, ...]:
    """Return every name that a policy may have an action by.

    Of an action template it may name a version, or all.
    """
    try:
        reference = Reference.of_action(action_id)
    except ValueError:
        return (action_id,)
    if reference is not None:
        every = Reference(reference.name)
        return (reference.alias, reference.action_id, every.alias, every.action_id)
    plain = canonical(action_id)
    return tuple(filter(None, (alias_of(plain), plain)))


def asked_of_action(name: str, scope: Scope, action_id: str) -> Ask:
    """Return what is asked for an action, by all its names."""
    first, *others = (resources.action(scope, one) for one in names_of_action(action_id))
    return Ask(name, first, tuple(others))


def passing(template: ExperimentTemplate, *, unless_denied: bool = False) -> Ask:
    """Return what letting the bridge act as a template's role asks for."""
    return Ask(
        "iam:PassRole",
        template.identity,
        context={PASSED_TO.lower(): (_FIS,)},
        unless_denied=unless_denied,
    )
