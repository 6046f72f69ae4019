"""What actions on Redis, Kafka and HTTP services of physical machines are told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Final

from pydantic import Field

from bridge.model.problem import Problem
from providers.kubernetes.specs.base import Int32, Integer, Unsigned, Unsigned16, Unsigned64
from providers.kubernetes.specs.findings import (
    field_path,
    unread_duration,
    warning,
)
from providers.kubernetes.specs.machine_config import MachineConfig
from providers.kubernetes.specs.problems import shown

_EXPIRE_OPTIONS: Final = ("XX", "NX", "GT", "LT")


class Redis(MachineConfig):
    """What the actions on Redis share."""

    needed: ClassVar[tuple[str, ...]] = ("addr",)

    addr: str | None = Field(
        default=None,
        description="Address of the server, with its port.",
        json_schema_extra={"example": "127.0.0.1:6379"},
    )
    password: str | None = Field(default=None, description="Password of the server.")


class RedisExpiration(Redis):
    """Keys that expire."""

    key: str | None = Field(default=None, description="Key that expires; all without it.")
    expiration: str | None = Field(
        default=None, description="When they expire.", json_schema_extra={"example": "1s"}
    )
    option: str | None = Field(
        default=None, description="Leave it out: Chaos Mesh refuses the options that Redis has."
    )

    def refusals(self, path: str) -> Iterator[Problem]:
        """Upstream's check is the wrong way round: it refuses what Redis knows."""
        yield from super().refusals(path)
        if self.option in _EXPIRE_OPTIONS:
            message = (
                f"{shown(self.option)} is an option of Redis, but Chaos Mesh 2.8 refuses exactly "
                "these by mistake; leave it out"
            )
            yield Problem(field_path(self, "option", path), message)

    def findings(self, path: str) -> Iterator[Problem]:
        """Options that pass upstream's check are none to Redis."""
        if self.option and self.option not in _EXPIRE_OPTIONS:
            message = f"{shown(self.option)} is no option of Redis, so the attack fails; "
            yield warning(field_path(self, "option", path), message + "leave it out")


class RedisPenetration(Redis):
    """Requests for keys that are not there."""

    needed: ClassVar[tuple[str, ...]] = ("addr", "request_num")

    request_num: Integer | None = Field(
        default=None,
        alias="requestNum",
        description="Number of requests.",
        json_schema_extra={"example": 1000},
    )


class RedisCacheLimit(Redis):
    """Less memory for the cache."""

    cache_size: str | None = Field(
        default=None,
        alias="cacheSize",
        description='Memory that is left, with a unit; "0" where percent says it.',
        json_schema_extra={"example": "100MB"},
    )
    percent: str | None = Field(
        default=None,
        description="Percentage of the memory that is left.",
        json_schema_extra={"example": "50%"},
    )

    def refusals(self, path: str) -> Iterator[Problem]:
        """The webhook takes a missing size for one that is given."""
        yield from super().refusals(path)
        if self.percent and self.cache_size != "0":
            message = 'must be "0" where percent is given, write "0", or leave percent out'
            yield Problem(field_path(self, "cache_size", path), message)


class RedisSentinelStop(Redis):
    """A Sentinel that is stopped."""

    conf: str | None = Field(
        default=None,
        description="Path of Sentinel's configuration.",
        json_schema_extra={"example": "/etc/redis/sentinel.conf"},
    )
    flush_config: bool | None = Field(
        default=None, alias="flushConfig", description="Whether the configuration is written."
    )
    redis_path: bool | None = Field(
        default=None,
        alias="redisPath",
        description="True or false, although it stands for the path of redis-server: leave it out.",
    )


class RedisSentinelRestart(RedisSentinelStop):
    """A Sentinel that is restarted."""

    needed: ClassVar[tuple[str, ...]] = ("addr", "conf")


class Kafka(MachineConfig):
    """What the actions on a Kafka broker share."""

    needed: ClassVar[tuple[str, ...]] = ("host", "port")

    topic: str | None = Field(default=None, description="Topic that is attacked.")
    host: str | None = Field(
        default=None, description="Host of the broker.", json_schema_extra={"example": "127.0.0.1"}
    )
    port: Unsigned16 | None = Field(
        default=None, description="Port of the broker.", json_schema_extra={"example": 9092}
    )
    username: str | None = Field(default=None, description="Name to log in with.")
    password: str | None = Field(default=None, description="Password to log in with.")
    message_size: Unsigned | None = Field(
        default=None, alias="messageSize", description="Bytes of each message."
    )


class KafkaFill(Kafka):
    """A broker whose disk fills up."""

    needed: ClassVar[tuple[str, ...]] = ("host", "port", "max_bytes", "reload_command")

    max_bytes: Unsigned64 | None = Field(
        default=None,
        alias="maxBytes",
        description="Bytes that are written.",
        json_schema_extra={"example": 1_000_000},
    )
    reload_command: str | None = Field(
        default=None,
        alias="reloadCommand",
        description="Command that makes the broker read its configuration again.",
        json_schema_extra={"example": "systemctl restart kafka"},
    )


class KafkaFlood(Kafka):
    """A broker under load."""

    needed: ClassVar[tuple[str, ...]] = ("host", "port", "threads")

    threads: Unsigned | None = Field(
        default=None,
        description="Number of threads that send.",
        json_schema_extra={"example": 10},
    )


class KafkaIo(MachineConfig):
    """A broker that cannot read or write."""

    topic: str | None = Field(default=None, description="Topic that is attacked.")
    config_file: str | None = Field(
        default=None, alias="configFile", description="Path of the broker's configuration."
    )
    non_readable: bool | None = Field(
        default=None,
        alias="nonReadable",
        description="Whether it cannot read.",
        json_schema_extra={"example": True},
    )
    non_writable: bool | None = Field(
        default=None, alias="nonWritable", description="Whether it cannot write."
    )

    def refusals(self, path: str) -> Iterator[Problem]:
        """One of both."""
        if not self.non_readable and not self.non_writable:
            yield self.missing("non_readable", path, "or nonWritable must be true")


class HttpMatch(MachineConfig):
    """Connections that are cut off, and what is told to both actions on HTTP."""

    proxy_ports: list[Unsigned] = Field(
        alias="proxy_ports",
        description="Ports of the connections.",
        json_schema_extra={"example": [80]},
    )
    target: str = Field(
        description="Request or Response.", json_schema_extra={"example": "Request"}
    )
    port: Int32 | None = Field(default=None, description="Port that the service listens on.")
    path: str | None = Field(default=None, description="Only requests with this path.")
    method: str | None = Field(default=None, description="Only requests with this method.")
    code: str | None = Field(default=None, description="Only responses with this status.")


class HttpDelay(HttpMatch):
    """Messages that are held back."""

    delay: str = Field(
        description="How long messages are held back.", json_schema_extra={"example": "100ms"}
    )

    def findings(self, path: str) -> Iterator[Problem]:
        """A duration that nobody checks before the attack."""
        where = field_path(self, "delay", path)
        yield from unread_duration(self.delay, where, "so the attack fails")


class HttpConfig(MachineConfig):
    """A file with the rules."""

    file_path: str | None = Field(
        default=None, alias="file_path", description="Path of the file with the rules."
    )


class HttpRequest(MachineConfig):
    """Requests that are sent."""

    url: str | None = Field(default=None, description="Address that is asked with GET.")
    enable_conn_pool: bool | None = Field(
        default=None, description="Whether connections are used again."
    )
    count: Integer | None = Field(default=None, description="Number of requests.")
