"""What becomes of an action template's resource, judged before anybody uses it.

It is filled in with its defaults, and then again at the bounds of each parameter in turn, and what
is wrong is told at the template's own fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from bridge.catalog.action_templates.expansion import filled_in, in_template, names_at
from bridge.catalog.action_templates.placeholders import Value
from bridge.catalog.action_templates.reading import MOST_PROBLEMS
from bridge.catalog.action_templates.values import MOST_PERCENT, read_value
from bridge.catalog.parameters import read_parameters
from bridge.model.action_template import ActionTemplate, ParameterType, TemplateParameter
from bridge.model.problem import Problem
from bridge.model.wording import quote
from providers import registry
from providers.kubernetes.resource import FAULT

_SAMPLES: Final[Mapping[ParameterType, Value]] = {
    ParameterType.STRING: "sample",
    ParameterType.INTEGER: 1,
    ParameterType.DURATION: "30s",
    ParameterType.PERCENTAGE: 50,
    ParameterType.NAMESPACE: "default",
    ParameterType.LABEL_SELECTOR: {"app": "sample"},
}
"""What a parameter that must be given is judged with, where its bounds do not say better."""


@dataclass(frozen=True)
class _Case:
    """One way to fill a template in; the changed parameter is empty for the defaults."""

    values: Mapping[str, Value]
    changed: str = ""

    @property
    def named(self) -> str:
        """The parameter that was changed, with its value."""
        value = self.values[self.changed]
        return f"{self.changed} = {quote(value) if isinstance(value, str) else value}"


def judged(template: ActionTemplate) -> list[Problem]:
    """Return errors and warnings of a template that could be read; at most fifty."""
    return list(islice(_distinct(template), MOST_PROBLEMS))


def _distinct(template: ActionTemplate) -> Iterator[Problem]:
    seen: set[Problem] = set()
    for case in _cases(template):
        for problem in _problems(template, case.values):
            if problem in seen:
                continue
            # One that the defaults have too is nobody's value's fault.
            seen.add(problem)
            if case.changed:
                yield replace(problem, message=f"{problem.message} (with {case.named})")
            else:
                yield problem


def _cases(template: ActionTemplate) -> Iterator[_Case]:
    usual = {name: _usual(one) for name, one in template.parameters.items()}
    yield _Case(usual)
    for name, parameter in template.parameters.items():
        for value in _ends(parameter):
            if value != usual[name]:
                yield _Case({**usual, name: value}, name)


def _usual(parameter: TemplateParameter) -> Value:
    """Return a value that may be given: the default, or one within the bounds."""
    kind = parameter.type
    candidates = [parameter.default, parameter.example, _SAMPLES.get(kind)]
    for candidate in (*candidates, *_ends(parameter)):
        if candidate is None:
            continue
        try:
            return read_value(parameter, candidate)
        except ValueError:
            continue
    return _SAMPLES[kind]  # a string with a pattern: nobody can guess what it means


def _ends(parameter: TemplateParameter) -> Iterator[Value]:
    """Yield the values at the bounds: least and most, or everything that an enum may be."""
    yield from parameter.values
    if parameter.type is ParameterType.PERCENTAGE:
        yield 0 if parameter.minimum is None else int(parameter.minimum)
        yield MOST_PERCENT if parameter.maximum is None else int(parameter.maximum)
        return
    for bound in (parameter.minimum, parameter.maximum):
        if bound is not None:
            yield read_value(parameter, bound)


def _problems(template: ActionTemplate, values: Mapping[str, Value]) -> Iterator[Problem]:
    fault = registry.fault(FAULT)
    written, origins = filled_in(template, values)
    parameters, found = read_parameters(fault, written, "")
    if parameters is not None:
        found += fault.check(parameters, "")
    for problem in found:
        path = problem.path.removeprefix(".")
        member = in_template(path) or path
        guessed = [
            name
            for name in names_at(member, origins)
            if _is_guess(template.parameters[name], values[name])
        ]
        if not guessed:
            yield replace(problem, path=member)


def _is_guess(parameter: TemplateParameter, value: Value) -> bool:
    """Whether nothing is known of a text that will stand there: what is said of it means little."""
    return (
        parameter.type is ParameterType.STRING
        and parameter.default is None
        and parameter.example is None
        and isinstance(value, str)
    )
