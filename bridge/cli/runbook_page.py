"""The page of a runbook: from what a bridge found out to Markdown. Pure, no I/O, no clock."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bridge.cli.exits import MEANINGS
from bridge.cli.markdown import code, fenced, inline, table
from providers.by_hand import ByHand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bridge.client.preflight import Plan, PlannedAction, PlannedTarget, Preflight

_MOST: Final = 20
"""Resources of one target that are named, each with its own commands."""
_BLANK: Final = "`________`"
_NOT_ASKED: Final = "not asked"
_MARKS: Final = {"ok": "there", "missing": "**missing**", "cannot-check": _NOT_ASKED}
_UNDO: Final = {
    "restores": "undone when it ends",
    "lasting": "**stays** when it completes; a stop or failure before that undoes it",
    "none": "**cannot be undone**",
}
_STATES: Final = {
    "clear": "OK",
    "triggered": "**triggered: no run can begin**",
    "unreadable": "**unreadable: a run would stop**",
}


@dataclass(frozen=True)
class Subject:
    """What the runbook is about, as its commands name it."""

    template: str
    options: tuple[str, ...] = ()
    """Further words of a command line about it (``--role ARN``)."""

    def line(self, *words: str, after: tuple[str, ...] = ()) -> str:
        """Return a command line about the template."""
        return shlex.join(["faultbridge", *words, self.template, *self.options, *after])


def page(subject: Subject, found: Preflight, plan: Plan, grants: str) -> str:
    """Return the runbook."""
    parts = (
        _head(subject, plan),
        _hypothesis(plan),
        _blast_radius(plan),
        _stop_conditions(plan),
        _rights(subject, found, grants),
        _commands(subject, plan),
        _afterwards(),
        _by_hand(plan),
    )
    lines = [line for part in parts for line in part]
    return "\n".join(lines).rstrip("\n") + "\n"


def _head(subject: Subject, plan: Plan) -> Iterator[str]:
    yield f"# Game day: {inline(plan.description or subject.template)}"
    yield from ("", f"Written by {code(subject.line('runbook'))}. Write it anew before the day:")
    yield "targets and rights change. What is to be filled in by you looks like " + _BLANK + "."
    yield ""
    yield from _check_list(
        "Who and when",
        "Day and time, in a window in which runs may be",
        "Leads and types the commands",
        "Watches the service, and says stop",
        "Told beforehand (on call, support, owners of the targets)",
        "Where it is talked about, and where this page is",
    )


def _check_list(heading: str, *questions: str) -> Iterator[str]:
    yield from (f"## {heading}", "")
    yield from (f"- [ ] {question}: {_BLANK}" for question in questions)
    yield ""


def _hypothesis(plan: Plan) -> Iterator[str]:
    yield from ("## Hypothesis", "")
    yield f"When this happens: {inline(plan.description)},"
    yield ""
    yield f"- [ ] users notice: {_BLANK}"
    yield f"- [ ] the steady state is, with its numbers: {_BLANK}"
    yield f"- [ ] and it stays so, or is back within: {_BLANK}"
    if plan.stop_conditions:
        values = ", ".join(code(one.value or one.source) for one in plan.stop_conditions)
        yield f"- [ ] it is measured by the stop conditions ({values}), and by: {_BLANK}"
    else:
        yield f"- [ ] it is measured by: {_BLANK}"
    yield ""


def _blast_radius(plan: Plan) -> Iterator[str]:
    yield from ("## Blast radius", "", "As the targets resolve now. A run resolves them anew.")
    if plan.targets:
        rows = ((code(one.name), code(one.resource_type), *_radius(one)) for one in plan.targets)
        yield from table(("target", "of type", "takes", "from"), rows)
    actions = (
        (
            code(one.name),
            inline(one.description),
            _when(one),
            _lasts(one),
            _UNDO.get(one.undo, inline(one.undo)) if one.targets else "nothing: it touches nothing",
            _reaches(one),
        )
        for one in plan.actions
    )
    yield from table(
        ("action", "what it does", "begins", "lasts", "then", "reaches besides"), actions
    )
    yield ""


def _radius(target: PlannedTarget) -> tuple[str, str]:
    if target.taken is None:
        return inline(target.selection_mode), f"{_NOT_ASKED}: {inline(target.problem)}"
    several = f"{target.taken} of {len(target.resources)} ({inline(target.selection_mode)})"
    return several, _named(target.resources) or "none found"


def _named(resources: tuple[str, ...]) -> str:
    more = len(resources) - _MOST
    shown = "<br>".join(code(one) for one in resources[:_MOST])
    return shown + (f"<br>and {more} more" if more > 0 else "")


def _when(action: PlannedAction) -> str:
    if not action.start_after:
        return "at once"
    return "after " + ", ".join(code(one) for one in action.start_after)


def _lasts(action: PlannedAction) -> str:
    if action.ends == "instant":
        return "an instant"
    return ("" if action.ends == "lasts" else "at most ") + code(action.length)


def _reaches(action: PlannedAction) -> str:
    if action.reaches is None:
        return _NOT_ASKED
    groups = (
        f"{one.size} of {len(one.resources)} {inline(one.name)}:<br>{_named(one.resources)}"
        for one in action.reaches
    )
    return "<br>".join(groups) or "nothing"


def _stop_conditions(plan: Plan) -> Iterator[str]:
    yield from ("## Stop conditions", "")
    if not plan.stop_conditions:
        yield "**None**: only a person stops this run. Name who: " + _BLANK
    else:
        yield "Any of them stops the run, and everything is undone."
        rows = (
            (
                code(one.value or one.source),
                code(one.source),
                _STATES.get(one.state or "", f"{_NOT_ASKED}, or only heard when it is pushed"),
            )
            for one in plan.stop_conditions
        )
        yield from table(("condition", "source", "now"), rows)
    yield ""


def _rights(subject: Subject, found: Preflight, grants: str) -> Iterator[str]:
    yield from ("## Rights", "")
    counts = Counter(one.verdict for one in found.findings if one.need == "required")
    told = ", ".join(f"{counts[key]} {word}" for key, word in _MARKS.items() if counts[key])
    verdict = "passes" if found.passed else "**fails**"
    yield f"The preflight {verdict} now. Of what is required: {told or 'nothing'}."
    missing = [one for one in found.findings if one.verdict != "ok" and one.need == "required"]
    if missing:
        rows = (
            (
                code(one.what),
                _MARKS.get(one.verdict, inline(one.verdict)),
                inline(one.place),
                inline(one.reason),
            )
            for one in missing
        )
        yield from table(("right", "now", "where", "why"), rows)
    yield from ("", f"What is to be granted, as {code(subject.line('grants'))} has it:", "")
    yield from ("<details><summary>Policies, roles and bindings</summary>", "")
    yield from (*fenced(grants), "", "</details>", "")


def _commands(subject: Subject, plan: Plan) -> Iterator[str]:
    yield from ("## Commands", "", "They speak to the bridge at `FAULTBRIDGE_URL`.")
    steps: tuple[tuple[str, list[str]], ...] = (
        ("Is the template right?", [subject.line("validate")]),
        ("Can a run begin? Everything is asked, nothing is changed:",
         [subject.line("validate", after=("--preflight",))]),
        ("Note what undoing by hand would need: [below](#undo-by-hand).", []),
        ("Start:", [f"EXPERIMENT=$({subject.line('run')})"]),
        ("Watch. The exit code is the verdict:",
         ['faultbridge watch "$EXPERIMENT" --junit junit.xml']),
        ("**Stop**, at any time and from anywhere; everything is undone:",
         ['faultbridge stop "$EXPERIMENT"']),
        ("Verify that it has ended and that nothing is left marked:",
         ["faultbridge experiments --limit 5", "faultbridge rescue --dry-run"]),
    )  # fmt: skip
    for number, (what, lines) in enumerate(steps, 1):
        yield from ("", f"{number}. {what}")
        if lines:
            yield from ("", *(f"   {line}" for line in fenced("\n".join(lines), "sh")))
    lasting = [one for one in plan.actions if one.undo != "restores"]
    if lasting:
        names = ", ".join(code(one.name) for one in lasting)
        yield from ("", f"What {names} did is still there after a run that completes.")
    yield from table(
        ("exit code", "meaning"),
        ((str(int(key)), inline(text.split("; of")[0])) for key, text in MEANINGS.items()),
    )
    yield ""


def _afterwards() -> Iterator[str]:
    yield from _check_list(
        "Afterwards",
        "Held the hypothesis? What was seen, with its times",
        "How long until it was noticed, and by whom or what",
        "How long until all was well again",
        "What is to be mended, by whom, until when",
    )


def _by_hand(plan: Plan) -> Iterator[str]:
    yield from ("## Undo by hand", "")
    yield "Not needed while any bridge of the installation runs: it undoes, also after a crash."
    yield "Where its database is lost, `faultbridge rescue` undoes by the marks on the resources."
    yield "By hand only where neither is to be had. What stands in CAPITALS is what you noted."
    targets = {one.name: one for one in plan.targets}
    for action in plan.actions:
        yield from ("", f"### {inline(action.name)}", "")
        told = action.by_hand
        undoing = f"Undoing would {inline(action.undoing)}. " if action.undoing else ""
        yield f"{code(action.action_id)}. {undoing}{inline(told.says)}".rstrip()
        by_hand = ByHand(told.undo, told.note)
        names = [name for one in action.targets if one in targets
                 for name in targets[one].resources]  # fmt: skip
        shown = [by_hand.on(name) for name in names[:_MOST]] or [by_hand.on("")]
        if told.note:
            yield from ("", "Note before the run:", "")
            yield from fenced("\n".join(dict.fromkeys(n for one in shown for n in one.note)), "sh")
        if told.undo:
            yield from ("", "Afterwards, in this order:", "")
            yield from fenced("\n".join(dict.fromkeys(n for one in shown for n in one.undo)), "sh")
        if len(names) > _MOST:
            yield from ("", f"The same for {len(names) - _MOST} more, by their own names.")
    yield ""
