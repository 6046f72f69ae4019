"""The parameters that an action template declares: names, bounds that fit the type, a default."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import ValidationError

from bridge.catalog.action_templates.values import pattern_complaint, read_length, read_value
from bridge.model.action_template import PARAMETER_NAME, ParameterType, TemplateParameter
from bridge.model.problem import Problem
from bridge.model.wording import child, quote, quoted_list

MOST_VALUES: Final = 50
LONGEST_VALUE: Final = 256

_BOUNDS: Final = ("minimum", "maximum")
_BOUNDED: Final = (ParameterType.INTEGER, ParameterType.DURATION, ParameterType.PERCENTAGE)
_OF_TYPES: Final[Mapping[str, tuple[ParameterType, ...]]] = {
    "minimum": _BOUNDED,
    "maximum": _BOUNDED,
    "minLength": (ParameterType.STRING,),
    "maxLength": (ParameterType.STRING,),
    "pattern": (ParameterType.STRING,),
    "example": (ParameterType.STRING,),
    "values": (ParameterType.ENUM,),
}
"""Which types a member belongs to."""
RESERVED: Final = ("maxDuration", "carriedOutBy")
"""What an action that uses a template takes besides its parameters."""


def declaration_problems(declared: Mapping[str, Any], path: str) -> Iterator[Problem]:
    """Yield what is wrong with declarations whose members are of the right JSON types."""
    for name, members in declared.items():
        where = child(path, name)
        if not PARAMETER_NAME.fullmatch(name):
            message = (
                f"{quote(name)} is not the name of a parameter; write letters and digits, "
                'beginning with a lower-case letter, such as "latency"'
            )
            yield Problem(where, message)
        elif name in RESERVED:
            message = f"every action takes a parameter {quote(name)} already; choose another name"
            yield Problem(where, message)
        given = {key: member for key, member in members.items() if member is not None}
        yield from _of_one(given, where)


def _of_one(members: Mapping[str, Any], path: str) -> Iterator[Problem]:
    kind = ParameterType(members["type"])
    foreign = [key for key, types in _OF_TYPES.items() if key in members and kind not in types]
    for key in foreign:
        message = f"is for the type {quoted_list(_OF_TYPES[key])}, not {kind}; remove it"
        yield Problem(child(path, key), message)
    found = [*_values(kind, members, path), *_bounds(kind, members, path)]
    yield from found
    if foreign or found:
        return
    for key in ("default", "example"):
        if key in members:
            yield from _fits(members, key, path)


def _fits(members: Mapping[str, Any], key: str, path: str) -> Iterator[Problem]:
    """Yield why the default, or the example, is no value of its own parameter."""
    bare = {name: member for name, member in members.items() if name not in ("default", "example")}
    try:
        read_value(TemplateParameter.model_validate(bare), members[key])
    except ValidationError:  # its members were looked at before
        yield Problem(path, "cannot be read; write it like the examples of the documentation")
    except ValueError as error:
        yield Problem(child(path, key), str(error))


def _values(kind: ParameterType, members: Mapping[str, Any], path: str) -> Iterator[Problem]:
    if kind is not ParameterType.ENUM:
        return
    where = child(path, "values")
    values = members.get("values")
    if values is None:
        yield Problem(where, "is required for the type enum; list what it may be")
    elif not isinstance(values, list) or not values:
        yield Problem(where, 'is no list of texts; write it like ["to", "from", "both"]')
    elif len(values) > MOST_VALUES:
        yield Problem(where, f"has {len(values)} items; list at most {MOST_VALUES}")
    else:
        for index, value in enumerate(values):
            if not isinstance(value, str):
                yield Problem(child(where, index), "is not a text; put it in double quotes")
            elif not 0 < len(value) <= LONGEST_VALUE:
                message = f"has {len(value)} characters; write 1 to {LONGEST_VALUE}"
                yield Problem(child(where, index), message)
            elif values.index(value) < index:
                yield Problem(child(where, index), f"{quote(value)} stands twice; keep one")


def _bounds(kind: ParameterType, members: Mapping[str, Any], path: str) -> Iterator[Problem]:
    if kind in _BOUNDED:
        ends = []
        for key in _BOUNDS:
            if key not in members:
                continue
            try:
                if kind is ParameterType.DURATION:
                    ends.append(read_length(members[key]).total_seconds())
                else:
                    # A bound is a value itself, of a parameter that has no other bounds.
                    free = TemplateParameter(type=kind)
                    ends.append(float(int(str(read_value(free, _number(members[key]))))))
            except ValueError as error:
                yield Problem(child(path, key), str(error))
        if len(ends) == len(_BOUNDS) and ends[0] > ends[1]:
            yield Problem(child(path, "minimum"), "is more than maximum; change one of them")
    if kind is ParameterType.STRING:
        least, most = members.get("minLength"), members.get("maxLength")
        if least is not None and most is not None and least > most:
            yield Problem(child(path, "minLength"), "is more than maxLength; change one of them")
        pattern = members.get("pattern")
        complaint = None if pattern is None else pattern_complaint(pattern)
        if complaint:
            yield Problem(child(path, "pattern"), complaint)


def _number(bound: Any) -> Any:
    """A bound is a number in JSON: what is written as text is refused, as the types say."""
    if isinstance(bound, str):
        raise ValueError("is a text; write digits without quotes")  # noqa: TRY004 - as the other complaints
    return bound
