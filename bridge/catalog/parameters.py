"""An action's parameters: read into the fault's own types, or refused in our words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import islice
from typing import Any, Final, get_args

from pydantic import ValidationError

from bridge.model.moment import format_duration, parse_duration
from bridge.model.problem import Problem
from bridge.model.wording import child, quote, quoted_list, suggestion
from providers.contract import LONGEST_ACTION, Fault, FaultParameters

_MOST_SUPERFLUOUS: Final = 20
"""Wrong names looked into in one action; comparing each with the right ones takes its time."""
_NUMBER: Final = "is not a number; write digits, such as {example}"
_WORDS: Final[Mapping[str, str]] = {
    "string_type": "is not a string; put it in double quotes",
    "bool_parsing": 'is neither "true" nor "false"; write one of them',
    "bool_type": 'is neither "true" nor "false"; write one of them',
    "int_parsing": _NUMBER.format(example='"5"'),
    "int_type": _NUMBER.format(example='"5"'),
    "int_from_float": "is not a whole number; round it",
    "float_parsing": _NUMBER.format(example='"0.5"'),
    "float_type": _NUMBER.format(example='"0.5"'),
    "greater_than": "is too small; write more than {gt}",
    "greater_than_equal": "is too small; write {ge} or more",
    "less_than": "is too large; write less than {lt}",
    "less_than_equal": "is too large; write {le} or less",
    "string_too_short": "is too short; write at least {min_length} characters",
    "string_too_long": "is too long; shorten it to {max_length} characters",
    "literal_error": "is not known; write {expected}",
    "enum": "is not known; write {expected}",
}


def read_parameters(
    fault: Fault, given: Mapping[str, Any], path: str
) -> tuple[FaultParameters | None, list[Problem]]:
    """Read parameters into the fault's types; None where that is not possible.

    Names are taken in the wire's spelling only. Values may be strings, as FIS sends them.
    """
    known = {f.alias or name: f for name, f in fault.Parameters.model_fields.items()}
    superfluous = (name for name in given if name not in known)
    problems = [
        Problem(path=child(path, name), message=_superfluous(fault, name, list(known)))
        for name in islice(superfluous, _MOST_SUPERFLUOUS)
    ]
    try:
        parsed = fault.Parameters.model_validate({n: v for n, v in given.items() if n in known})
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            where = path
            for step in detail["loc"]:
                where = child(where, step)
            name = str(detail["loc"][0]) if detail["loc"] else ""
            description = (known[name].description or "") if name in known else ""
            problems.append(Problem(path=where, message=_in_words(detail, description)))
        return None, problems
    return parsed, problems


def durations(parameters: FaultParameters) -> Iterator[tuple[str, timedelta, timedelta | None]]:
    """Yield the name, the value and the declared minimum of each duration that is given."""
    for field_name, field in type(parameters).model_fields.items():
        value = getattr(parameters, field_name)
        if isinstance(value, timedelta):
            extra = field.json_schema_extra
            least = extra.get("minimum") if isinstance(extra, dict) else None
            declared = parse_duration(least) if isinstance(least, str) else None
            yield field.alias or field_name, value, declared


def absent_durations(parameters: FaultParameters) -> list[str]:
    """Return the names of the durations that could have been given and were not."""
    return [
        field.alias or name
        for name, field in type(parameters).model_fields.items()
        if getattr(parameters, name) is None and _mentions(field.annotation, timedelta)
    ]


def duration_problems(
    parameters: FaultParameters, path: str, shortest: timedelta
) -> Iterator[Problem]:
    """Yield the durations that are out of bounds.

    ``shortest`` is the setting; a field that declares a shorter minimum of its own is held to that.
    """
    for name, value, declared in durations(parameters):
        least = shortest if declared is None else min(declared, shortest)
        if value < least:
            message = (
                f"{format_duration(value)} is shorter than {format_duration(least)}, "
                "the shortest duration that this bridge accepts; raise it"
            )
            yield Problem(path=child(path, name), message=message)
        if value > LONGEST_ACTION:
            message = (
                f"{format_duration(value)} is longer than {format_duration(LONGEST_ACTION)}, "
                "the longest action there is; lower it"
            )
            yield Problem(path=child(path, name), message=message)


def _superfluous(fault: Fault, name: str, known: list[str]) -> str:
    if not known:
        return f"{fault.id} takes no parameters; remove it"
    mend = suggestion(name, known, f"it takes {quoted_list(known)}")
    return f"is not a parameter of {fault.id}; {mend}"


def _in_words(detail: Any, description: str) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "missing":
        return f"is required; add it{f' ({description})' if description else ''}"
    if kind == "value_error":
        return str(context["error"])
    value = detail["input"]
    shown = quote(value) if isinstance(value, str) else "the value"
    if kind == "string_pattern_mismatch":
        return f"{shown} has not its form ({context['pattern']}); it is: {description}"
    if kind in _WORDS:
        return f"{shown} {_WORDS[kind].format(**context)}"
    return f"{shown} does not fit: {detail['msg'][:200]}"


def _mentions(annotation: Any, kind: type) -> bool:
    return annotation is kind or any(_mentions(part, kind) for part in get_args(annotation))
