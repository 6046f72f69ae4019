"""The kinds of chaos that are known in full, and the model of the `spec` of each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from providers.kubernetes.specs.base import ChaosSpec
from providers.kubernetes.specs.block import BlockChaosSpec
from providers.kubernetes.specs.cloud import AWSChaosSpec, AzureChaosSpec, GCPChaosSpec
from providers.kubernetes.specs.dns import DNSChaosSpec
from providers.kubernetes.specs.http_chaos import HTTPChaosSpec
from providers.kubernetes.specs.io_chaos import IOChaosSpec
from providers.kubernetes.specs.jvm import JVMChaosSpec
from providers.kubernetes.specs.kernel import KernelChaosSpec
from providers.kubernetes.specs.network import NetworkChaosSpec
from providers.kubernetes.specs.physical_machine import PhysicalMachineChaosSpec
from providers.kubernetes.specs.pod import PodChaosSpec
from providers.kubernetes.specs.stress import StressChaosSpec
from providers.kubernetes.specs.time_chaos import TimeChaosSpec

CHAOS: Final[Mapping[str, type[ChaosSpec]]] = MappingProxyType(
    {
        "AWSChaos": AWSChaosSpec,
        "AzureChaos": AzureChaosSpec,
        "BlockChaos": BlockChaosSpec,
        "DNSChaos": DNSChaosSpec,
        "GCPChaos": GCPChaosSpec,
        "HTTPChaos": HTTPChaosSpec,
        "IOChaos": IOChaosSpec,
        "JVMChaos": JVMChaosSpec,
        "KernelChaos": KernelChaosSpec,
        "NetworkChaos": NetworkChaosSpec,
        "PhysicalMachineChaos": PhysicalMachineChaosSpec,
        "PodChaos": PodChaosSpec,
        "StressChaos": StressChaosSpec,
        "TimeChaos": TimeChaosSpec,
    }
)
"""A kind stands here once; Schedule and Workflow take it over from here."""
