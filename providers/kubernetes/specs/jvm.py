"""JVMChaos: methods, memory, processor and database calls of a Java process that misbehave."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from bridge.model.problem import Problem
from bridge.model.wording import child
from providers.kubernetes.specs.base import ChaosSpec, Int32, Integer
from providers.kubernetes.specs.durations import parse_go_duration
from providers.kubernetes.specs.findings import (
    field_path,
    ignored_with,
    is_set,
    odd_port,
    unknown_word,
    warning,
)
from providers.kubernetes.specs.problems import meant, shown
from providers.kubernetes.specs.selector import ContainerSelection

Action = Literal["latency", "return", "exception", "stress", "gc", "ruleData", "mysql"]

MEMORY: Final = ("stack", "heap")
SQL: Final = ("select", "insert", "update", "delete", "replace")
_VERSIONS: Final = ("5", "8")
_DATABASE: Final = ("mysql_connector_version", "database", "table", "sql_type")
_METHOD: Final = ("class_", "method")
_READ: Final[dict[str, tuple[str, ...]]] = {
    "latency": (*_METHOD, "latency"),
    "return": (*_METHOD, "return_value"),
    "exception": (*_METHOD, "exception"),
    "stress": ("cpu_count", "mem_type"),
    "gc": (),
    "ruleData": ("rule_data",),
    "mysql": (*_DATABASE, "latency", "exception"),
}
_DETAILS: Final = tuple(dict.fromkeys(name for names in _READ.values() for name in names))
_LIKE: Final = {
    "class_": 'write it like "com.example.Carts"',
    "method": 'write it like "getCart"',
    "latency": "write milliseconds, like 3000",
    "exception": 'write it like "java.io.IOException(\\"BOOM\\")"',
    "return_value": 'write it like "9999"',
    "rule_data": "write a rule of Byteman",
}


def milliseconds(value: Any) -> Any:
    """Refuse a duration where a number of milliseconds is wanted, and say which one."""
    if isinstance(value, str):
        try:
            meant_by = parse_go_duration(value)
        except ValueError:
            return value
        number = round(meant_by.total_seconds() * 1000)
        raise ValueError(f"is a number of milliseconds, {shown(value)} is text, write {number}")
    return value


class JVMChaosSpec(ChaosSpec, ContainerSelection):
    """The `spec` of a JVMChaos."""

    action: Action = Field(
        description="latency, return and exception change a method; stress uses processor or "
        "memory; gc collects garbage; ruleData is a rule of Byteman; mysql changes SQL calls."
    )
    class_: str | None = Field(
        default=None, alias="class", description="The class of the method, with its package."
    )
    method: str | None = Field(default=None, description="The method that is changed.")
    latency: Annotated[Integer, BeforeValidator(milliseconds)] | None = Field(
        default=None, description="How long the method or the SQL call takes longer, in ms."
    )
    return_value: str | None = Field(
        default=None,
        description="What the method returns, as Java code; a text with quotes of its own.",
        json_schema_extra={"example": "9999"},
    )
    exception: str | None = Field(
        default=None,
        description="The exception that is thrown, as Java code; for mysql its message.",
        json_schema_extra={"example": 'java.io.IOException("BOOM")'},
    )
    cpu_count: Integer | None = Field(
        default=None, description="How many processors stress uses; instead of memType."
    )
    mem_type: str | None = Field(
        default=None,
        description="What stress fills, stack or heap; instead of cpuCount.",
        json_schema_extra={"choices": list(MEMORY)},
    )
    rule_data: str | None = Field(
        default=None,
        description="A rule of Byteman. It takes the place of whatever else is written.",
    )
    mysql_connector_version: str | None = Field(
        default=None,
        description="The major version of MySQL's connector, 5 or 8.",
        json_schema_extra={"example": "8", "choices": list(_VERSIONS)},
    )
    database: str | None = Field(default=None, description="Only calls to this database.")
    table: str | None = Field(default=None, description="Only calls on this table.")
    sql_type: str | None = Field(
        default=None,
        description="Only calls of this type.",
        json_schema_extra={"choices": list(SQL)},
    )
    name: str | None = Field(
        default=None, description="The name of the rule, made up without it; must be unique."
    )
    port: Int32 | None = Field(
        default=None,
        description="The port of the agent in the Java process.",
        json_schema_extra={"webhookDefault": 9277},
    )
    pid: Integer | None = Field(
        default=None, description="The id of the Java process; the first of the container without."
    )

    def findings(self, path: str) -> Iterator[Problem]:
        """The webhook's rules for each action, and what is not read."""
        yield from super().findings(path)
        yield from odd_port(self.port, child(path, "port"))
        if self.action == "stress":
            yield from self._stress(path)
        elif self.action == "mysql":
            yield from self._mysql(path)
        else:
            yield from self._needed(path)
        if is_set(self.rule_data) and self.action != "ruleData":
            message = (
                f'takes the place of action "{self.action}" and all that it says; leave it out, '
                'or write action "ruleData"'
            )
            yield warning(child(path, "ruleData"), message)
        read = (*_READ[self.action], "rule_data")
        yield from ignored_with(self, self.action, (n for n in _DETAILS if n not in read), path)

    def _needed(self, path: str) -> Iterator[Problem]:
        for name in _READ[self.action]:
            if is_set(getattr(self, name)):
                continue
            where = field_path(self, name, path)
            message = f'is required with action "{self.action}", {_LIKE[name]}'
            if name == "return_value" and self.value:
                message = (
                    f'is required with action "return": value says how many pods are selected; '
                    f"write returnValue: {shown(self.value)}"
                )
            yield Problem(where, message)
        if self.action == "latency" and self.latency is not None and self.latency < 0:
            yield warning(
                child(path, "latency"), f"{self.latency} ms delay nothing, write 1 or more"
            )

    def _stress(self, path: str) -> Iterator[Problem]:
        count, memory = self.cpu_count or 0, self.mem_type or ""
        if count == 0 and not memory:
            message = 'is required with action "stress", write cpuCount, like 1, or memType, "heap"'
            yield Problem(child(path, "cpuCount"), message)
        if count > 0 and memory:
            message = "cannot stand beside cpuCount, write one of them and two resources for both"
            yield Problem(child(path, "memType"), message)
        if count < 0:
            message = f"{count} processors make no load, write 1 or more"
            yield warning(child(path, "cpuCount"), message)
        if memory and memory not in MEMORY:
            hint = meant(memory, MEMORY)
            message = f"{shown(memory)} is not one of stack, heap"
            yield Problem(child(path, "memType"), f"{message}; {hint}" if hint else message)

    def _mysql(self, path: str) -> Iterator[Problem]:
        where = child(path, "mysqlConnectorVersion")
        version = self.mysql_connector_version
        if not version:
            yield Problem(where, 'is required with action "mysql", write "5" or "8"')
        elif version not in _VERSIONS:
            major = version.lstrip("v").split(".", 1)[0]
            mend = f'write "{major}"' if major in _VERSIONS else 'write "5" or "8"'
            yield Problem(where, f"{shown(version)} is not one of 5, 8; {mend}")
        if not self.exception and not self.latency:
            message = (
                'is required with action "mysql", write what calls fail with, like "BOOM", or '
                "latency in milliseconds"
            )
            yield Problem(child(path, "exception"), message)
        if self.sql_type:
            yield from unknown_word(
                self.sql_type, SQL, child(path, "sqlType"), "so no call is touched"
            )
