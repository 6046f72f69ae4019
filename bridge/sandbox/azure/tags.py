r"""Microsoft.Resources/tags: the tags of any resource, without writing the resource itself.

"Use tags to organize your Azure resources", Limitations: 50 tags a resource, 512 characters a
name, 256 a value, no ``<>%&\?/`` in a name; names are case-insensitive, values are not.
"""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Response

from bridge.sandbox.azure.errors import ArmError, answer
from bridge.sandbox.azure.request import ArmRequest, Route
from bridge.sandbox.azure.subscription import Resource, Subscription

_MOST, _LONGEST_NAME, _LONGEST_VALUE = 50, 512, 256
_RESERVED = frozenset("<>%&\\?/")
_TAGS = "/{scope}/providers/Microsoft.Resources/tags/default"
_RIGHT = "Microsoft.Resources/tags"


def refuse_bad_tags(tags: dict[str, Any]) -> None:
    """Refuse tags beyond the documented limits. Raises ``ArmError``."""
    if len(tags) > _MOST:
        message = f"The number of tags {len(tags)} exceeds the limit of {_MOST} tags."
        raise ArmError("InvalidTags", message)
    for name, value in tags.items():
        if not name or _RESERVED & set(name):
            message = (
                f"The tag name '{name}' cannot have reserved characters '<,>,%,&,\\,?,/' or "
                "control characters."
            )
            raise ArmError("InvalidTagNameCharacters", message)
        if len(name) > _LONGEST_NAME or not isinstance(value, str) or len(value) > _LONGEST_VALUE:
            message = (
                f"Tag '{name[:_LONGEST_NAME]}': a name has at most {_LONGEST_NAME} characters, a "
                f"value is text of at most {_LONGEST_VALUE}."
            )
            raise ArmError("InvalidTag", message)


def merged(present: dict[str, str], given: dict[str, str]) -> dict[str, str]:
    """Answer tags with others put over them, whatever the case of their names."""
    spelled = {name.lower(): name for name in present}
    result = dict(present)
    for name, value in given.items():
        result[spelled.get(name.lower(), name)] = value
    return result


def without(present: dict[str, str], given: dict[str, str]) -> dict[str, str]:
    """Answer tags without others: by name where the value is empty, else by name and value."""
    gone = {name.lower(): value for name, value in given.items()}
    return {
        name: value
        for name, value in present.items()
        if name.lower() not in gone or gone[name.lower()] not in ("", value)
    }


def _scope(subscription: Subscription, asked: ArmRequest) -> Resource:
    return subscription.get(f"/{asked.parameters['scope'].strip('/')}")


def _written(resource: Resource) -> dict[str, Any]:
    return {
        "id": f"{resource.id}/providers/Microsoft.Resources/tags/default",
        "name": "default",
        "type": "Microsoft.Resources/tags",
        "properties": {"tags": dict(resource.body.get("tags") or {})},
    }


def _get(subscription: Subscription, asked: ArmRequest) -> Response:
    return answer(_written(_scope(subscription, asked)))


def _update(subscription: Subscription, asked: ArmRequest) -> Response:
    """Merge, replace or delete tags (Tags_UpdateAtScope)."""
    resource, body = _scope(subscription, asked), asked.body
    present: dict[str, str] = dict(resource.body.get("tags") or {})
    given = (body.get("properties") or {}).get("tags") or {}
    refuse_bad_tags(given)
    match str(body.get("operation")).lower():
        case "merge":
            wanted = merged(present, given)
        case "replace":
            wanted = dict(given)
        case "delete":
            wanted = without(present, given)
        case other:
            message = f"The tags operation '{other}' is not one of Merge, Replace, Delete."
            raise ArmError("InvalidTagsOperation", message)
    refuse_bad_tags(wanted)
    resource.body["tags"] = wanted
    return answer(_written(resource))


def _of_the_scope(asked: ArmRequest) -> tuple[str, ...]:
    return (f"/{asked.parameters['scope'].strip('/')}",)


ROUTES = (
    Route("GET", _TAGS, "Tags_GetAtScope", f"{_RIGHT}/read", _get, names=_of_the_scope),
    Route("PATCH", _TAGS, "Tags_UpdateAtScope", f"{_RIGHT}/write", _update, names=_of_the_scope),
)
