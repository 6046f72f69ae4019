"""The limits of FIS's requests as JSON Schema, for the description of the interface."""

from __future__ import annotations

from typing import Any, Final, assert_never

from bridge.dialects.fis.shapes import (
    ANYTHING,
    NOT_BLANK,
    NOT_EMPTY,
    Anything,
    Entries,
    Items,
    Refused,
    Shape,
    Structure,
    Text,
    Whole,
)

Schema = dict[str, Any]

_NOT_EMPTY: Final = (NOT_BLANK, NOT_EMPTY)
"""Patterns that are said by a length: a blank text is refused too, but few tools write one."""


def schema_of(  # noqa: PLR0911 - one for each kind of value
    shape: Shape, *, without: frozenset[str] = frozenset()
) -> Schema:
    """Return a JSON Schema (draft 2020-12) of a shape.

    ``without`` are members of a structure that stand elsewhere in a request, in its path or query.
    Members that the bridge refuses by name are left out.
    """
    match shape:
        case Text():
            return _text(shape)
        case Whole():
            return _without_none(type="integer", minimum=shape.least, maximum=shape.most)
        case Items():
            return _without_none(type="array", items=schema_of(shape.item), maxItems=shape.most)
        case Entries():
            return _without_none(
                type="object",
                propertyNames=_text(shape.key),
                properties={name: _text(one) for name, one in shape.exceptions.items()} or None,
                additionalProperties=schema_of(shape.value),
                maxProperties=shape.most,
            )
        case Structure():
            members = {
                name: schema_of(member)
                for name, member in shape.members.items()
                if name not in without and not isinstance(member, Refused)
            }
            return _without_none(
                type="object",
                properties=members,
                required=sorted(shape.required & set(members)) or None,
                additionalProperties=False,
            )
        case Refused():
            return {"not": {}}
        case Anything():
            return {}
        case _:
            assert_never(shape)


def _text(shape: Text) -> Schema:
    if shape.choices:
        return {
            "type": "string",
            "enum": [one for one in shape.choices if one not in shape.refused],
        }
    least = max(shape.least, 1) if shape.pattern in _NOT_EMPTY else shape.least
    return _without_none(
        type="string",
        minLength=least or None,
        maxLength=shape.most,
        pattern=None if shape.pattern in (ANYTHING, *_NOT_EMPTY) else shape.pattern,
        examples=[shape.example] if shape.example else None,
    )


def _without_none(**members: Any) -> Schema:
    return {name: value for name, value in members.items() if value is not None}
