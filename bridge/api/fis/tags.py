"""Tags of templates and experiments, by ARN.

Tagging and untagging answer 204 without a body, as recordings of the real service show, though
its model says 200; the AWS SDKs accept both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bridge.api.action_templates import one_action
from bridge.api.authorization import Access, Ask
from bridge.api.bridge import Bridge
from bridge.dialects.fis import names
from bridge.dialects.fis.errors import NotFoundError, ValidationError
from bridge.dialects.fis.tags import reserved_tag_problems, with_tags
from bridge.model.experiment import Experiment
from bridge.model.template import ExperimentTemplate
from bridge.model.wording import quote

Change = Callable[[Mapping[str, str]], dict[str, str]]


async def list_tags(bridge: Bridge, access: Access, members: Mapping[str, Any]) -> dict[str, Any]:
    """Show the tags of a template, an experiment or an action (which never has any)."""
    found = await _found(bridge, access, Ask("fis:ListTagsForResource", members["resourceArn"]))
    return {"tags": {} if found is None else found.tags}


async def tag_resource(bridge: Bridge, access: Access, members: Mapping[str, Any]) -> None:
    """Add tags, or replace the values of those that are there."""
    added: dict[str, str] = members["tags"]
    ask = Ask("fis:TagResource", members["resourceArn"], request_tags=added)
    if reserved := list(reserved_tag_problems(added)):
        raise ValidationError.of(reserved)
    await _change(bridge, access, ask, lambda before: with_tags(before, added))


async def untag_resource(bridge: Bridge, access: Access, members: Mapping[str, Any]) -> None:
    """Remove tags by key; one that is not there is no error."""
    keys = tuple(members.get("tagKeys", ()))
    await _change(
        bridge,
        access,
        Ask("fis:UntagResource", members["resourceArn"], tag_keys=keys),
        lambda before: {key: value for key, value in before.items() if key not in keys},
    )


async def _change(bridge: Bridge, access: Access, ask: Ask, change: Change) -> None:
    try:
        # Somebody else may tag at the same time: then this change goes on top of that.
        while not await _change_once(bridge, await _found(bridge, access, ask), change):
            pass
    except ValueError as error:
        raise ValidationError(f"tags: {error}") from None


async def _change_once(
    bridge: Bridge, found: ExperimentTemplate | Experiment | None, change: Change
) -> bool:
    if isinstance(found, ExperimentTemplate):
        tagged = found.model_copy(update={"tags": change(found.tags)})
        return await bridge.store.update_template(tagged, before=found)
    if isinstance(found, Experiment):
        return await bridge.store.set_experiment_tags(found, change(found.tags))
    msg = "the bridge's actions cannot be tagged; tag a template or an experiment"
    raise ValidationError(f"resourceArn: {msg}")


async def _found(
    bridge: Bridge, access: Access, ask: Ask
) -> ExperimentTemplate | Experiment | None:
    """Return what an ARN names, None for an action, if what is asked on it is allowed.

    Raises AccessError before it tells whether there is such a resource, and NotFoundError.
    """
    name = names.parse_arn(bridge.scope, ask.resource)
    found: ExperimentTemplate | Experiment | None = None
    if name is not None and name.kind == names.TEMPLATE:
        found = await bridge.store.template(bridge.scope, name.id)
    elif name is not None and name.kind == names.EXPERIMENT:
        found = await bridge.store.experiment(bridge.scope, name.id)
    await access.require(replace(ask, tags={} if found is None else found.tags))
    if found is not None:
        return found
    if name is None or name.kind != names.ACTION or await one_action(bridge, name.id) is None:
        shown = names.arn(bridge.scope, names.TEMPLATE, "EXT…")
        raise NotFoundError(
            f"resourceArn: {quote(ask.resource)} is not among the resources of this account and "
            f"Region; write an ARN such as {shown}"
        )
    return None
