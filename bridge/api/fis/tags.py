"""Tags of templates and experiments, by ARN.

Tagging and untagging answer 204 without a body, as recordings of the real service show, though
its model says 200; the AWS SDKs accept both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bridge.api.bridge import Bridge
from bridge.api.fis.experiments import find_experiment
from bridge.api.fis.templates import find_template
from bridge.dialects.fis import names
from bridge.dialects.fis.errors import NotFoundError, ValidationError
from bridge.dialects.fis.tags import reserved_tag_problems, with_tags
from bridge.model.wording import quote

Change = Callable[[Mapping[str, str]], dict[str, str]]


async def list_tags(bridge: Bridge, members: Mapping[str, Any]) -> dict[str, Any]:
    """Show the tags of a template, an experiment or an action (which never has any)."""
    name = _named(bridge, members["resourceArn"])
    if name.kind == names.TEMPLATE:
        return {"tags": (await find_template(bridge, name.id)).tags}
    if name.kind == names.EXPERIMENT:
        return {"tags": (await find_experiment(bridge, name.id)).tags}
    return {"tags": {}}


async def tag_resource(bridge: Bridge, members: Mapping[str, Any]) -> None:
    """Add tags, or replace the values of those that are there."""
    added: dict[str, str] = members["tags"]
    if reserved := list(reserved_tag_problems(added)):
        raise ValidationError.of(reserved)
    await _change(bridge, members["resourceArn"], lambda before: with_tags(before, added))


async def untag_resource(bridge: Bridge, members: Mapping[str, Any]) -> None:
    """Remove tags by key; one that is not there is no error."""
    keys = frozenset(members.get("tagKeys", ()))
    await _change(
        bridge,
        members["resourceArn"],
        lambda before: {key: value for key, value in before.items() if key not in keys},
    )


async def _change(bridge: Bridge, resource_arn: str, change: Change) -> None:
    name = _named(bridge, resource_arn)
    try:
        # Somebody else may tag at the same time: then this change goes on top of that.
        while not await _change_once(bridge, name, change):
            pass
    except ValueError as error:
        raise ValidationError(f"tags: {error}") from None


async def _change_once(bridge: Bridge, name: names.Name, change: Change) -> bool:
    if name.kind == names.TEMPLATE:
        template = await find_template(bridge, name.id)
        tagged = template.model_copy(update={"tags": change(template.tags)})
        return await bridge.store.update_template(tagged, before=template)
    if name.kind == names.EXPERIMENT:
        experiment = await find_experiment(bridge, name.id)
        return await bridge.store.set_experiment_tags(experiment, change(experiment.tags))
    msg = "the bridge's actions cannot be tagged; tag a template or an experiment"
    raise ValidationError(f"resourceArn: {msg}")


def _named(bridge: Bridge, resource_arn: str) -> names.Name:
    name = names.parse_arn(bridge.scope, resource_arn)
    if name is None or (name.kind == names.ACTION and bridge.catalog.action(name.id) is None):
        shown = names.arn(bridge.scope, names.TEMPLATE, "EXT…")
        raise NotFoundError(
            f"resourceArn: {quote(resource_arn)} is not among the resources of this account and "
            f"Region; write an ARN such as {shown}"
        )
    return name
