"""The guardrails' settings: what no run may touch, how much, how long, and when.

They are settings like the others (prefix ``FAULTBRIDGE_``), in a module of their own. Which rule
is kept where stands in `bridge.catalog.guardrails` (templates), `bridge.engine.guardrails` (runs)
and `bridge.store.limits` (all runs of the store together).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bridge.model.moment import format_duration, parse_duration
from bridge.model.window import Calendar, Window, describe, parse_windows

_Patterns = Annotated[tuple[str, ...], NoDecode]
_Windows = Annotated[tuple[Window, ...], NoDecode]
_MOST_PATTERNS = 100
_LONGEST_PATTERN = 512


class GuardrailSettings(BaseSettings):
    """Settings that keep runs within bounds. All of them are off until they are set, but one."""

    model_config = SettingsConfigDict(env_prefix="FAULTBRIDGE_", frozen=True, extra="ignore")

    protected_tags: _Patterns = Field(
        default=(),
        max_length=_MOST_PATTERNS,
        description="Resources with one of these tags or labels are never touched: `key` or "
        "`key=value` separated by commas, `*` standing for anything, in any case of letters.",
    )
    protected_namespaces: _Patterns = Field(
        default=("kube-system", "chaos-mesh"),
        max_length=_MOST_PATTERNS,
        description="Kubernetes namespaces in which nothing is injected, separated by commas, "
        "`*` standing for anything; set to nothing to allow all.",
    )
    maximum_share: int | None = Field(
        default=None,
        ge=1,
        le=100,
        description="Most of what a target's query finds that may be taken, in percent; "
        "resources named one by one are no query.",
    )
    maximum_targets: int | None = Field(
        default=None, ge=1, description="Most resources that one action may touch."
    )
    maximum_targets_at_once: int | None = Field(
        default=None,
        ge=1,
        description="Most resources that all open runs together may touch at the same time.",
    )
    maximum_action_duration: timedelta | None = Field(
        default=None,
        description="Longest duration of an action; a fault that stays when its action completes "
        "is refused too.",
    )
    maximum_run_duration: timedelta | None = Field(
        default=None, description="Longest plan of a run, counted along `startAfter`."
    )
    allowed_windows: _Windows = Field(
        default=(),
        description="When runs may be, if not always: `Mon-Fri 09:00-17:00 Europe/Berlin`, "
        "`daily 22:00-06:00 UTC` or `2026-12-20T00:00Z/2027-01-04T00:00Z`, separated by `;`.",
    )
    excluded_windows: _Windows = Field(
        default=(),
        description="When runs may not be, written as `allowed_windows`; stronger than those.",
    )

    @field_validator("maximum_action_duration", "maximum_run_duration", mode="before")
    @classmethod
    def _length(cls, value: object) -> object:
        read = parse_duration(value) if isinstance(value, str) and value.strip() else value
        if isinstance(read, timedelta) and read <= timedelta():
            raise ValueError('is no time at all; write a duration like "PT30M"')
        return None if read == "" else read

    @field_validator("maximum_share", "maximum_targets", "maximum_targets_at_once", mode="before")
    @classmethod
    def _number(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("protected_tags", "protected_namespaces", mode="before")
    @classmethod
    def _patterns(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        found = tuple(name for part in value.split(",") if (name := part.strip()))
        for one in found:
            if len(one) > _LONGEST_PATTERN:
                raise ValueError(f"has a name of {len(one)} characters; shorten it to 512")
        return found

    @field_validator("protected_tags")
    @classmethod
    def _tags(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            if not one.partition("=")[0].strip():
                raise ValueError(f'"{one[:64]}" has no key; write key or key=value')
        return value

    @field_validator("allowed_windows", "excluded_windows", mode="before")
    @classmethod
    def _windows(cls, value: object) -> object:
        return parse_windows(value) if isinstance(value, str) else value

    @property
    def calendar(self) -> Calendar:
        """When runs may be."""
        return Calendar(self.allowed_windows, self.excluded_windows)

    @property
    def looks_at_targets(self) -> bool:
        """Whether a guardrail depends on what there is to touch."""
        counted = (self.maximum_share, self.maximum_targets, self.maximum_targets_at_once)
        return bool(self.protected_tags) or any(one is not None for one in counted)

    def protecting(self, tags: Mapping[str, str]) -> str | None:
        """Return which of the protected tags a resource with these tags bears, or None."""
        for pattern in self.protected_tags:
            key, equals, value = pattern.partition("=")
            for name, text in tags.items():
                if _fits(name, key.strip()) and (not equals or _fits(text, value.strip())):
                    return pattern
        return None

    def protects_namespace(self, namespace: str) -> str | None:
        """Return which pattern protects a namespace, or None."""
        matching = (one for one in self.protected_namespaces if _fits(namespace, one))
        return next(matching, None)

    def named(self, setting: str) -> str:
        """Return a guardrail as a violation names it: its variable with its value."""
        return f"guardrail FAULTBRIDGE_{setting.upper()} ({_shown(getattr(self, setting))})"


def _fits(text: str, pattern: str) -> bool:
    # Only the star is special; the case of letters is not what keeps a resource alive.
    plain = pattern.replace("[", "[[]").replace("?", "[?]")
    return fnmatchcase(text.lower(), plain.lower())


def _shown(value: object) -> str:
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, tuple):
        windows = [one for one in value if not isinstance(one, str)]
        text = describe(windows) if windows else ",".join(value)
        return text if len(text) <= 100 else text[:99] + "…"  # noqa: PLR2004 - fits into a reason
    return str(value)
