"""The kinds of chaos that are known in full, and the model of the `spec` of each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from providers.kubernetes.specs.base import ChaosSpec
from providers.kubernetes.specs.cloud import AWSChaosSpec, AzureChaosSpec, GCPChaosSpec
from providers.kubernetes.specs.network import NetworkChaosSpec
from providers.kubernetes.specs.pod import PodChaosSpec
from providers.kubernetes.specs.stress import StressChaosSpec

CHAOS: Final[Mapping[str, type[ChaosSpec]]] = MappingProxyType(
    {
        "AWSChaos": AWSChaosSpec,
        "AzureChaos": AzureChaosSpec,
        "GCPChaos": GCPChaosSpec,
        "NetworkChaos": NetworkChaosSpec,
        "PodChaos": PodChaosSpec,
        "StressChaos": StressChaosSpec,
    }
)
"""A kind stands here once; Schedule and Workflow take it over from here."""
