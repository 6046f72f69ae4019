"""The chaos that a Schedule or a template of a Workflow holds: one field for each kind.

The CRD judges every one of them, the webhook only that of the type; what else is written is stored
and never read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from pydantic import Field, create_model

from bridge.model.problem import Problem, Severity
from bridge.model.wording import child
from providers.kubernetes.specs.base import ChaosModel, ChaosSpec
from providers.kubernetes.specs.chaos_kinds import CHAOS
from providers.kubernetes.specs.kinds import KINDS

# Upstream writes the kind in camel case, one of them with a slip.
_ODD: Final = {"PhysicalMachineChaos": "physicalmachineChaos"}


def _field(kind: str) -> str:
    stem = kind.removesuffix("Chaos")
    return (
        _ODD.get(kind) or f"{stem.lower() if stem.isupper() else stem[0].lower() + stem[1:]}Chaos"
    )


FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {kind.name: _field(kind.name) for kind in KINDS.values() if kind.chaos}
)
"""The kinds of chaos, and the field that holds the spec of each: PodChaos is in ``podChaos``."""

if TYPE_CHECKING:

    class _ChaosFields(ChaosModel):
        """One optional field for each kind; a kind that has no model yet is any object."""

else:
    _ChaosFields = create_model(
        "_ChaosFields",
        __base__=ChaosModel,
        **{
            field: (
                CHAOS.get(kind, dict[str, Any]) | None,
                Field(default=None, description=f"The spec of a {kind}."),
            )
            for kind, field in FIELDS.items()
        },
    )


class EmbeddedChaos(_ChaosFields):
    """What embeds chaos by a type and the field of that type."""

    def chaos(self, kind: str) -> ChaosSpec | dict[str, Any] | None:
        """The spec of a kind, None where it is not there, or is no kind of chaos."""
        field = FIELDS.get(kind)
        return getattr(self, field) if field else None

    def embedded(self) -> list[str]:
        """The kinds whose spec is there."""
        return [kind for kind, field in FIELDS.items() if getattr(self, field) is not None]

    def chaos_findings(self, kind: str, path: str) -> Iterator[Problem]:
        """What the webhook of the kind itself would find in its spec.

        Not that a duration is missing: what embeds the chaos knows better what that means here.
        """
        spec = self.chaos(kind)
        if not isinstance(spec, ChaosSpec):
            return
        inside = child(path, FIELDS[kind])
        ending = child(inside, "duration") if spec.duration is None else None
        for problem in spec.all_findings(inside):
            if problem.path != ending:
                yield problem


def endless(kind: str, spec: ChaosSpec | Mapping[str, Any] | None) -> bool:
    """Whether a chaos has to be ended from outside: no duration, and not over at once."""
    if spec is None:
        return False
    if isinstance(spec, ChaosSpec):
        action, duration = getattr(spec, "action", None), spec.duration
    else:
        action, duration = spec.get("action"), spec.get("duration")
    return not duration and action not in KINDS[kind].one_shot


def later(problems: Iterable[Problem], consequence: str) -> Iterator[Problem]:
    """What is refused only when its turn comes: the cluster takes the whole today.

    `consequence` goes on the sentence of an error: "…, and the Pod is not created then".
    """
    for problem in problems:
        if problem.severity is Severity.ERROR:
            message = f"{problem.message}; the cluster takes it now, {consequence}"
            yield replace(problem, message=message, severity=Severity.WARNING)
        else:
            yield problem
