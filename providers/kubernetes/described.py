"""What of a spec a record keeps: judging and undoing need nothing else of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from providers.kubernetes import specs
from providers.kubernetes.resource import CHAOS_MESH
from providers.kubernetes.verdicts.schedule import child_kind


def described(
    group: str, kind: str, spec: Mapping[str, Any], lasts: timedelta | None
) -> dict[str, Any]:
    """Return the members of a ``CustomResource`` that are known from its spec.

    ``lasts`` is after how long it ends by itself.
    """
    ours = group == CHAOS_MESH
    remote = spec.get("remoteCluster")
    return {
        "one_shot": ours and specs.is_one_shot(kind, spec),
        "lasts": lasts.total_seconds() if lasts else None,
        "remote": remote if ours and isinstance(remote, str) else "",
        "child": child_kind(spec) if ours and kind == "Schedule" else "",
    }
