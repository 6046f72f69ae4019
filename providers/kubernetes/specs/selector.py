"""Which pods and containers a chaos touches: selector, mode and value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, Literal

from pydantic import Field

from bridge.model.problem import Problem, Severity
from bridge.model.wording import child
from providers.kubernetes.specs.base import ChaosModel, TextListMap, TextMap
from providers.kubernetes.specs.findings import unknown_words
from providers.kubernetes.specs.problems import meant, shown
from providers.kubernetes.specs.quantities import integer_of

Mode = Literal["one", "all", "fixed", "fixed-percent", "random-max-percent"]

_OPERATORS: Final = ("In", "NotIn", "Exists", "DoesNotExist")
_PHASES: Final = ("Pending", "Running", "Succeeded", "Failed", "Unknown")
_PERCENT: Final = 100


class LabelExpression(ChaosModel):
    """One set-based requirement on labels."""

    key: str = Field(description="The label.")
    operator: str = Field(
        description="How the label is compared.", json_schema_extra={"choices": list(_OPERATORS)}
    )
    values: Annotated[
        list[str] | None, Field(json_schema_extra={"x-kubernetes-list-type": "atomic"})
    ] = Field(default=None, description="The label's values, for In and NotIn.")

    def findings(self, path: str) -> Iterator[Problem]:
        """Operators that the CRD takes as any text, and that then select nothing."""
        if self.operator not in _OPERATORS:
            hint = meant(self.operator, _OPERATORS)
            message = f"{shown(self.operator)} is not one of {', '.join(_OPERATORS)}"
            yield Problem(
                child(path, "operator"), f"{message}; {hint}" if hint else message, Severity.WARNING
            )


class GenericSelectorSpec(ChaosModel):
    """What pods or physical machines have in common; all that is given must hold."""

    annotation_selectors: TextMap | None = Field(
        default=None, description="Annotations with their values, all of which must be there."
    )
    expression_selectors: list[LabelExpression] | None = Field(
        default=None, description="Set-based requirements on labels."
    )
    field_selectors: TextMap | None = Field(
        default=None, description="Fields of the object with their values, like metadata.name."
    )
    label_selectors: TextMap | None = Field(
        default=None,
        description="Labels with their values, all of which must be there.",
        json_schema_extra={"example": {"app": "carts"}},
    )
    namespaces: list[str] | None = Field(
        default=None,
        description="The namespaces that are looked in; without it, that of the resource.",
    )


class PodSelectorSpec(GenericSelectorSpec):
    """What pods have in common; all that is given must hold."""

    node_selectors: TextMap | None = Field(
        default=None, description="Labels, with their values, of the nodes that pods run on."
    )
    nodes: list[str] | None = Field(
        default=None, description="Names of the nodes that pods run on."
    )
    pod_phase_selectors: list[str] | None = Field(
        default=None, description=f"Phases that pods are in: {', '.join(_PHASES)}."
    )
    pods: TextListMap | None = Field(
        default=None,
        description="Names of pods by namespace; everything else is then ignored.",
        json_schema_extra={"example": {"default": ["carts-0"]}},
    )

    def findings(self, path: str) -> Iterator[Problem]:
        """Selectors that are ignored or can match nothing."""
        if self.pods:
            for name, field in type(self).model_fields.items():
                if name not in ("pods", "namespaces") and getattr(self, name):
                    message = "is ignored because pods names the pods, leave one of them out"
                    yield Problem(child(path, field.alias or name), message, Severity.WARNING)
        where = child(path, "podPhaseSelectors")
        yield from unknown_words(
            self.pod_phase_selectors, _PHASES, where, "so no pod is selected by it"
        )


class PodSelection(ChaosModel):
    """How many of the selected pods: the mode, and its value."""

    mode: Mode = Field(
        description="How many of the selected pods: one at random, all of them, "
        "a fixed number, a percentage, or a random percentage up to value."
    )
    selector: PodSelectorSpec = Field(
        description="What the pods have in common; an empty one takes all of the namespace."
    )
    value: str | None = Field(
        default=None,
        description="A number of pods, or a percentage, depending on the mode; as text.",
        json_schema_extra={"example": "2"},
    )

    def findings(self, path: str) -> Iterator[Problem]:
        """The webhook's rules for `value`; it is text even where it is a number."""
        yield from super().findings(path)
        yield from value_problems(self.mode, self.value, path)


class ContainerSelection(PodSelection):
    """The selected pods, and which of their containers."""

    container_names: list[str] | None = Field(
        default=None, description="Without it, the first container of each pod."
    )


def value_problems(mode: Mode, value: str | None, path: str) -> Iterator[Problem]:
    """Yield what the webhook refuses in the `value` of a mode, and what is ignored.

    `path` is the JSON path of the object that holds both.
    """
    where = child(path, "value")
    if mode in ("one", "all"):
        if value:
            message = f'is ignored with mode "{mode}", leave it out'
            yield Problem(where, message, Severity.WARNING)
        return
    example = '"2"' if mode == "fixed" else '"50"'
    if not value:
        yield Problem(where, f'is required with mode "{mode}", write it like {example}')
        return
    try:
        number = integer_of(value)
    except ValueError as refusal:
        yield Problem(where, str(refusal))
        return
    if number <= 0:
        message = f"{shown(value)} selects nothing, write a number above 0, like {example}"
        yield Problem(where, message)
    elif mode != "fixed" and number > _PERCENT:
        message = f'{shown(value)} is not a percentage, write "1" to "100"'
        yield Problem(where, message)
