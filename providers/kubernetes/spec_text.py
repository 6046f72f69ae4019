"""A custom resource's spec as its author wrote it: an object, or JSON or YAML text."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

import yaml

LARGEST: Final = 64 * 1024
"""Characters of text; FIS takes 1,024, the largest workflow of the Chaos Mesh docs has 3,000."""
DEEPEST: Final = 32
"""Levels of nesting; a Workflow with embedded containers has about twelve."""


class SpecTextError(ValueError):
    """The text is no object; the message says where and what to write."""


def read_spec(written: str | dict[str, Any]) -> dict[str, Any]:
    """Return the spec as an object. Raises SpecTextError."""
    spec = _parse(written) if isinstance(written, str) else written
    if not isinstance(spec, dict):
        raise SpecTextError(
            'is not an object; write the fields of the spec, such as {"action": "delay", …}'
        )
    if _deeper_than(spec, DEEPEST):
        raise SpecTextError(f"is nested more than {DEEPEST} levels deep; no chaos spec is")
    if not isinstance(written, str) and len(json.dumps(spec)) > LARGEST:
        raise SpecTextError(f"is larger than {LARGEST} characters; select more, write less")
    return spec


def _parse(text: str) -> object:
    if len(text) > LARGEST:
        raise SpecTextError(f"is longer than {LARGEST} characters; select more, write less")
    if not text.strip():
        raise SpecTextError('is empty; write the spec, such as {"action": "delay", …}')
    if text.lstrip()[0] not in "{[":
        return _parse_yaml(text)
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        near = text[error.pos : error.pos + 20]
        raise SpecTextError(
            f"is not JSON at line {error.lineno}, column {error.colno}: {error.msg}"
            + (f', before "{near}"' if near else ", where the text ends")
        ) from None
    except RecursionError:
        raise SpecTextError(
            f"is nested more than {DEEPEST} levels deep; no chaos spec is"
        ) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise SpecTextError(f'has the field "{key[:64]}" twice in one object; keep one')
        found[key] = value
    return found


def _no_constant(name: str) -> NoReturn:
    raise SpecTextError(f"holds {name}, which JSON does not know; write a number")


class _PlainLoader(yaml.SafeLoader):
    """YAML without anchors: a few lines of them can stand for gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs leave it bare
        if getattr(event, "anchor", None) is not None:
            mark = event.start_mark
            raise SpecTextError(
                f"uses a YAML anchor at line {mark.line + 1}, column {mark.column + 1}; "
                "write the value out"
            )
        return super().compose_node(parent, index)


def _parse_yaml(text: str) -> object:
    try:
        # Derived from SafeLoader: it makes plain values only.
        found = yaml.load(text, Loader=_PlainLoader)  # noqa: S506
        return json.loads(json.dumps(found))
    except yaml.MarkedYAMLError as error:
        where = error.problem_mark
        place = f" at line {where.line + 1}, column {where.column + 1}" if where else ""
        raise SpecTextError(f"is neither JSON nor YAML{place}: {error.problem}") from None
    except yaml.YAMLError as error:
        raise SpecTextError(f"is neither JSON nor YAML: {str(error)[:200]}") from None
    except TypeError:
        raise SpecTextError(
            "holds a date or another value that JSON does not know; put it in quotes"
        ) from None
    except RecursionError:
        raise SpecTextError(
            f"is nested more than {DEEPEST} levels deep; no chaos spec is"
        ) from None


def _deeper_than(value: object, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            inner
            for outer in level
            for inner in (
                outer.values()
                if isinstance(outer, dict)
                else outer
                if isinstance(outer, list)
                else ()
            )
        ]
        if not level:
            return False
    return True
