"""What actions on Java processes of physical machines are told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field

from bridge.model.problem import Problem
from providers.kubernetes.specs.base import Int32, Integer
from providers.kubernetes.specs.findings import field_path, odd_port, unknown_word
from providers.kubernetes.specs.jvm import MEMORY, SQL, milliseconds
from providers.kubernetes.specs.machine_config import MachineConfig, Pid, negative_pid

JavaClass = Annotated[str, Field(json_schema_extra={"example": "com.example.Carts"})]
JavaMethod = Annotated[str, Field(json_schema_extra={"example": "getCart"})]
Milliseconds = Annotated[
    Integer, BeforeValidator(milliseconds), Field(json_schema_extra={"example": 3000})
]


class JvmGc(MachineConfig):
    """A Java process that collects garbage, and what the other actions on Java share."""

    needed: ClassVar[tuple[str, ...]] = ("pid",)

    pid: Pid | None = Field(default=None, description="Id of the Java process.")
    port: Int32 | None = Field(
        default=None,
        description="Port of the agent in the Java process, 9277 without it.",
        json_schema_extra={"example": 9277},
    )

    def refusals(self, path: str) -> Iterator[Problem]:
        """A process has a positive id."""
        yield from super().refusals(path)
        yield from negative_pid(self, path)

    def findings(self, path: str) -> Iterator[Problem]:
        """Ports that no machine has."""
        yield from odd_port(self.port, field_path(self, "port", path))


class JvmMethod(JvmGc):
    """A method that is changed."""

    class_: JavaClass | None = Field(
        default=None, alias="class", description="Class of the method, with its package."
    )
    method: JavaMethod | None = Field(default=None, description="Method that is changed.")


class JvmException(JvmMethod):
    """A method that throws."""

    needed: ClassVar[tuple[str, ...]] = ("pid", "class_", "method", "exception")

    exception: str | None = Field(
        default=None,
        description="Exception that is thrown, as Java code.",
        json_schema_extra={"example": 'java.io.IOException("BOOM")'},
    )


class JvmLatency(JvmMethod):
    """A method that takes longer."""

    needed: ClassVar[tuple[str, ...]] = ("pid", "class_", "method", "latency")

    latency: Milliseconds | None = Field(default=None, description="How much longer, in ms.")


class JvmReturn(JvmMethod):
    """A method that returns something else."""

    needed: ClassVar[tuple[str, ...]] = ("pid", "class_", "method", "value")

    value: str | None = Field(
        default=None,
        description="What it returns, as Java code.",
        json_schema_extra={"example": "9999"},
    )


class JvmStress(JvmGc):
    """A Java process that uses processor or memory."""

    cpu_count: Integer | None = Field(
        default=None,
        description="Number of processors; instead of mem-type.",
        json_schema_extra={"example": 1},
    )
    mem_type: str | None = Field(
        default=None,
        description="Memory that is filled, stack or heap; instead of cpu-count.",
        json_schema_extra={"example": "heap"},
    )

    def refusals(self, path: str) -> Iterator[Problem]:
        """Exactly one of both."""
        yield from super().refusals(path)
        count = self.cpu_count or 0
        if count == 0 and not self.mem_type:
            yield self.missing("cpu_count", path, "or mem-type is required")
        if count > 0 and self.mem_type:
            message = "cannot stand beside cpu-count, leave one of them out"
            yield Problem(field_path(self, "mem_type", path), message)

    def findings(self, path: str) -> Iterator[Problem]:
        """Unlike in JVMChaos, the memory's name is not checked."""
        yield from super().findings(path)
        if self.mem_type:
            where = field_path(self, "mem_type", path)
            yield from unknown_word(self.mem_type, MEMORY, where, "so the attack fails")


class JvmRuleData(JvmGc):
    """A rule of Byteman."""

    needed: ClassVar[tuple[str, ...]] = ("pid", "rule_data")

    rule_data: str | None = Field(default=None, description="Rule of Byteman.")


class JvmMySql(JvmGc):
    """SQL calls that fail or take longer."""

    needed: ClassVar[tuple[str, ...]] = ("pid", "mysql_connector_version")

    mysql_connector_version: str | None = Field(
        default=None,
        alias="mysqlConnectorVersion",
        description="Major version of MySQL's connector, 5 or 8.",
        json_schema_extra={"example": "8"},
    )
    database: str | None = Field(default=None, description="Only calls to this database.")
    table: str | None = Field(default=None, description="Only calls on this table.")
    sql_type: str | None = Field(
        default=None, alias="sqlType", description=f"Only calls of this type: {', '.join(SQL)}."
    )
    exception: str | None = Field(
        default=None,
        description="Message of the exception that calls fail with.",
        json_schema_extra={"example": "BOOM"},
    )
    latency: Milliseconds | None = Field(default=None, description="How much longer calls take.")

    def refusals(self, path: str) -> Iterator[Problem]:
        """What happens to the calls."""
        yield from super().refusals(path)
        if not self.exception and not self.latency:
            yield self.missing("exception", path, "or latency is required")

    def findings(self, path: str) -> Iterator[Problem]:
        """Versions and types of calls that nobody checks before the attack."""
        yield from super().findings(path)
        for name, known in (("mysql_connector_version", ("5", "8")), ("sql_type", SQL)):
            if word := getattr(self, name):
                where = field_path(self, name, path)
                yield from unknown_word(word, known, where, "so no call is touched")
