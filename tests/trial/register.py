"""Which rig puts which fault to the trial, and which faults there is nothing to try with."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from providers import registry
from tests.trial.rig import Rig

MODULES: Final = ("aws_rigs", "azure_rigs", "gcp_rigs", "kubernetes_rigs")

EXEMPT: Final = {
    "aws:fis:wait": "it has no records: nothing is touched",
    "aws:cloudwatch:assert-alarm-state": "it has no target and changes nothing: it only reads",
}
"""Faults without a rig, and why; `test_every_fault` checks that the reasons hold."""


def rigs() -> dict[str, type[Rig]]:
    """Return the rigs by fault."""
    found: dict[str, type[Rig]] = {}
    for module in MODULES:
        for rig in import_module(f"tests.trial.{module}").RIGS:
            assert rig.fault not in found, f"{rig.fault} has two rigs"
            found[rig.fault] = rig
    return dict(sorted(found.items()))


def untried() -> list[str]:
    """Return the faults that have neither a rig nor a reason for having none."""
    return sorted(registry.FAULTS.keys() - rigs().keys() - EXEMPT.keys())
