"""Placeholders in the texts of a document: ``{{ name }}`` stands for a parameter's value.

Values are put into texts, never into keys, and what has been put in is not looked at again: no
value can add a member, an item or another placeholder. ``{{ "{{" }}`` writes two braces.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bridge.model.problem import Problem
from bridge.model.wording import child, quote, quoted_list, suggestion

Value = str | int | dict[str, str]
"""A parameter's value: a text, a whole number, or a label selector."""
Steps = tuple[str | int, ...]
"""Keys and indexes that lead to a field."""

_OPEN: Final = "{{"
_LITERAL: Final = '"{{"'
_PLACEHOLDER: Final = re.compile(r'\{\{ *([A-Za-z][A-Za-z0-9_-]{0,63}|"\{\{") *\}\}', re.ASCII)
_FORM: Final = 'write {{ name }}, or {{ "{{" }} for two braces'


@dataclass(frozen=True)
class Filled:
    """A document with its values, and where they went."""

    value: Any
    origins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """JSON path → names of the parameters whose values stand there."""


def names_in(text: str) -> list[str]:
    """Return the parameters that a text names, in order."""
    return [name for name in _PLACEHOLDER.findall(text) if name != _LITERAL]


def sole_name(text: str) -> str | None:
    """Return the parameter that a text wholly is, or None."""
    match = _PLACEHOLDER.fullmatch(text)
    return match[1] if match and match[1] != _LITERAL else None


def texts(value: Any, path: str) -> Iterator[tuple[str, str, bool]]:
    """Yield path and text of every text in a document, and whether it is a key, in order."""
    waiting: list[tuple[Any, str, bool]] = [(value, path, False)]
    while waiting:
        item, where, is_key = waiting.pop()
        if isinstance(item, str):
            yield where, item, is_key
        elif isinstance(item, dict):
            for key, member in reversed(item.items()):
                below = child(where, key)
                waiting += [(member, below, False), (key, below, True)]
        elif isinstance(item, list):
            waiting += [
                (item[index], child(where, index), False) for index in reversed(range(len(item)))
            ]


def placeholder_problems(
    value: Any, path: str, scalars: Collection[str], objects: Collection[str]
) -> Iterator[Problem]:
    """Yield what is wrong with the placeholders of a document.

    ``scalars`` and ``objects`` are the names of the parameters; a value of the latter is an object
    and stands by itself only.
    """
    known = [*scalars, *objects]
    for where, text, is_key in texts(value, path):
        if _OPEN not in text:
            continue
        if is_key:
            message = "a key takes no placeholder; write the key out, and placeholders in values"
            yield Problem(path=where, message=message)
            continue
        if _OPEN in _PLACEHOLDER.sub(" ", text):
            message = f"{quote(text)} opens a placeholder that is none; {_FORM}"
            yield Problem(path=where, message=message)
        for name in names_in(text):
            if name not in known:
                otherwise = (
                    f"declare it under parameters, or use {quoted_list(known)}"
                    if known
                    else "declare it under parameters"
                )
                mend = suggestion(name, known, otherwise)
                message = f"there is no parameter {quote(name)}; {mend}"
                yield Problem(path=where, message=message)
            elif name in objects and sole_name(text) is None:
                message = (
                    f"the label selector {quote(name)} is an object and does not fit into a text; "
                    f"let the value be {quote('{{ ' + name + ' }}')} alone"
                )
                yield Problem(path=where, message=message)


def fill(
    value: Any,
    values: Mapping[str, Value],
    path: str = "",
    *,
    is_text: Callable[[Steps], bool] = lambda _: False,
) -> Filled:
    """Return a copy of a document with the values in place of their placeholders.

    ``is_text`` tells, by the keys and indexes that lead to it, whether a field holds text: a number
    is written as text there. Raises KeyError for a name without a value, TypeError for an
    object within a longer text; neither happens in a document without `placeholder_problems`.
    """
    origins: dict[str, tuple[str, ...]] = {}

    def filled(item: Any, where: str, steps: Steps) -> Any:
        if isinstance(item, dict):
            return {
                key: filled(member, child(where, key), (*steps, key))
                for key, member in item.items()
            }
        if isinstance(item, list):
            return [
                filled(member, child(where, index), (*steps, index))
                for index, member in enumerate(item)
            ]
        if not isinstance(item, str) or _OPEN not in item:
            return item
        names = names_in(item)
        if names:
            origins[where] = tuple(dict.fromkeys(names))
        sole = sole_name(item)
        if sole is None:
            return _PLACEHOLDER.sub(lambda found: _inside(found[1], values), item)
        given = values[sole]
        if isinstance(given, dict):
            return dict(given)
        return str(given) if is_text(steps) else given

    return Filled(filled(value, path, ()), origins)


def _inside(name: str, values: Mapping[str, Value]) -> str:
    if name == _LITERAL:
        return _OPEN
    given = values[name]
    if isinstance(given, dict):
        msg = f"{name} is an object"
        raise TypeError(msg)
    return str(given)
