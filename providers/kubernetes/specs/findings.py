"""What the findings of several kinds have in common: warnings, and values nobody checks."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator
from datetime import timedelta
from itertools import islice
from typing import Final

from bridge.model.problem import Problem, Severity
from bridge.model.wording import child
from providers.kubernetes.specs.base import ChaosModel
from providers.kubernetes.specs.durations import parse_go_duration
from providers.kubernetes.specs.problems import MOST_PROBLEMS, meant, shown
from providers.kubernetes.specs.quantities import float_of

LAST_PORT: Final = 65_535
_PERCENT: Final = 100


def warning(path: str, message: str) -> Problem:
    """Return what a cluster accepts though it cannot work as written."""
    return Problem(path, message, Severity.WARNING)


def field_path(model: ChaosModel, name: str, path: str) -> str:
    """Return the JSON path of a field by its Python name; `path` is that of the object."""
    return child(path, type(model).model_fields[name].alias or name)


def is_set(value: object) -> bool:
    """Whether a field reaches the controller: Go leaves empty text, lists and zeros out."""
    return value not in (None, "", [], {}, 0)


def ignored_with(
    model: ChaosModel, action: str, names: Iterable[str], path: str
) -> Iterator[Problem]:
    """Yield a warning for each of the fields that is set and that the action does not read."""
    for name in names:
        if is_set(getattr(model, name)):
            message = f'is ignored with action "{action}", leave it out'
            yield warning(field_path(model, name, path), message)


def unknown_word(
    value: str, known: Iterable[str], path: str, consequence: str
) -> Iterator[Problem]:
    """Yield a warning for a word that no cluster checks and that means nothing there."""
    choices = tuple(known)
    if value not in choices:
        hint = meant(value, choices) or f"write one of {', '.join(choices)}"
        yield warning(path, f"{shown(value)} is not known, {consequence}; {hint}")


def unknown_words(
    values: Iterable[str] | None, known: Collection[str], path: str, consequence: str
) -> Iterator[Problem]:
    """Yield a warning for each such word of a list, for as many as are told at all."""
    odd = ((index, word) for index, word in enumerate(values or ()) if word not in known)
    for index, word in islice(odd, MOST_PROBLEMS):
        yield from unknown_word(word, known, child(path, index), consequence)


def odd_delay(text: str | None, path: str) -> Iterator[Problem]:
    """Yield a warning for a delay, already known to be a Go duration, that delays nothing."""
    if text and parse_go_duration(text) <= timedelta(0):
        yield warning(path, f'"{text}" delays nothing, write it like "100ms"')


def unread_duration(text: str | None, path: str, consequence: str) -> Iterator[Problem]:
    """Yield a warning for a duration that no webhook reads, with the mend of the reader."""
    if text:
        try:
            parse_go_duration(text)
        except ValueError as refusal:
            reason, _, mend = str(refusal).rpartition(", write ")
            yield warning(path, f"{reason}, {consequence}; write {mend}")


def odd_port(port: int | None, path: str) -> Iterator[Problem]:
    """Yield a warning for a port that no machine has; the webhooks know no upper bound."""
    if port is not None and not 0 <= port <= LAST_PORT:
        message = f"{port} is not a port, so nothing is found there; write 1 to {LAST_PORT}"
        yield warning(path, message)


def odd_percentages(model: ChaosModel, path: str, *names: str) -> Iterator[Problem]:
    """Yield a warning for each number in text that parses and is no percentage."""
    for name in names:
        text = getattr(model, name)
        number = float_of(text) if text else 0.0
        if math.isnan(number) or not 0 <= number <= _PERCENT:
            message = f'{shown(text)} is not a percentage, write "0" to "100"'
            yield warning(field_path(model, name, path), message)


def none_of_them(text: str, path: str) -> Iterator[Problem]:
    """Yield a warning for a percentage of packets that is zero."""
    if float_of(text) == 0:
        yield warning(path, f'{shown(text)} percent of the packets is none, write "1" to "100"')
