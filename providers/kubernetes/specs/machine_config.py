"""What an action on physical machines is told: load, disks, processes, files, clocks.

Each action has an object of its own. The webhook reads only that of the chosen action; empty text
and 0 are the same to it as nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Final

from pydantic import ConfigDict, Field

from bridge.model.problem import Problem
from providers.kubernetes.specs.base import ChaosModel, Integer
from providers.kubernetes.specs.crd import shared_schema
from providers.kubernetes.specs.findings import (
    field_path,
    is_set,
    unknown_word,
    unread_duration,
    warning,
)
from providers.kubernetes.specs.problems import shown
from providers.kubernetes.specs.quantities import machine_size
from providers.kubernetes.specs.time_chaos import CLOCKS

_PERCENT: Final = 100


class MachineConfig(ChaosModel):
    """The object of one action; `needed` are the fields that the webhook wants."""

    model_config = ConfigDict(alias_generator=lambda name: name.replace("_", "-"))

    needed: ClassVar[tuple[str, ...]] = ()

    def refusals(self, path: str) -> Iterator[Problem]:
        """What the webhook refuses when this is the object of the chosen action."""
        for name in self.needed:
            if not is_set(getattr(self, name)):
                yield self.missing(name, path)

    def missing(self, name: str, path: str, reason: str = "is required") -> Problem:
        """Return the problem of a field that is not there, or 0, or empty."""
        field = type(self).model_fields[name]
        member = shared_schema(type(self))["properties"][field.alias or name]
        mend = f"write it like {shown(member['example'])}" if "example" in member else "write it"
        what = (field.description or "").rstrip(".")
        what = what[:1].lower() + what[1:]
        return Problem(field_path(self, name, path), f"{reason}, {mend} ({what})")


def known_size(text: str | None, path: str) -> Iterator[Problem]:
    """Yield the webhook's refusal of a size without a known unit; empty ones are left to others."""
    if text:
        try:
            machine_size(text)
        except ValueError as refusal:
            yield Problem(path, str(refusal))


Size = Annotated[str, Field(json_schema_extra={"example": "100MB"})]
Pid = Annotated[Integer, Field(json_schema_extra={"example": 1234})]


class StressCpu(MachineConfig):
    """Processor load."""

    needed: ClassVar[tuple[str, ...]] = ("load", "workers")

    load: Integer | None = Field(
        default=None,
        description="Percentage of a processor for each worker.",
        json_schema_extra={"example": 50},
    )
    workers: Integer | None = Field(
        default=None,
        description="Number of workers that make load.",
        json_schema_extra={"example": 1},
    )
    options: list[str] | None = Field(default=None, description="Further options of stress-ng.")

    def findings(self, path: str) -> Iterator[Problem]:
        """Numbers that the webhook does not look at further than for 0."""
        if self.load and not 0 < self.load <= _PERCENT:
            message = f"{self.load} is not a percentage, so no load is made; write 1 to 100"
            yield warning(field_path(self, "load", path), message)
        if self.workers and self.workers < 0:
            message = f"{self.workers} workers make no load, write 1 or more"
            yield warning(field_path(self, "workers", path), message)


class StressMemory(MachineConfig):
    """Memory load."""

    needed: ClassVar[tuple[str, ...]] = ("size",)

    size: Size | None = Field(default=None, description="Memory that is taken, with a unit.")
    options: list[str] | None = Field(default=None, description="Further options of stress-ng.")

    def refusals(self, path: str) -> Iterator[Problem]:
        """The size and its unit."""
        yield from super().refusals(path)
        yield from known_size(self.size, field_path(self, "size", path))


class Process(MachineConfig):
    """A process that gets a signal."""

    needed: ClassVar[tuple[str, ...]] = ("process", "signal")

    process: str | None = Field(
        default=None,
        description="Name or id of the process.",
        json_schema_extra={"example": "nginx"},
    )
    signal: Integer | None = Field(
        default=None,
        description="Number of the signal: 9 ends, 19 stops the process.",
        json_schema_extra={"example": 19},
    )
    recover_cmd: str | None = Field(
        default=None, alias="recoverCmd", description="Command that undoes it."
    )


class Clock(MachineConfig):
    """A process whose clock is shifted."""

    needed: ClassVar[tuple[str, ...]] = ("pid", "time_offset")

    pid: Pid | None = Field(default=None, description="Id of the process.")
    time_offset: str | None = Field(
        default=None,
        description="How far the clock is put forward, or with a minus sign back.",
        json_schema_extra={"example": "-10m"},
    )
    clock_ids_slice: str | None = Field(
        default=None,
        description="Clocks that are shifted, with commas between them.",
        json_schema_extra={"example": "CLOCK_REALTIME,CLOCK_MONOTONIC"},
    )

    def refusals(self, path: str) -> Iterator[Problem]:
        """A process has a positive id."""
        yield from super().refusals(path)
        yield from negative_pid(self, path)

    def findings(self, path: str) -> Iterator[Problem]:
        """Offsets and clocks that nobody checks before the attack."""
        where = field_path(self, "time_offset", path)
        yield from unread_duration(self.time_offset, where, "so the attack fails")
        where = field_path(self, "clock_ids_slice", path)
        odd = [clock for clock in (self.clock_ids_slice or "").split(",") if clock not in CLOCKS]
        if self.clock_ids_slice and odd:
            yield from unknown_word(odd[0], CLOCKS, where, "so the attack fails")


def negative_pid(config: MachineConfig, path: str) -> Iterator[Problem]:
    """Yield the webhook's refusal of a process id below zero."""
    pid = getattr(config, "pid", None)
    if pid is not None and pid < 0:
        yield Problem(field_path(config, "pid", path), f"{pid} is no process, write its id")


class VirtualMachine(MachineConfig):
    """A virtual machine that is stopped."""

    vm_name: str | None = Field(default=None, description="Name of the machine, as virsh knows it.")

    def findings(self, path: str) -> Iterator[Problem]:
        """The webhook does not ask which machine."""
        if not self.vm_name:
            message = "is missing, so the attack finds no machine, write its name"
            yield warning(field_path(self, "vm_name", path), message)


class UserDefined(MachineConfig):
    """Commands of one's own."""

    needed: ClassVar[tuple[str, ...]] = ("attack_cmd", "recover_cmd")

    attack_cmd: str | None = Field(
        default=None,
        alias="attackCmd",
        description="Command that injects the fault.",
        json_schema_extra={"example": "systemctl stop nginx"},
    )
    recover_cmd: str | None = Field(
        default=None,
        alias="recoverCmd",
        description="Command that undoes it.",
        json_schema_extra={"example": "systemctl start nginx"},
    )
