"""Settings of the guardrails: read from the environment, bounded, refused with the mend."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from bridge.model.moment import Micros
from bridge.settings import Settings


def read(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(f"FAULTBRIDGE_{name.upper()}", value)
    return Settings()


def test_all_but_one_are_off_until_they_are_set() -> None:
    settings = Settings()
    assert settings.protected_namespaces == ("kube-system", "chaos-mesh")
    assert not settings.protected_tags
    assert settings.calendar.closed(Micros(0)) is None
    assert not settings.looks_at_targets
    assert settings.maximum_action_duration is settings.maximum_run_duration is None


def test_they_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(
        monkeypatch,
        protected_tags="team, env = prod*,",
        protected_namespaces="",
        maximum_share="50",
        maximum_targets="5",
        maximum_targets_at_once="",
        maximum_action_duration="PT30M",
        maximum_run_duration="",
        allowed_windows="Mon-Fri 09:00-17:00 Europe/Berlin",
        excluded_windows="",
    )
    assert settings.protected_tags == ("team", "env = prod*")
    assert settings.protected_namespaces == ()
    assert (settings.maximum_share, settings.maximum_targets) == (50, 5)
    assert settings.maximum_targets_at_once is None
    assert settings.maximum_action_duration == timedelta(minutes=30)
    assert settings.maximum_run_duration is None
    assert settings.named("allowed_windows") == (
        "guardrail FAULTBRIDGE_ALLOWED_WINDOWS (Mon-Fri 09:00-17:00 Europe/Berlin)"
    )
    assert settings.excluded_windows == ()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("maximum_share", "0", "greater than or equal to 1"),
        ("maximum_share", "101", "less than or equal to 100"),
        ("maximum_targets", "0", "greater than or equal to 1"),
        ("maximum_targets_at_once", "many", "valid integer"),
        ("maximum_action_duration", "30m", 'write it like "PT30S"'),
        ("maximum_run_duration", "PT0S", "is no time at all"),
        ("protected_tags", "=prod", '"=prod" has no key; write key or key=value'),
        ("protected_tags", ",".join(f"t{n}" for n in range(101)), "at most 100 items"),
        ("protected_namespaces", "x" * 600, "shorten it to 512"),
        ("allowed_windows", "weekdays", "is no window; write it like"),
        ("excluded_windows", "Mon 09:00-17:00 Mars", "is no time zone"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        read(monkeypatch, **{name: value})
    (error,) = refused.value.errors()
    assert error["loc"] == (name,)
    assert words in error["msg"]


@pytest.mark.parametrize(
    ("pattern", "tags", "protected"),
    [
        ("env", {"env": ""}, True),
        ("env", {"environment": "prod"}, False),
        ("env=prod", {"Env": "PROD"}, True),
        ("env=prod", {"env": "production"}, False),
        ("env=prod*", {"env": "production"}, True),
        ("team/*=core", {"team/a": "core"}, True),
        ("e?v", {"env": "x"}, False),
        ("[env]", {"e": "x"}, False),
        ("env=", {"env": "x"}, False),
        ("env=", {"env": ""}, True),
        ("env = prod", {"env": "prod"}, True),
    ],
)
def test_a_protected_tag_matches(pattern: str, tags: dict[str, str], protected: bool) -> None:
    found = Settings(protected_tags=(pattern,)).protecting({"other": "x", **tags})
    assert (found == pattern) is protected
