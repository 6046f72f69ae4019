"""A policy as it is evaluated: every field read, every operator known."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Effect(StrEnum):
    """What a statement does to the requests that it speaks about."""

    ALLOW = "Allow"
    DENY = "Deny"


class Quantifier(StrEnum):
    """How the values of a request are taken where there are several."""

    ONE = ""
    ANY = "ForAnyValue"
    ALL = "ForAllValues"


@dataclass(frozen=True, slots=True)
class Condition:
    """One key of a ``Condition`` block under one operator."""

    operator: str
    """The operator without its prefix and suffix, such as ``StringLike``."""
    key: str
    """The context key as it was written; keys are compared without regard to case."""
    values: tuple[str, ...]
    quantifier: Quantifier = Quantifier.ONE
    if_exists: bool = False

    @property
    def written(self) -> str:
        """The operator as it is written in a document."""
        prefix = f"{self.quantifier}:" if self.quantifier else ""
        return f"{prefix}{self.operator}{'IfExists' if self.if_exists else ''}"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. Of ``actions`` and ``not_actions`` one is empty; likewise of resources."""

    index: int
    sid: str
    effect: Effect
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()

    @property
    def label(self) -> str:
        """The Sid, or where there is none the place: ``Statement[0]``."""
        return self.sid or f"Statement[{self.index}]"


@dataclass(frozen=True, slots=True)
class Policy:
    """A named policy."""

    name: str
    statements: tuple[Statement, ...]
