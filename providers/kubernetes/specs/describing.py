"""What each kind does, in a sentence or two, for editors and for the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_SUMMARIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "AWSChaos": "Stops or restarts one EC2 instance, or detaches one of its volumes.",
        "AzureChaos": "Stops or restarts one Azure virtual machine, or detaches one of its disks.",
        "BlockChaos": "Holds back the reads and writes of a block device.",
        "ChaosEngine": "Runs experiments of Litmus on an application.",
        "DNSChaos": "Answers the name look-ups of pods with an error, or with random addresses.",
        "GCPChaos": "Stops or resets one Compute Engine instance, or detaches its disks.",
        "HTTPChaos": "Aborts, delays, replaces or patches HTTP requests and responses of pods.",
        "IOChaos": "Delays file operations in pods, makes them fail, or damages what they read.",
        "JVMChaos": "Delays methods of a Java program, or has them return or throw what you say.",
        "KernelChaos": "Makes calls inside the kernel fail for the processes of pods.",
        "NetworkChaos": "Delays, loses, repeats, damages or limits the packets of pods, or cuts "
        "pods off.",
        "PhysicalMachine": "Tells Chaos Mesh where chaosd listens on a machine outside of it.",
        "PhysicalMachineChaos": "Does to a machine outside the cluster what chaosd can do there.",
        "PodChaos": "Kills pods or containers, or makes pods fail for a while.",
        "RemoteCluster": "Tells Chaos Mesh of another cluster, in which chaos can then be created.",
        "Schedule": "Creates a chaos or a Workflow again and again, at the times of a cron.",
        "StatusCheck": "Asks a URL again and again, and counts what it answers.",
        "StressChaos": "Loads the processor or the memory of containers.",
        "TimeChaos": "Shifts the clock that the processes of containers see.",
        "Workflow": "Runs chaos, checks and tasks one after another or at the same time.",
    }
)


def summary(kind: str) -> str:
    """What a kind does. Raises KeyError for one that has no model."""
    return _SUMMARIES[kind]
