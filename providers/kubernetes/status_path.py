"""Where the state of a custom resource stands, as its author says: `kubernetesStatus`.

    {"path": ".status.phase", "inEffect": ["Running"], "ended": ["Completed"], "failed": ["Error"]}

The path is the part of `kubectl get -o jsonpath` that leads to single values: names, indices,
quoted names, and a filter for equality, as conditions need it:
``.status.conditions[?(@.type=="Ready")].status``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.alias_generators import to_camel

from bridge.model.problem import Problem
from bridge.model.wording import child, quote, suggestion
from providers.kubernetes.spec_text import SpecTextError, read_spec

LONGEST_PATH: Final = 256
MOST_STEPS: Final = 16
MOST_VALUES: Final = 32

_NAME: Final = re.compile(r"\.([A-Za-z_][A-Za-z0-9_-]*)")
_QUOTED: Final = re.compile(r"""\[(?:'([^'\\]+)'|"([^"\\]+)")\]""")
_INDEX: Final = re.compile(r"\[([0-9]{1,4})\]")
_FILTER: Final = re.compile(
    r"""\[\?\(\s*@\.([A-Za-z_][A-Za-z0-9_-]*)\s*==\s*(?:'([^'\\]*)'|"([^"\\]*)")\s*\)\]"""
)
_MEND: Final = (
    'write names, indices and filters for equality, like ".status.phase" or '
    "\".status.conditions[?(@.type=='Ready')].status\""
)

Step = str | int | tuple[str, str]
"""A name, an index, or a filter: the elements whose member has a text."""
_Value = Annotated[str, Field(min_length=1, max_length=253)]


class StatusPath(BaseModel):
    """The place of a state, and what its values mean."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True, strict=True
    )

    path: str = Field(min_length=1, max_length=LONGEST_PATH)
    in_effect: tuple[_Value, ...] = Field(default=(), max_length=MOST_VALUES, strict=False)
    """Values that mean that the fault is there; without any, the resource's existence does."""
    ended: tuple[_Value, ...] = Field(default=(), max_length=MOST_VALUES, strict=False)
    """Values that mean that it has ended by itself."""
    failed: tuple[_Value, ...] = Field(default=(), max_length=MOST_VALUES, strict=False)
    """Values that mean that it failed."""

    @field_validator("path")
    @classmethod
    def _readable(cls, text: str) -> str:
        steps(text)
        return text

    @model_validator(mode="after")
    def _meaningful(self) -> StatusPath:
        values = [*self.in_effect, *self.ended, *self.failed]
        if not values:
            raise ValueError(
                'names no value; write at least one of "inEffect", "ended" and "failed"'
            )
        twice = next((value for value in values if values.count(value) > 1), None)
        if twice is not None:
            raise ValueError(f"the value {quote(twice)} stands twice; it can mean one thing only")
        return self


@lru_cache(maxsize=256)
def steps(path: str) -> tuple[Step, ...]:
    """Read a path, in braces or not. Raises ValueError with what to write instead."""
    text = path.strip()
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1].strip()
    text = text.removeprefix("$")
    if not text.startswith((".", "[")):
        text = f".{text}"
    found: list[Step] = []
    place = 0
    while place < len(text):
        for pattern, read in (
            (_NAME, lambda hit: hit[1]),
            (_QUOTED, lambda hit: hit[1] or hit[2]),
            (_INDEX, lambda hit: int(hit[1])),
            (_FILTER, lambda hit: (hit[1], hit[2] if hit[2] is not None else hit[3])),
        ):
            hit = pattern.match(text, place)
            if hit is not None:
                found.append(read(hit))
                place = hit.end()
                break
        else:
            raise ValueError(f"cannot be read at {quote(text[place:])}; {_MEND}")
        if len(found) > MOST_STEPS:
            raise ValueError(f"has more than {MOST_STEPS} steps; no status is so deep")
    return tuple(found)


def read_path(path: str, manifest: Mapping[str, Any]) -> list[object]:
    """Return the scalar values at a path, none where there are none."""
    found: list[Any] = [manifest]
    for step in steps(path):
        found = [inner for value in found for inner in _inside(value, step)]
    return [value for value in found if value is not None and not isinstance(value, dict | list)]


def _inside(value: object, step: Step) -> list[Any]:
    if isinstance(step, str):
        return [value[step]] if isinstance(value, dict) and step in value else []
    if not isinstance(value, list):
        return []
    if isinstance(step, int):
        return value[step : step + 1]
    name, text = step
    return [one for one in value if isinstance(one, dict) and one.get(name) == text]


def read_status(written: str | dict[str, Any]) -> StatusPath:
    """Return what an author wrote, as an object, or as JSON or YAML text.

    Raises SpecTextError and pydantic's ValidationError; `status_problems` words both.
    """
    return StatusPath.model_validate(read_spec(written))


def status_problems(written: str | dict[str, Any], path: str) -> list[Problem]:
    """Return what is wrong with what an author wrote, by path."""
    try:
        read_status(written)
    except SpecTextError as error:
        return [Problem(path=path, message=str(error))]
    except ValidationError as error:
        return [
            Problem(path=_path(path, found["loc"]), message=_message(dict(found)))
            for found in error.errors(include_url=False)
        ]
    return []


def _path(start: str, place: tuple[int | str, ...]) -> str:
    for key in place:
        start = child(start, key)
    return start


def _message(found: dict[str, Any]) -> str:
    names = [field.alias or name for name, field in StatusPath.model_fields.items()]
    match found["type"]:
        case "extra_forbidden":
            fields = f"it has {', '.join(names)}"
            words = f"is not a field of it; {suggestion(str(found['loc'][-1]), names, fields)}"
        case "missing":
            words = 'is required; write where the state stands, like ".status.phase"'
        case "value_error":
            words = str(found["ctx"]["error"])
        case "string_too_short":
            words = "is empty; leave it out, or write a value"
        case "string_too_long" | "too_long":
            words = f"is longer than {found['ctx'].get('max_length')}; write less"
        case "string_type":
            words = 'is not text; write it in quotes, like "Running"'
        case _:
            words = 'is not a list of texts; write it like ["Running"]'
    return words
