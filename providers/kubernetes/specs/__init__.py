"""Typed chaos specs, one model per kind, for validation without a cluster.

Pydantic only: no client, no I/O, so that a template can be checked anywhere.

    check("chaos-mesh.org/v1alpha1", "NetworkChaos", "default", spec)

A further kind is a `ChaosSpec` in a module of its own and a line in `SPECS`.
"""

from __future__ import annotations

from .base import ChaosSpec
from .checking import SPECS, check, crd_schema
from .durations import go_duration, parse_go_duration
from .kinds import KINDS, Kind, plural
from .lifetime import duration_of, honours_duration, is_one_shot, with_duration
from .problems import Problem, Severity

__all__ = [
    "KINDS",
    "SPECS",
    "ChaosSpec",
    "Kind",
    "Problem",
    "Severity",
    "check",
    "crd_schema",
    "duration_of",
    "go_duration",
    "honours_duration",
    "is_one_shot",
    "parse_go_duration",
    "plural",
    "with_duration",
]
