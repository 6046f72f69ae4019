"""BlockChaos: delays of the block device behind a volume."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from bridge.model.problem import Problem
from bridge.model.wording import child
from providers.kubernetes.specs.base import ChaosModel, ChaosSpec, CorrelationText, GoDuration
from providers.kubernetes.specs.findings import odd_delay, odd_percentages, warning
from providers.kubernetes.specs.selector import ContainerSelection


class BlockDelay(ChaosModel):
    """How long requests to the device are held back."""

    latency: GoDuration | None = Field(
        default=None,
        description="How long every request is held back.",
        json_schema_extra={"example": "100ms"},
    )
    jitter: GoDuration | None = Field(
        default=None,
        description="How far the latency varies.",
        json_schema_extra={"webhookDefault": "0ms", "example": "10ms"},
    )
    correlation: CorrelationText | None = Field(
        default=None,
        description="Percentage by which a latency follows the one before.",
        json_schema_extra={"webhookDefault": "0", "example": "25"},
    )

    def findings(self, path: str) -> Iterator[Problem]:
        """A latency of nothing passes the webhook."""
        where = child(path, "latency")
        if not self.latency:
            message = 'is missing, so nothing is delayed, write it like "100ms"'
            yield warning(where, message)
        yield from odd_delay(self.latency, where)
        yield from odd_percentages(self, path, "correlation")


class BlockChaosSpec(ChaosSpec, ContainerSelection):
    """The `spec` of a BlockChaos."""

    action: Literal["delay"] = Field(description="delay holds requests to the device back.")
    volume_name: str = Field(
        description="The name of the volume in the pod's spec, not its path.",
        json_schema_extra={"example": "data"},
    )
    delay: BlockDelay | None = Field(
        default=None, description="How long requests are held back. Required with delay."
    )

    def findings(self, path: str) -> Iterator[Problem]:
        """The webhook wants the delay; a name of a volume has no slashes."""
        yield from super().findings(path)
        if self.delay is None:
            message = 'is required with action "delay", write it like {"latency": "100ms"}'
            yield Problem(child(path, "delay"), message)
        if not self.volume_name or "/" in self.volume_name:
            message = (
                "is not the name of a volume, so none is found; write the name that the pod's "
                "spec.volumes gives it"
            )
            yield warning(child(path, "volumeName"), message)
