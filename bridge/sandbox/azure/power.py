"""Power states of machines, and the operations that change them.

A virtual machine and an instance of a scale set behave alike ("States and billing status of
Azure Virtual Machines"); the API's reference adds what is not allowed in which state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from werkzeug.wrappers import Response

from bridge.sandbox.azure.errors import ArmError
from bridge.sandbox.azure.operations import accepted, begin
from bridge.sandbox.azure.request import ArmRequest
from bridge.sandbox.azure.subscription import Resource, Subscription

RUNNING, STOPPED, DEALLOCATED = "running", "stopped", "deallocated"


@dataclass(frozen=True, slots=True)
class Change:
    """One kind of operation: the state on the way, the state at its end, where it may begin.

    ``settled`` is the end that makes it an operation without effect.
    """

    name: str
    through: str
    to: str
    allowed_from: tuple[str, ...]
    repeats: bool = False


POWER_OFF = Change("powerOff", "stopping", STOPPED, ("running", "starting", "stopping", STOPPED))
"""VirtualMachines_PowerOff: "not allowed on a virtual machine that is being deallocated or has
already been deallocated"."""
START = Change(
    "start",
    "starting",
    RUNNING,
    ("running", "starting", "stopping", STOPPED, "deallocating", DEALLOCATED),
)
DEALLOCATE = Change("deallocate", "deallocating", DEALLOCATED, START.allowed_from)
RESTART = Change("restart", "starting", RUNNING, ("running", "starting"), repeats=True)
"""Compute refuses it elsewhere: "The operation requires the VM to be running"."""
REDEPLOY = Change("redeploy", "starting", RUNNING, ("running", "starting"), repeats=True)


def set_power(subscription: Subscription, machine: Resource, power: str) -> None:
    """Let a machine be in a power state from now on."""
    if machine.power != power:
        machine.power, machine.power_since = power, subscription.now()


def statuses(machine: Resource) -> list[dict[str, Any]]:
    """Answer the ``statuses`` of an instance view."""
    state = machine.properties["provisioningState"]
    return [
        {
            "code": f"ProvisioningState/{state.lower()}",
            "level": "Error" if state == "Failed" else "Info",
            "displayStatus": f"Provisioning {state.lower()}",
            "time": machine.power_since,
        },
        {
            "code": f"PowerState/{machine.power}",
            "level": "Info",
            "displayStatus": f"VM {machine.power}",
            "time": machine.power_since,
        },
    ]


def refuse_busy(machine: Resource) -> None:
    """Refuse a change while another one is under way that does not give way to it."""
    if machine.busy is not None:
        message = (
            "The request failed due to conflict with a concurrent request. To resolve it, please "
            "refer to https://aka.ms/activitylog to get more details on the conflicting requests."
        )
        raise ArmError("Conflict", message, 409)


def change(
    subscription: Subscription,
    asked: ArmRequest,
    machines: Sequence[Resource],
    wanted: Change,
    *,
    preempts: bool,
) -> Response:
    """Begin a change of power on machines that all allow it.

    With ``preempts`` it takes the place of a power operation under way: that one ends as
    ``Canceled`` by ``OperationPreempted``. Raises ``ArmError`` where a state or another
    operation forbids it; then nothing is changed.
    """
    for machine in machines:
        if not (preempts and machine.busy is not None and machine.busy.preemptible):
            refuse_busy(machine)
        _refuse_state(machine, wanted)
    before = [(machine, _steady(machine)) for machine in machines]
    for machine in machines:
        if machine.busy is not None:
            machine.busy.preempt(subscription)
        machine.properties["provisioningState"] = "Updating"
        if machine.power != wanted.to or wanted.repeats:
            set_power(subscription, machine, wanted.through)

    def settle(state: str) -> None:
        for machine, power in before:
            machine.properties["provisioningState"] = state
            set_power(subscription, machine, wanted.to if state == "Succeeded" else power)

    operation = begin(
        subscription,
        asked,
        list(machines),
        finish=lambda: settle("Succeeded"),
        fail=lambda: settle("Failed"),
        preemptible=preempts,
    )
    return accepted(subscription, asked, operation)


def _steady(machine: Resource) -> str:
    """Answer the state to which a change that fails goes back."""
    ends = {"starting": RUNNING, "stopping": STOPPED, "deallocating": DEALLOCATED}
    return ends.get(machine.power, machine.power)


def _refuse_state(machine: Resource, wanted: Change) -> None:
    if machine.power in wanted.allowed_from:
        return
    if machine.power in ("deallocating", DEALLOCATED):
        message = (
            f"Operation '{wanted.name}' is not allowed on VM '{machine.name}' since the VM is "
            "either deallocated or marked to be deallocated."
        )
    else:
        message = "The operation requires the VM to be running (or set to run)."
    raise ArmError("OperationNotAllowed", message, 409)
