"""Typed chaos specs, one model per kind, for validation without a cluster.

Pydantic only: no client, no I/O, so that a template can be checked anywhere.

    check("chaos-mesh.org/v1alpha1", "NetworkChaos", "default", spec)

A further kind is a `ChaosSpec` in a module of its own and a line in `CHAOS`.
"""

from __future__ import annotations

from bridge.model.problem import Problem, Severity
from providers.kubernetes.specs.base import ChaosSpec
from providers.kubernetes.specs.checking import SPECS, check, crd_schema
from providers.kubernetes.specs.describing import summary
from providers.kubernetes.specs.durations import go_duration, parse_go_duration
from providers.kubernetes.specs.editor import ANY as ANY_KIND
from providers.kubernetes.specs.editor import PATH as SCHEMA_PATH
from providers.kubernetes.specs.editor import json_schema, manifest_schema
from providers.kubernetes.specs.embedded import FIELDS as EMBEDDED_FIELDS
from providers.kubernetes.specs.kinds import KINDS, VERSION, Kind, plural
from providers.kubernetes.specs.lifetime import (
    duration_of,
    honours_duration,
    is_one_shot,
    with_duration,
)
from providers.kubernetes.specs.native import NativeChaosSpec
from providers.kubernetes.specs.native_kinds import (
    EXTENSION,
    NATIVE,
    NativeAWSChaosSpec,
    NativeAzureChaosSpec,
    NativeGCPChaosSpec,
    is_native,
    native_spec,
)

__all__ = [
    "ANY_KIND",
    "EMBEDDED_FIELDS",
    "EXTENSION",
    "KINDS",
    "NATIVE",
    "SCHEMA_PATH",
    "SPECS",
    "VERSION",
    "ChaosSpec",
    "Kind",
    "NativeAWSChaosSpec",
    "NativeAzureChaosSpec",
    "NativeChaosSpec",
    "NativeGCPChaosSpec",
    "Problem",
    "Severity",
    "check",
    "crd_schema",
    "duration_of",
    "go_duration",
    "honours_duration",
    "is_native",
    "is_one_shot",
    "json_schema",
    "manifest_schema",
    "native_spec",
    "parse_go_duration",
    "plural",
    "summary",
    "with_duration",
]
