"""What actions on the network of physical machines are told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Final

from pydantic import Field

from bridge.model.problem import Problem
from providers.kubernetes.specs.base import Int32, Uint32, Unsigned32, Unsigned64
from providers.kubernetes.specs.findings import (
    field_path,
    is_set,
    unknown_word,
    unread_duration,
    warning,
)
from providers.kubernetes.specs.machine_config import MachineConfig
from providers.kubernetes.specs.problems import meant, shown
from providers.kubernetes.specs.quantities import float_of, rate_text

_PERCENT: Final = 100
_PROTOCOLS: Final = ("tcp", "udp", "icmp", "all")
_DIRECTIONS: Final = ("to", "from")

Device = Annotated[str, Field(json_schema_extra={"example": "eth0"})]
Address = Annotated[str, Field(json_schema_extra={"example": "203.0.113.7"})]
Percentage = Annotated[str, Field(json_schema_extra={"example": "10"})]
TcpFlags = Annotated[str, Field(json_schema_extra={"example": "SYN,ACK SYN,ACK"})]


def _percentage(config: MachineConfig, name: str, path: str) -> Iterator[Problem]:
    """Yield the refusal of a text that is no percentage; empty ones are left to others."""
    text = getattr(config, name)
    where = field_path(config, name, path)
    if not text:
        return
    try:
        number = float_of(text)
    except ValueError as refusal:
        yield Problem(where, str(refusal))
        return
    if number < 0 or number > _PERCENT:
        yield Problem(where, f'{shown(text)} is not a percentage, write "0" to "100"')


def _flags_of_tcp(flags: str | None, protocol: str | None, path: str) -> Iterator[Problem]:
    if flags and protocol != "tcp":
        yield Problem(path, 'must be "tcp" where accept-tcp-flags is given, write "tcp"')


class NetworkConfig(MachineConfig):
    """What the actions on packets share."""

    needed: ClassVar[tuple[str, ...]] = ("device",)

    device: Device | None = Field(default=None, description="Network interface that is touched.")
    ip_address: Address | None = Field(
        default=None, description="Only packets to these addresses, with commas between them."
    )
    hostname: str | None = Field(
        default=None, description="Only packets to these hosts, with commas between them."
    )
    ip_protocol: str | None = Field(
        default=None, description=f"Only packets of this protocol: {', '.join(_PROTOCOLS)}."
    )
    source_port: str | None = Field(
        default=None, description='Only packets from these ports, like "80,8001:8010"; tcp or udp.'
    )
    egress_port: str | None = Field(
        default=None, description='Only packets to these ports, like "80,8001:8010"; tcp or udp.'
    )
    correlation: Percentage | None = Field(
        default=None, description="Percentage by which a packet's fate follows the one before."
    )

    def refusals(self, path: str) -> Iterator[Problem]:
        """The interface, and the correlation as a percentage."""
        yield from super().refusals(path)
        yield from _percentage(self, "correlation", path)

    def findings(self, path: str) -> Iterator[Problem]:
        """Protocols that nobody checks before the attack, and ports without a protocol."""
        if self.ip_protocol:
            where = field_path(self, "ip_protocol", path)
            yield from unknown_word(self.ip_protocol, _PROTOCOLS, where, "so the attack fails")
        for name in ("source_port", "egress_port"):
            if getattr(self, name) and self.ip_protocol not in ("tcp", "udp"):
                message = 'is only read with ip-protocol "tcp" or "udp", write one of them'
                yield warning(field_path(self, name, path), message)


class NetworkShare(NetworkConfig):
    """Packets that are corrupted, duplicated or lost."""

    needed: ClassVar[tuple[str, ...]] = ("device", "percent")

    percent: Percentage | None = Field(default=None, description="Percentage of the packets.")

    def refusals(self, path: str) -> Iterator[Problem]:
        """The percentage, which must be above 0 here."""
        yield from super().refusals(path)
        yield from _percentage(self, "percent", path)
        if self.percent and _is_zero(self.percent):
            message = f'{shown(self.percent)} percent is nothing, write "1" to "100"'
            yield Problem(field_path(self, "percent", path), message)


def _is_zero(text: str) -> bool:
    try:
        return float_of(text) == 0
    except ValueError:
        return False


class NetworkDelay(NetworkConfig):
    """Packets that are held back."""

    needed: ClassVar[tuple[str, ...]] = ("device", "latency")

    latency: str | None = Field(
        default=None,
        description="How long packets are held back.",
        json_schema_extra={"example": "100ms"},
    )
    jitter: str | None = Field(
        default=None, description="How far it varies.", json_schema_extra={"example": "10ms"}
    )
    accept_tcp_flags: TcpFlags | None = Field(
        default=None, description="Only packets with these TCP flags."
    )

    def refusals(self, path: str) -> Iterator[Problem]:
        """Flags are TCP's."""
        yield from super().refusals(path)
        where = field_path(self, "ip_protocol", path)
        yield from _flags_of_tcp(self.accept_tcp_flags, self.ip_protocol, where)

    def findings(self, path: str) -> Iterator[Problem]:
        """Durations that nobody checks before the attack."""
        yield from super().findings(path)
        for name in ("latency", "jitter"):
            where = field_path(self, name, path)
            yield from unread_duration(getattr(self, name), where, "so the attack fails")


class NetworkPartition(MachineConfig):
    """Packets that do not get through."""

    needed: ClassVar[tuple[str, ...]] = ("device",)

    device: Device | None = Field(default=None, description="Network interface that is touched.")
    ip_address: Address | None = Field(
        default=None, description="Addresses that are cut off, with commas between them."
    )
    hostname: str | None = Field(
        default=None, description="Hosts that are cut off, with commas between them."
    )
    direction: str | None = Field(
        default=None,
        description="To cuts off packets to them, from those that come from them.",
        json_schema_extra={"example": "to"},
    )
    ip_protocol: str | None = Field(
        default=None, description=f"Only packets of this protocol: {', '.join(_PROTOCOLS)}."
    )
    accept_tcp_flags: TcpFlags | None = Field(
        default=None, description="Packets with these TCP flags get through."
    )

    def refusals(self, path: str) -> Iterator[Problem]:
        """From whom, in which direction, and flags of TCP only."""
        yield from super().refusals(path)
        if not self.ip_address and not self.hostname:
            yield self.missing("ip_address", path, "or hostname is required")
        if self.direction not in _DIRECTIONS:
            hint = meant(self.direction or "", _DIRECTIONS) or 'write "to" or "from"'
            message = f"{shown(self.direction or '')} is not one of to, from; {hint}"
            yield Problem(field_path(self, "direction", path), message)
        where = field_path(self, "ip_protocol", path)
        yield from _flags_of_tcp(self.accept_tcp_flags, self.ip_protocol, where)


class NetworkDns(MachineConfig):
    """Names that resolve elsewhere."""

    dns_server: Address | None = Field(
        default=None, description="DNS server that takes the place of the machine's own."
    )
    dns_ip: Address | None = Field(
        default=None, description="Address that dns-domain-name resolves to."
    )
    dns_domain_name: str | None = Field(
        default=None,
        description="Name that resolves to dns-ip.",
        json_schema_extra={"example": "example.com"},
    )

    def refusals(self, path: str) -> Iterator[Problem]:
        """A name and its address go together."""
        for name, other in (("dns_ip", "dns_domain_name"), ("dns_domain_name", "dns_ip")):
            if is_set(getattr(self, other)) and not is_set(getattr(self, name)):
                beside = other.replace("_", "-")
                yield self.missing(name, path, f"is required beside {beside}")

    def findings(self, path: str) -> Iterator[Problem]:
        """Nothing at all passes the webhook."""
        if not (self.dns_server or self.dns_ip or self.dns_domain_name):
            message = (
                "is empty, so nothing resolves elsewhere; write dns-server, or dns-domain-name "
                "and dns-ip"
            )
            yield warning(path, message)


class NetworkBandwidth(MachineConfig):
    """A token bucket."""

    needed: ClassVar[tuple[str, ...]] = ("device", "rate")

    rate: str = Field(
        description="How fast packets may go; bps is bytes.", json_schema_extra={"example": "1mbps"}
    )
    limit: Annotated[Uint32, Field(ge=1)] = Field(description="Bytes that may wait for tokens.")
    buffer: Annotated[Uint32, Field(ge=1)] = Field(description="Bytes that may pass at once.")
    peakrate: Unsigned64 | None = Field(default=None, description="Bytes a second at the most.")
    minburst: Unsigned32 | None = Field(default=None, description="Size of the peak's bucket.")
    device: Device | None = Field(default=None, description="Network interface that is touched.")
    ip_address: Address | None = Field(
        default=None, description="Only packets to these addresses, with commas between them."
    )
    hostname: str | None = Field(
        default=None, description="Only packets to these hosts, with commas between them."
    )

    def findings(self, path: str) -> Iterator[Problem]:
        """A rate that nobody reads before the attack."""
        if self.rate:
            yield from _unread_rate(self.rate, field_path(self, "rate", path))


def _unread_rate(text: str, path: str) -> Iterator[Problem]:
    try:
        rate_text(text)
    except ValueError as refusal:
        reason, _, mend = str(refusal).partition(", write ")
        yield warning(path, f"{reason}, so the attack fails; write {mend}")


class NetworkFlood(MachineConfig):
    """Traffic to an address."""

    needed: ClassVar[tuple[str, ...]] = ("ip_address", "port", "rate", "duration")

    rate: str = Field(
        description="How much traffic; bps is bytes.", json_schema_extra={"example": "10mbps"}
    )
    duration: str = Field(
        description="How many seconds, without a unit.", json_schema_extra={"example": "30"}
    )
    ip_address: Address | None = Field(default=None, description="Address that gets the traffic.")
    port: str | None = Field(
        default=None, description="Port that gets the traffic.", json_schema_extra={"example": "80"}
    )
    parallel: Int32 | None = Field(default=None, description="Number of connections.")

    def findings(self, path: str) -> Iterator[Problem]:
        """Seconds without a unit, as the tool behind it reads them."""
        if self.duration and not (self.duration.isascii() and self.duration.isdigit()):
            message = f"{shown(self.duration)} is no number of seconds, so the attack fails; "
            yield warning(field_path(self, "duration", path), message + 'write it like "30"')
        if self.rate:
            yield from _unread_rate(self.rate, field_path(self, "rate", path))


class NetworkDown(MachineConfig):
    """An interface that is down."""

    needed: ClassVar[tuple[str, ...]] = ("device", "duration")

    device: Device | None = Field(default=None, description="Network interface that goes down.")
    duration: str | None = Field(
        default=None,
        description="How long it is down.",
        json_schema_extra={"example": "30s"},
    )

    def findings(self, path: str) -> Iterator[Problem]:
        """A duration that nobody checks before the attack."""
        where = field_path(self, "duration", path)
        yield from unread_duration(self.duration, where, "so the attack fails")
