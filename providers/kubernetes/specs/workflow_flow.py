"""How the templates of a Workflow follow each other: what is never started, and what never ends.

No webhook looks at it. A chaos node is never accomplished by itself: it ends with its own deadline
or with one of what it is in, so a Serial waits for it for ever. All walks are iterative, and look
at each name that one template has for another once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from bridge.model.problem import Problem, Severity
from bridge.model.wording import child, quote
from providers.kubernetes.specs.durations import parse_go_duration
from providers.kubernetes.specs.embedded import FIELDS

if TYPE_CHECKING:
    from providers.kubernetes.specs.workflow import WorkflowTemplate

_GROUPS: Final = ("Serial", "Parallel")


def flow_findings(
    entry: str, templates: Sequence[WorkflowTemplate], path: str
) -> Iterator[Problem]:
    """Warn of flows that the cluster accepts though they hang, or leave templates out.

    `path` is the JSON path of the list of templates.
    """
    flow = Flow(entry, templates, path)
    yield from flow.unreachable()
    yield from flow.cycles()
    yield from flow.deadlines()
    yield from flow.endless()


class Flow:
    """The templates as a graph; of two with one name, the first counts."""

    def __init__(self, entry: str, templates: Sequence[WorkflowTemplate], path: str) -> None:
        """Resolve every name once."""
        self.templates = templates
        self.path = path
        self.index: dict[str, int] = {}
        for number, template in enumerate(templates):
            self.index.setdefault(template.name, number)
        self.entry = self.index.get(entry)
        self.starts = [list(self._starts(number)) for number in range(len(templates))]
        self.lengths = [_length(template.deadline) for template in templates]

    def unreachable(self) -> Iterator[Problem]:
        """Templates that nothing starts."""
        if self.entry is None:
            return
        reached = self._reached(through=lambda _: True)
        for number, template in enumerate(self.templates):
            if number not in reached:
                message = (
                    f"{quote(template.name)} is never started: neither entry nor a template that "
                    "is started names it; name it there, or leave it out"
                )
                yield self._warning(number, "name", message)

    def cycles(self) -> Iterator[Problem]:
        """Templates that start themselves again, by way of others or at once."""
        done: set[int] = set()
        for first in range(len(self.templates)):
            if first in done:
                continue
            open_: dict[int, Iterator[tuple[int, str]]] = {first: iter(self.starts[first])}
            while open_:
                number = next(reversed(open_))
                step = next(open_[number], None)
                if step is None:
                    done.add(number)
                    del open_[number]
                    continue
                target, where = step
                if target in open_:
                    name = quote(self.templates[target].name)
                    how_long = "without end"
                    if self.templates[number].template_type == "Task":
                        how_long = "for as long as the branch is taken"
                    message = (
                        f"starts {name} again from within it, so nodes are created {how_long}; "
                        "leave it out"
                    )
                    yield Problem(where, message, Severity.WARNING)
                elif target not in done:
                    open_[target] = iter(self.starts[target])

    def deadlines(self) -> Iterator[Problem]:
        """Deadlines that are no durations, none at all, or longer than what they are in."""
        for number, template in enumerate(self.templates):
            if template.deadline is None:
                continue
            length = self.lengths[number]
            if length is None:
                try:
                    parse_go_duration(template.deadline)
                except ValueError as refusal:
                    message = f"{refusal}; the cluster takes it, and the template never ends"
                    yield self._warning(number, "deadline", message)
            elif length <= timedelta():
                message = f'"{template.deadline}" is over before it begins, write it like "30s"'
                yield self._warning(number, "deadline", message)
        for number, template in enumerate(self.templates):
            limit = self.lengths[number]
            if limit is None or template.template_type not in _GROUPS:
                continue
            for target in dict.fromkeys(target for target, _ in self.starts[number]):
                length = self.lengths[target]
                if length is not None and length > limit > timedelta():
                    message = (
                        f'"{self.templates[target].deadline}" is cut short: '
                        f'{quote(template.name)}, which it is in, ends after "{template.deadline}";'
                        " shorten it, or lengthen that"
                    )
                    yield self._warning(target, "deadline", message)

    def endless(self) -> Iterator[Problem]:
        """What only a deadline ends, and has none where one is needed."""
        waited_for = self._waited_for()
        unlimited = self._reached(through=lambda number: self.lengths[number] is None)
        for number, template in enumerate(self.templates):
            what = _endless(template)
            if not what or template.deadline is not None:
                continue
            if number in waited_for:
                message = (
                    f"is missing, and {what} only ends with it: what follows in "
                    f'{quote(waited_for[number])} never starts; write how long, like "5m"'
                )
            elif number in unlimited:
                message = (
                    f"is missing, here and in all that it is in, and {what} only ends with it: "
                    'the Workflow never ends; write how long, like "5m"'
                )
            else:
                continue
            yield self._warning(number, "deadline", message)
        for number, template in enumerate(self.templates):
            if template.template_type in _GROUPS and not template.children:
                message = "has nothing in it and is over at once; name the templates in it"
                yield self._warning(number, "children", message)

    def _starts(self, number: int) -> Iterator[tuple[int, str]]:
        """Which templates one starts, each with the path of its name there."""
        template = self.templates[number]
        here = child(self.path, number)
        if template.template_type in _GROUPS:
            for place, name in enumerate(template.children or ()):
                if name in self.index:
                    yield self.index[name], child(child(here, "children"), place)
        elif template.template_type == "Task":
            branches = child(here, "conditionalBranches")
            for place, branch in enumerate(template.conditional_branches or ()):
                if branch.target in self.index:
                    yield self.index[branch.target], child(child(branches, place), "target")

    def _reached(self, *, through: Callable[[int], bool]) -> set[int]:
        """What is started from the entry, by templates that `through` lets pass."""
        reached: set[int] = set()
        waiting = [] if self.entry is None else [self.entry]
        while waiting:
            number = waiting.pop()
            if number not in reached:
                reached.add(number)
                if through(number):
                    waiting.extend(target for target, _ in self.starts[number])
        return reached

    def _waited_for(self) -> dict[int, str]:
        """The templates after which another follows, and the name of the Serial they are in."""
        found: dict[int, str] = {}
        for number, template in enumerate(self.templates):
            if template.template_type == "Serial":
                for target, _ in self.starts[number][:-1]:
                    found.setdefault(target, template.name)
        return found

    def _warning(self, number: int, field: str, message: str) -> Problem:
        return Problem(child(child(self.path, number), field), message, Severity.WARNING)


def _length(deadline: str | None) -> timedelta | None:
    try:
        return parse_go_duration(deadline) if deadline else None
    except ValueError:
        return None


def _endless(template: WorkflowTemplate) -> str:
    """What a template is in words, where only a deadline ends it; else empty."""
    kind = template.template_type
    if kind in FIELDS:
        return f"a {kind} in a Workflow"
    if kind == "Schedule":
        return "a Schedule"
    check = template.status_check
    if kind == "StatusCheck" and check is not None and check.endless:
        return "a continuous StatusCheck that succeeds"
    return ""
