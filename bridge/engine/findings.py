"""What a preflight's answers mean: each declared right with what is known of it, and the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from bridge.catalog.needs import ASSUMING, Need, Place, Who
from providers.checks import Check, Verdict

if TYPE_CHECKING:
    from bridge.model.template import ExperimentTemplate

STOP_CONDITIONS: Final = "stopConditions"
_STRENGTH: Final = {Verdict.OK: 0, Verdict.UNCHECKED: 1, Verdict.MISSING: 2}
_NOT_ASKED: Final = "nothing asks for it before the run; the call itself would find out"


@dataclass(frozen=True)
class Finding:
    """One right, or one thing that must be there, and what is known of it."""

    what: str
    """The right that is to be granted, in the cloud's own words, or what is looked for."""
    verdict: Verdict
    who: Who
    place: Place
    need: str = "required"
    """``required``, ``indirect`` or ``optional``: only the first can stop a run."""
    resources: tuple[str, ...] = ()
    wanted_by: tuple[str, ...] = ()
    reason: str = ""
    mend: str = ""
    holder: str = ""
    """Whose, where it is an identity in between."""


@dataclass
class Asked:
    """What was found out of one part of the template."""

    checks: list[Check] = field(default_factory=list)
    denied: str = ""
    failed: str = ""
    silent: str = ""
    """Why nothing was asked."""

    @property
    def silence(self) -> str:
        """Why the cloud did not answer; empty where it did."""
        return self.denied or self.failed or self.silent


Answers = Mapping[str, Asked]
"""By path in the template."""


def findings(template: ExperimentTemplate, needs: Sequence[Need], asked: Answers) -> list[Finding]:
    """Return what is known of each right, and what else was asked; rights first."""
    return [*_of_needs(needs, asked), *_others(template, needs, asked)]


def known(need: Need, needs: Sequence[Need], asked: Answers) -> tuple[Verdict, str, str]:
    """Return what is known of a right: what was asked, else what its use has shown.

    With the reason, and a mend where there is one.
    """
    answers = [check for part in asked.values() for check in part.checks if _answers(check, need)]
    if answers:
        worst = max(answers, key=lambda check: _STRENGTH[check.verdict])
        return worst.verdict, worst.reason, worst.mend
    parts = [asked[path] for path in need.wanted_by if path in asked]
    for part in parts:
        if part.denied and _names(part.denied, need):
            return Verdict.MISSING, part.denied, ""
    if _shown(need, needs, asked):
        return Verdict.OK, "", ""
    return Verdict.UNCHECKED, next((p.silence for p in parts if p.silence), _NOT_ASKED), ""


def _shown(need: Need, needs: Sequence[Need], asked: Answers) -> bool:
    """Say whether its use has shown that it is there: targets found, conditions read, role taken.

    What an action alone needs of the experiment's identity is not used before the run. Of several
    rights that a target needs one may have done, so none is taken to be shown.
    """
    answered = [path for path in need.wanted_by if path in asked and not asked[path].silence]
    if need.permission == ASSUMING:
        return bool(answered)
    if not need.required:
        return False
    if need.who is not Who.EXPERIMENT:
        return len(answered) == len(need.wanted_by)
    return any(
        path.startswith("targets.")
        and sum(path in one.wanted_by for one in needs if _used(one)) == 1
        for path in answered
    )


def _used(need: Need) -> bool:
    return need.who is Who.EXPERIMENT and need.required


def _of_needs(needs: Sequence[Need], asked: Answers) -> Iterator[Finding]:
    for need in needs:
        verdict, reason, mend = known(need, needs, asked)
        yield Finding(
            need.permission,
            verdict,
            need.who,
            need.place,
            need.need,
            need.resources,
            need.wanted_by,
            reason,
            mend,
            need.holder,
        )


def _others(
    template: ExperimentTemplate, needs: Sequence[Need], asked: Answers
) -> Iterator[Finding]:
    """Yield what was asked and is no declared right: kinds, namespaces, controllers."""
    for path, part in asked.items():
        who = Who.READER if path == STOP_CONDITIONS else Who.EXPERIMENT
        for check in dict.fromkeys(part.checks):
            if not any(_answers(check, need) for need in needs):
                yield Finding(
                    check.what,
                    check.verdict,
                    who,
                    Place(check.cloud, check.account, check.region, check.namespace),
                    wanted_by=(path,),
                    reason=check.reason,
                    mend=check.mend,
                )
        explained = any(path in one.wanted_by and _names(part.denied, one) for one in needs)
        if part.failed or (part.denied and not explained):
            yield Finding(
                "an answer",
                Verdict.MISSING if part.denied else Verdict.UNCHECKED,
                who,
                Place(template.scope.cloud, template.scope.account),
                wanted_by=(path,),
                reason=part.denied or part.failed,
            )


def _names(denial: str, need: Need) -> bool:
    if need.permission == ASSUMING and not any(f"role {one}." in denial for one in need.resources):
        return False  # it is about another step of the chain
    return re.search(rf"(?<![\w.:]){re.escape(need.permission)}(?!\w)", denial) is not None


def _answers(check: Check, need: Need) -> bool:
    place = need.place
    return (
        need.who is Who.EXPERIMENT
        and check.what == need.permission
        and (check.cloud, check.account) == (place.cloud, place.account)
        and (not place.namespace or check.namespace == place.namespace)
        and (not place.region or check.region in ("", place.region))
    )
