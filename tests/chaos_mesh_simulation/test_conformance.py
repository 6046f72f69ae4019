"""The emulator judges chaos resources as a cluster with Chaos Mesh does."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bridge.sandbox.kubernetes.cluster import SandboxCluster
from bridge.sandbox.kubernetes.status import ApiError
from providers.kubernetes.specs import KINDS, SPECS

BESIDE = Path(__file__).parents[3] / "shared" / "conformance"
CASES = Path(os.environ.get("FAULTBRIDGE_CONFORMANCE", BESIDE)) / "chaos-mesh" / "cases.jsonl"


@pytest.mark.skipif(not CASES.is_file(), reason=f"needs {CASES}")
def test_verdicts() -> None:
    """Kinds known in full: every verdict. The others: nothing valid is refused."""
    cluster = SandboxCluster()
    differing = []
    for number, line in enumerate(CASES.read_text("utf-8").splitlines()):
        case = json.loads(line)
        resource, accepted = case["cr"], case["accepted"]
        kind = resource["kind"]
        if kind not in KINDS or resource["apiVersion"] != KINDS[kind].api_version:
            continue
        if kind == "StatusCheck" and "type" not in resource.get("spec", {}):
            # The cases leave out the defaults of CRDs; here, as in a cluster, it is HTTP.
            continue
        metadata = {"name": f"case-{number}"}
        if KINDS[kind].namespaced:
            metadata["namespace"] = "default"
        try:
            cluster.emulator.install({**resource, "metadata": metadata})
            verdict = True
        except ApiError:
            verdict = False
        if verdict != accepted and (accepted or kind in SPECS):
            differing.append(f"{number}: {kind} {case['mutation']}: {case['why']}")
    assert differing == []
