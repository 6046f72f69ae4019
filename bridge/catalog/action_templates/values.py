"""Values of parameters: read as their type, from JSON or from the text that FIS sends."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Annotated, Any, Final

from pydantic import StringConstraints, TypeAdapter, ValidationError
from pydantic_core import SchemaError

from bridge.catalog.action_templates.placeholders import Value
from bridge.model.action_template import ParameterType, TemplateParameter
from bridge.model.moment import parse_duration
from bridge.model.wording import quote, quoted_list, suggestion
from providers.kubernetes.specs import parse_go_duration

LONGEST_TEXT: Final = 1024
"""Characters of a string that says nothing about its length: as many as FIS takes."""
MOST_LABELS: Final = 20
LARGEST_NUMBER: Final = 2**53 - 1
"""The largest number that every reader of JSON keeps exactly."""
MOST_PERCENT: Final = 100

_WHOLE: Final = re.compile(r"-?[0-9]{1,16}", re.ASCII)
_NAMESPACE: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
# Kubernetes: an optional DNS prefix, and a name of up to 63 characters; a value may be empty.
_LABEL_NAME: Final = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", re.ASCII)
_LABEL_PREFIX: Final = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", re.ASCII
)
_LABELS_FORM: Final = 'write labels as "app=checkout,tier=web"'
_ISO: Final = re.compile(r"-?P")


def read_value(parameter: TemplateParameter, given: object) -> Value:
    """Return a value in its parameter's type, within its bounds.

    Texts are read as their type, since FIS sends nothing else. A duration comes back as Go writes
    it. Raises ValueError, with what to write instead.
    """
    return _READERS[parameter.type](parameter, given)


def read_length(text: object) -> timedelta:
    """Read a duration as a chaos resource writes it, or as ISO 8601. Raises ValueError."""
    if not isinstance(text, str):
        raise ValueError('is not a duration; write a text such as "90ms" or "5m"')  # noqa: TRY004 - one exception for all that can be wrong with a value
    if _ISO.match(text):
        length = parse_duration(text.removeprefix("-"))
        return -length if text.startswith("-") else length
    return parse_go_duration(text)


def pattern_complaint(pattern: str) -> str | None:
    """Return why a regular expression cannot be used, or None."""
    try:
        _matcher(pattern)
    except SchemaError:
        return (
            "is not a regular expression that can be used: no look-around, no back-references, "
            "at most some thousand repetitions"
        )
    return None


def _string(parameter: TemplateParameter, given: object) -> Value:
    text = _text(given)
    least = parameter.min_length or 0
    most = LONGEST_TEXT if parameter.max_length is None else parameter.max_length
    if "\x00" in text:
        raise ValueError("holds the character NUL, which no text of a resource can; remove it")
    if len(text) < least:
        raise ValueError(f"has {len(text)} characters; write at least {least}")
    if len(text) > most:
        raise ValueError(f"has {len(text)} characters; write at most {most}")
    if parameter.pattern is not None and not _matches(parameter.pattern, text):
        raise ValueError(f"{quote(text)} does not match {quote(parameter.pattern)} as a whole")
    return text


def _integer(parameter: TemplateParameter, given: object) -> Value:
    return _bounded(_whole(given), parameter, -LARGEST_NUMBER, LARGEST_NUMBER, "")


def _percentage(parameter: TemplateParameter, given: object) -> Value:
    if isinstance(given, str):
        given = given.removesuffix("%")
    return _bounded(_whole(given), parameter, 0, MOST_PERCENT, "%")


def _bounded(number: int, parameter: TemplateParameter, least: int, most: int, unit: str) -> int:
    minimum = least if parameter.minimum is None else int(parameter.minimum)
    maximum = most if parameter.maximum is None else int(parameter.maximum)
    if number < minimum:
        raise ValueError(f"{number}{unit} is too small; write {minimum} or more")
    if number > maximum:
        raise ValueError(f"{number}{unit} is too large; write {maximum} or less")
    return number


def _duration(parameter: TemplateParameter, given: object) -> Value:
    length = read_length(given)
    text = str(given)
    minimum = "0s" if parameter.minimum is None else str(parameter.minimum)
    if length < read_length(minimum):
        raise ValueError(f"{quote(text)} is too short; write {quote(minimum)} or more")
    if parameter.maximum is not None and length > read_length(parameter.maximum):
        raise ValueError(
            f"{quote(text)} is too long; write {quote(str(parameter.maximum))} or less"
        )
    return in_one_unit(length) if _ISO.match(text) else text


def _enum(parameter: TemplateParameter, given: object) -> Value:
    text = _text(given)
    if text not in parameter.values:
        mend = suggestion(text, parameter.values, f"write {quoted_list(parameter.values)}")
        raise ValueError(f"{quote(text)} is not one of its values; {mend}")
    return text


def _namespace(parameter: TemplateParameter, given: object) -> Value:  # noqa: ARG001 - as the others
    text = _text(given)
    if not _NAMESPACE.fullmatch(text):
        raise ValueError(
            f"{quote(text)} is not the name of a namespace; write up to 63 lower-case letters, "
            'digits and inner hyphens, such as "default"'
        )
    return text


def _label_selector(parameter: TemplateParameter, given: object) -> Value:  # noqa: ARG001 - as the others
    labels = _pairs(given) if isinstance(given, str) else given
    if not isinstance(labels, dict):
        raise ValueError(f"is no label selector; {_LABELS_FORM}, or as an object")  # noqa: TRY004 - as above
    if not labels:
        raise ValueError(f"names no label and would take every pod; {_LABELS_FORM}")
    if len(labels) > MOST_LABELS:
        raise ValueError(f"names {len(labels)} labels; name at most {MOST_LABELS}")
    for key, value in labels.items():
        if not _is_label_key(key):
            raise ValueError(f"{quote(str(key))} is not the key of a label; {_LABELS_FORM}")
        if not isinstance(value, str) or (value and not _LABEL_NAME.fullmatch(value)):
            raise ValueError(
                f"{quote(str(value))} is not the value of a label: up to 63 letters, digits, "
                "and - _ . between them"
            )
    return dict(labels)


_READERS: Final[Mapping[ParameterType, Callable[[TemplateParameter, object], Value]]] = {
    ParameterType.STRING: _string,
    ParameterType.INTEGER: _integer,
    ParameterType.DURATION: _duration,
    ParameterType.PERCENTAGE: _percentage,
    ParameterType.ENUM: _enum,
    ParameterType.NAMESPACE: _namespace,
    ParameterType.LABEL_SELECTOR: _label_selector,
}


def in_one_unit(length: timedelta) -> str:
    """Write a duration with one unit, since some fields of Chaos Mesh take no second one."""
    microseconds = length // timedelta(microseconds=1)
    for unit, size in (("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1000)):
        if microseconds and microseconds % size == 0:
            return f"{microseconds // size}{unit}"
    return f"{microseconds}us" if microseconds else "0s"


def _text(given: object) -> str:
    if not isinstance(given, str):
        raise ValueError("is not a text; put it in double quotes")  # noqa: TRY004 - as above
    return given


def _whole(given: object) -> int:
    if isinstance(given, str) and _WHOLE.fullmatch(given):
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, int):
        shown = f"{quote(given)} " if isinstance(given, str) else ""
        raise ValueError(f"{shown}is not a whole number; write digits, such as 25")  # noqa: TRY004 - as above
    if abs(given) > LARGEST_NUMBER:
        raise ValueError("is a number too large to be kept; write a smaller one")
    return given


def _pairs(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in text.split(",", MOST_LABELS):
        key, equals, value = part.strip().partition("=")
        key, value = key.strip(), value.removeprefix("=").strip()
        if not equals or key.endswith("!"):
            raise ValueError(f"{quote(part)} is no label with its value; {_LABELS_FORM}")
        if key in found:
            raise ValueError(f"names the label {quote(key)} twice; keep one")
        found[key] = value
    return found


def _is_label_key(key: Any) -> bool:
    if not isinstance(key, str):
        return False
    prefix, slash, name = key.rpartition("/")
    return bool(_LABEL_NAME.fullmatch(name)) and (
        not slash or bool(_LABEL_PREFIX.fullmatch(prefix))
    )


# Rust's engine, which takes time in proportion to the text whatever the expression.
@lru_cache(maxsize=256)
def _matcher(pattern: str) -> TypeAdapter[str]:
    # By itself first: in the group, "a)|(b" would be one that it is not.
    TypeAdapter(Annotated[str, StringConstraints(pattern=pattern)])
    return TypeAdapter(Annotated[str, StringConstraints(pattern=rf"\A(?:{pattern})\z")])


def _matches(pattern: str, text: str) -> bool:
    try:
        _matcher(pattern).validate_python(text)
    except ValidationError:
        return False
    return True
