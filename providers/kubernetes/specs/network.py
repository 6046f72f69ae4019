"""NetworkChaos: delay, loss, duplicates, corruption, bandwidth and partitions between pods."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import Field

from bridge.model.problem import Problem, Severity
from bridge.model.wording import child
from providers.kubernetes.specs.base import (
    ChaosModel,
    ChaosSpec,
    CorrelationText,
    Int64,
    Integer,
    NumberText,
    RateText,
    SingleUnitDuration,
    Uint32,
)
from providers.kubernetes.specs.durations import parse_go_duration
from providers.kubernetes.specs.findings import none_of_them, odd_delay, odd_percentages
from providers.kubernetes.specs.selector import PodSelection

Action = Literal["netem", "delay", "loss", "duplicate", "corrupt", "partition", "bandwidth"]
Direction = Literal["to", "from", "both"]

_EMULATED: Final = ("delay", "loss", "duplicate", "corrupt", "rate")
# Which details an action puts into effect; the emulating actions share one queueing discipline.
_EFFECTIVE: Final[dict[str, tuple[str, ...]]] = {
    "netem": _EMULATED,
    "delay": _EMULATED,
    "loss": _EMULATED,
    "duplicate": _EMULATED,
    "corrupt": _EMULATED,
    "partition": (),
    "bandwidth": ("bandwidth",),
}


class Reorder(ChaosModel):
    """Packets that overtake the delayed ones."""

    reorder: NumberText = Field(
        description="Percentage of packets.", json_schema_extra={"example": "25"}
    )
    correlation: CorrelationText | None = Field(
        default=None,
        description="Percentage by which a packet's fate follows the one before.",
        json_schema_extra={"webhookDefault": "0", "example": "25"},
    )
    gap: Integer = Field(description="How many packets are delayed before one overtakes them.")

    def findings(self, path: str) -> Iterator[Problem]:
        """Percentages that parse and mean nothing."""
        yield from odd_percentages(self, path, "reorder", "correlation")


class Delay(ChaosModel):
    """How long packets are held back."""

    latency: SingleUnitDuration = Field(
        description="How long each packet is held back: one number with one unit."
    )
    jitter: SingleUnitDuration | None = Field(
        default=None,
        description="How far the latency varies.",
        json_schema_extra={"webhookDefault": "0ms"},
    )
    correlation: CorrelationText | None = Field(
        default=None,
        description="Percentage by which a packet's fate follows the one before.",
        json_schema_extra={"webhookDefault": "0", "example": "25"},
    )
    reorder: Reorder | None = Field(
        default=None, description="Packets that overtake the delayed ones."
    )

    def findings(self, path: str) -> Iterator[Problem]:
        """Percentages that parse and mean nothing, and a delay of none."""
        yield from odd_percentages(self, path, "correlation")
        if not self.jitter or parse_go_duration(self.jitter) == timedelta(0):
            yield from odd_delay(self.latency, child(path, "latency"))


class Loss(ChaosModel):
    """How many packets are lost."""

    loss: NumberText = Field(
        description="Percentage of packets.", json_schema_extra={"example": "25"}
    )
    correlation: CorrelationText | None = Field(
        default=None,
        description="Percentage by which a packet's fate follows the one before.",
        json_schema_extra={"webhookDefault": "0", "example": "25"},
    )

    def findings(self, path: str) -> Iterator[Problem]:
        """Percentages that parse and mean nothing."""
        yield from odd_percentages(self, path, "loss", "correlation")
        yield from none_of_them(self.loss, child(path, "loss"))


class Duplicate(ChaosModel):
    """How many packets arrive twice."""

    duplicate: NumberText = Field(
        description="Percentage of packets.", json_schema_extra={"example": "25"}
    )
    correlation: CorrelationText | None = Field(
        default=None,
        description="Percentage by which a packet's fate follows the one before.",
        json_schema_extra={"webhookDefault": "0", "example": "25"},
    )

    def findings(self, path: str) -> Iterator[Problem]:
        """Percentages that parse and mean nothing."""
        yield from odd_percentages(self, path, "duplicate", "correlation")
        yield from none_of_them(self.duplicate, child(path, "duplicate"))


class Corrupt(ChaosModel):
    """How many packets arrive damaged."""

    corrupt: NumberText = Field(
        description="Percentage of packets.", json_schema_extra={"example": "25"}
    )
    correlation: CorrelationText | None = Field(
        default=None,
        description="Percentage by which a packet's fate follows the one before.",
        json_schema_extra={"webhookDefault": "0", "example": "25"},
    )

    def findings(self, path: str) -> Iterator[Problem]:
        """Percentages that parse and mean nothing."""
        yield from odd_percentages(self, path, "corrupt", "correlation")
        yield from none_of_them(self.corrupt, child(path, "corrupt"))


class Rate(ChaosModel):
    """A rate limit within network emulation."""

    rate: RateText = Field(
        description="How fast packets may go; bps is bytes, bit is bits a second.",
        json_schema_extra={"example": "1mbps"},
    )


class Bandwidth(ChaosModel):
    """A token bucket."""

    rate: RateText = Field(
        description="How fast packets may go; bps is bytes, bit is bits a second.",
        json_schema_extra={"example": "1mbps"},
    )
    limit: Uint32 = Field(ge=1, description="Bytes that may wait for tokens.")
    buffer: Uint32 = Field(ge=1, description="Bytes that may pass at once.")
    peakrate: Annotated[Int64, Field(ge=0)] | None = Field(
        default=None, description="The most bytes a second, where the bucket is full."
    )
    minburst: Annotated[Uint32, Field(ge=0)] | None = Field(
        default=None, description="Bytes that may pass at once at the peak rate."
    )

    def findings(self, path: str) -> Iterator[Problem]:
        """One half of the peak limit is ignored without the other."""
        if (self.peakrate is None) != (self.minburst is None):
            given, other = ("peakrate", "minburst")
            if self.peakrate is None:
                given, other = other, given
            message = f"is ignored without {other}, write both or neither"
            yield Problem(child(path, given), message, Severity.WARNING)


class NetworkChaosSpec(ChaosSpec, PodSelection):
    """The `spec` of a NetworkChaos."""

    action: Action = Field(
        description="What happens to packets; delay, loss, duplicate and corrupt may be combined "
        "(netem), partition cuts the connection, bandwidth limits it."
    )
    device: str | None = Field(
        default=None,
        description="The network interface of the selected pods, eth0 without it.",
        json_schema_extra={"example": "eth0"},
    )
    direction: Direction | None = Field(
        default=None,
        description="Packets to the target, from it, or both.",
        json_schema_extra={"default": "to"},
    )
    target: PodSelection | None = Field(
        default=None, description="The other side, as pods; all sides without it."
    )
    target_device: str | None = Field(
        default=None, description="The network interface of the target's pods."
    )
    external_targets: list[str] | None = Field(
        default=None, description="Addresses, networks or names outside the cluster, with a port."
    )
    delay: Delay | None = Field(default=None, description="How long packets are held back.")
    loss: Loss | None = Field(default=None, description="How many packets are lost.")
    duplicate: Duplicate | None = Field(default=None, description="How many packets arrive twice.")
    corrupt: Corrupt | None = Field(default=None, description="How many packets arrive damaged.")
    rate: Rate | None = Field(default=None, description="A rate limit beside the others of netem.")
    bandwidth: Bandwidth | None = Field(default=None, description="A rate limit by a token bucket.")

    def findings(self, path: str) -> Iterator[Problem]:
        """The webhook's rules for directions, and actions without their details."""
        yield from super().findings(path)
        yield from self._directions(path)
        yield from self._details(path)

    def _directions(self, path: str) -> Iterator[Problem]:
        if self.action == "partition" or self.direction not in ("from", "both"):
            return
        where = child(path, "direction")
        asked = f'"{self.direction}" cannot be used with action "{self.action}"'
        # An empty list counts as given: the webhook only asks whether there is one.
        if self.external_targets is not None:
            yield Problem(where, f'{asked} and externalTargets, write "to"')
        if self.target is None:
            yield Problem(where, f'{asked} without target, write "to" or add target')

    def _details(self, path: str) -> Iterator[Problem]:
        effective = _EFFECTIVE[self.action]
        if self.action == "netem":
            if not any(getattr(self, name) for name in effective):
                message = f'action "netem" does nothing without one of {", ".join(effective)}'
                yield Problem(path, message, Severity.WARNING)
        elif self.action != "partition" and getattr(self, self.action) is None:
            message = f'is missing, and action "{self.action}" does nothing without it'
            yield Problem(child(path, self.action), message, Severity.WARNING)
        for name in (*_EMULATED, "bandwidth"):
            if name not in effective and getattr(self, name) is not None:
                message = f'is ignored with action "{self.action}", leave it out'
                yield Problem(child(path, name), message, Severity.WARNING)
