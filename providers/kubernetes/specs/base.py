"""What all chaos specs share: strictness, null pruning, the field types, and the two passes.

A cluster judges a resource twice: the schema of its CRD, then Chaos Mesh's webhook. Field types and
constraints here are the first pass, `findings` is the second, which only runs on a spec that passed
the first.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)
from pydantic.alias_generators import to_camel

from bridge.model.problem import Problem, Severity
from bridge.model.wording import child
from providers.kubernetes.specs.problems import json_type, shown

from . import durations, quantities

# The range in which a float holds every whole number; the API server takes 2.0 for 2 within it.
_EXACT_FLOAT: Final = 2**53 - 1
_INT64: Final = 1 << 63
_UINT32: Final = (1 << 32) - 1
_LONG: Final = 20  # digits
_ENCODED: Final = 60  # characters; longer texts are not encoded for the message
# As the API server's format "byte" has it, which wants at least one group of four characters.
_BASE64: Final = re.compile(
    r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})"
)


def _whole_number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        mend = f"write {value} without quotes" if _is_digits(value) else "write digits"
        raise ValueError(f"must be a whole number, is {json_type(value)}, {mend}")  # noqa: TRY004 - pydantic collects ValueError only
    if isinstance(value, float):
        if not (value.is_integer() and abs(value) <= _EXACT_FLOAT):
            raise ValueError(f"{value} is not a whole number, leave the fraction out")
        return int(value)
    if not -_INT64 <= value < _INT64:
        raise ValueError("is beyond 64 bits, write a smaller number")
    return value


def _is_digits(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < _LONG


def _within_32_bits(value: int) -> int:
    # The schema says int32 and the API server does not enforce it; the webhook reads a uint32.
    if value > _UINT32:
        raise ValueError(f"{value} is out of range, write {_UINT32} or less")
    return value


def _within(low: int, high: int) -> AfterValidator:
    # The schema has no bounds here: the webhook refuses what does not fit into its Go type.
    def check(value: int) -> int:
        if not low <= value <= high:
            raise ValueError(f"{value} is out of range, write {low} to {high}")
        return value

    return AfterValidator(check)


def _base64_text(text: str) -> str:
    if not _BASE64.fullmatch(text):
        encoded = base64.b64encode(text[:_ENCODED].encode("utf-8", "replace")).decode()
        mend = f'write "{encoded}"' if text and len(text) <= _ENCODED else "encode it"
        raise ValueError(f"{shown(text)} is not base64, {mend}")
    return text


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: member for key, member in value.items() if member is not None}
    return value


def _duration_or_empty(text: str) -> str:
    if text:
        durations.parse_go_duration(text)
    return text


Integer = Annotated[int, BeforeValidator(_whole_number)]
Uint32 = Annotated[
    Integer, AfterValidator(_within_32_bits), Field(json_schema_extra={"format": "int32"})
]
"""An unsigned 32-bit integer whose lower bound the schema states."""
Int64 = Annotated[Integer, Field(json_schema_extra={"format": "int64"})]
Int32 = Annotated[
    Integer, _within(-(1 << 31), (1 << 31) - 1), Field(json_schema_extra={"format": "int32"})
]
Unsigned8 = Annotated[Integer, _within(0, (1 << 8) - 1)]
Unsigned16 = Annotated[Integer, _within(0, (1 << 16) - 1)]
Unsigned32 = Annotated[Integer, _within(0, _UINT32), Field(json_schema_extra={"format": "int32"})]
Unsigned64 = Annotated[
    Integer, _within(0, _INT64 - 1), Field(json_schema_extra={"format": "int64"})
]
Unsigned = Annotated[Integer, _within(0, _INT64 - 1)]
Base64Text = Annotated[
    str,
    AfterValidator(_base64_text),
    Field(json_schema_extra={"format": "byte", "example": "eyJzdGF0dXMiOiAib2sifQ=="}),
]
TextMap = Annotated[dict[str, str], BeforeValidator(_without_nulls)]
TextListMap = Annotated[dict[str, list[str]], BeforeValidator(_without_nulls)]
GoDuration = Annotated[
    str, AfterValidator(_duration_or_empty), Field(json_schema_extra={"example": "30s"})
]
"""A Go duration; empty passes, as if nothing were written."""
SingleUnitDuration = Annotated[
    str,
    AfterValidator(durations.single_unit_duration),
    Field(
        json_schema_extra={
            "pattern": r"^[0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h)$",
            "example": "90ms",
        }
    ),
]
NumberText = Annotated[str, AfterValidator(quantities.float_text)]
CorrelationText = Annotated[str, AfterValidator(quantities.correlation_text)]
RateText = Annotated[str, AfterValidator(quantities.rate_text)]
SizeText = Annotated[str, AfterValidator(quantities.size_text)]


class ChaosModel(BaseModel):
    """An object of a chaos spec: unknown fields are refused, types are not converted."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        hide_input_in_errors=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _prune_nulls(cls, value: Any) -> Any:
        # The API server drops a null where the schema is not nullable, as if it were not there;
        # an unknown field stays unknown, whatever its value.
        if not isinstance(value, Mapping):
            return value
        known = {field.alias or name for name, field in cls.model_fields.items()}
        return {
            key: member for key, member in value.items() if member is not None or key not in known
        }

    def findings(self, path: str) -> Iterator[Problem]:  # noqa: ARG002 - for those that have some
        """What the webhook refuses in this object, and what it accepts though it cannot work.

        `path` is the JSON path of this object. Members that are objects are asked on their own.
        """
        yield from ()

    def reads(self, name: str) -> bool:  # noqa: ARG002 - for those that leave some unread
        """Whether anybody reads this member, so that its own findings matter."""
        return True

    def all_findings(self, path: str) -> Iterator[Problem]:
        """The findings of this object and of every object in it, from the outside in."""
        yield from self.findings(path)
        for name, field in type(self).model_fields.items():
            member = getattr(self, name) if self.reads(name) else None
            below = child(path, field.alias or name)
            if isinstance(member, ChaosModel):
                yield from member.all_findings(below)
            elif isinstance(member, list):
                for index, item in enumerate(member):
                    if isinstance(item, ChaosModel):
                        yield from item.all_findings(child(below, index))


class ChaosSpec(ChaosModel):
    """The `spec` of one kind of chaos."""

    one_shot_actions: ClassVar[frozenset[str]] = frozenset()

    duration: GoDuration | None = Field(
        default=None, description="How long the chaos lasts, from the creation of the resource."
    )
    remote_cluster: str | None = Field(
        default=None, description="The registered cluster in which the chaos is to be created."
    )

    def findings(self, path: str) -> Iterator[Problem]:
        """The duration; a kind adds its own rules."""
        yield from super().findings(path)
        yield from self.duration_findings(path)

    def duration_findings(self, path: str) -> Iterator[Problem]:
        """Durations that the cluster accepts though they end nothing, or end it at once."""
        if self.duration is None:
            return
        where = child(path, "duration")
        action = getattr(self, "action", None)
        if action in self.one_shot_actions:
            yield Problem(
                where, f"{action} happens once and ignores it, leave it out", Severity.WARNING
            )
        elif not self.duration:
            message = 'is empty, so the chaos never ends by itself, write it like "30s"'
            yield Problem(where, message, Severity.WARNING)
        elif durations.parse_go_duration(self.duration) <= timedelta(0):
            message = f'"{self.duration}" is over before it begins, write it like "30s"'
            yield Problem(where, message, Severity.WARNING)
