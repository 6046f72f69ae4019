"""The action templates that an experiment template names, looked up in the store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bridge.api.native.judging import judged
from bridge.catalog.action_templates import references
from bridge.model.action_template import Reference

if TYPE_CHECKING:
    from bridge.api.bridge import Bridge
    from bridge.catalog import ActionEntry
    from bridge.dialects.fis import Parsed
    from bridge.model.action_template import ActionTemplateVersion
    from bridge.model.template import ExperimentTemplate

_PAGE = 100


async def examined(
    bridge: Bridge, parsed: Parsed, before: ExperimentTemplate | None = None
) -> Parsed:
    """Expand and judge a template that was read, with the action templates that the store has.

    ``before`` is what the template was, where it is changed: an action that names no version keeps
    the one that it was given then, so that a change of something else does not change what it does.
    """
    if parsed.template is None:
        return parsed
    stored = await _versions_named(bridge, parsed.template, before)
    # The largest document that is taken has specs for seconds: others are answered meanwhile.
    return await asyncio.to_thread(judged, bridge.catalog, parsed, parsed.template, stored)


async def _versions_named(
    bridge: Bridge, template: ExperimentTemplate, before: ExperimentTemplate | None
) -> dict[str, ActionTemplateVersion]:
    """Return the users' own action templates that a template's actions name, by action name."""
    found = {}
    for name, reference in references(template).items():
        pinned = _pinned(name, reference, before)
        version = await bridge.store.action_template(bridge.scope, pinned or reference)
        if version is not None:
            found[name] = version
    return found


def _pinned(name: str, reference: Reference, before: ExperimentTemplate | None) -> Reference | None:
    action = None if before is None else before.actions.get(name)
    if action is None or action.action_template is None or reference.version is not None:
        return None
    kept = Reference.parse(action.action_template)
    return kept if kept.name == reference.name else None


async def every_action(bridge: Bridge) -> list[ActionEntry]:
    """Return every action that a template can use, ordered by the id shown to strict tooling.

    Of each action template the newest version, users' own before built-in ones.
    """
    entries = {entry.name: entry for entry in bridge.catalog.actions}
    newest = {Reference.of_action(entry.id): entry for entry in bridge.catalog.built_in}
    templates = {key.name: entry for key, entry in newest.items() if key is not None}
    after = ""
    while True:
        page = await bridge.store.action_templates(bridge.scope, after=after, limit=_PAGE)
        for one in page:
            entry = bridge.catalog.action_template(one)
            if entry is not None:
                templates[one.template.name] = entry
        if len(page) < _PAGE:
            break
        after = page[-1].template.name
    entries |= {entry.name: entry for entry in templates.values()}
    return [entries[name] for name in sorted(entries)]


async def one_action(bridge: Bridge, action_id: str) -> ActionEntry | None:
    """Return an action or a version of an action template, by id or alias; None if absent."""
    try:
        reference = Reference.of_action(action_id)
    except ValueError:
        return None
    if reference is not None:
        version = await bridge.store.action_template(bridge.scope, reference)
        if version is not None:
            return bridge.catalog.action_template(version)
    return bridge.catalog.action(action_id)
