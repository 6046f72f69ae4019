"""PhysicalMachineChaos: faults on machines outside the cluster, on which chaosd runs.

And PhysicalMachine, which names such a machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final, Literal

from pydantic import Field

from bridge.model.problem import Problem, Severity
from bridge.model.wording import child
from providers.kubernetes.specs import machine_config as config
from providers.kubernetes.specs import machine_files as files
from providers.kubernetes.specs import machine_jvm as jvm
from providers.kubernetes.specs import machine_network as network
from providers.kubernetes.specs import machine_services as services
from providers.kubernetes.specs.base import ChaosModel, ChaosSpec, TextListMap
from providers.kubernetes.specs.findings import warning
from providers.kubernetes.specs.selector import GenericSelectorSpec, Mode, value_problems

Action = Literal[
    "stress-cpu", "stress-mem", "disk-read-payload", "disk-write-payload", "disk-fill",
    "network-corrupt", "network-duplicate", "network-loss", "network-delay", "network-partition",
    "network-dns", "network-bandwidth", "network-flood", "network-down", "process",
    "jvm-exception", "jvm-gc", "jvm-latency", "jvm-return", "jvm-stress", "jvm-rule-data",
    "jvm-mysql", "clock", "redis-expiration", "redis-penetration", "redis-cacheLimit",
    "redis-restart", "redis-stop", "kafka-fill", "kafka-flood", "kafka-io", "file-create",
    "file-modify", "file-delete", "file-rename", "file-append", "file-replace", "vm",
    "user_defined",
]  # fmt: skip

# chaosd 1.4.0 serves no such attack, so what the controller posts there ends in 404.
_WITHOUT_ROUTE: Final = ("file-", "http-")


def _told(action: str, what: str) -> Any:
    return Field(default=None, alias=action, description=f"For action {action}: {what}.")


class PhysicalMachineSelectorSpec(GenericSelectorSpec):
    """What physical machines have in common; all that is given must hold."""

    physical_machines: TextListMap | None = Field(
        default=None,
        description="Names of PhysicalMachines by namespace.",
        json_schema_extra={"example": {"default": ["machine-1"]}},
    )

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing, which the webhook takes for no selector."""
        return not any(getattr(self, name) for name in type(self).model_fields)


class PhysicalMachineSpec(ChaosModel):
    """The `spec` of a PhysicalMachine."""

    address: str = Field(
        description="The address of chaosd on the machine.",
        json_schema_extra={"example": "https://203.0.113.7:31768"},
    )

    def findings(self, path: str) -> Iterator[Problem]:
        """The webhook wants an address."""
        if not self.address:
            message = 'is empty, write it like "https://203.0.113.7:31768"'
            yield Problem(child(path, "address"), message)


class PhysicalMachineChaosSpec(ChaosSpec):
    """The `spec` of a PhysicalMachineChaos: an action, its object, and the machines."""

    action: Action = Field(description="What happens; the object of the same name says the rest.")
    mode: Mode = Field(
        description="How many of the selected machines: one at random, all of them, a fixed "
        "number, a percentage, or a random percentage up to value."
    )
    value: str | None = Field(
        default=None,
        description="A number of machines, or a percentage, depending on the mode; as text.",
        json_schema_extra={"example": "2"},
    )
    selector: PhysicalMachineSelectorSpec | None = Field(
        default=None, description="What the PhysicalMachines have in common; instead of address."
    )
    address: list[str] | None = Field(
        default=None,
        description="Addresses of chaosd on the machines; instead of selector.",
        json_schema_extra={"example": ["203.0.113.7:31767"]},
    )
    uid: str | None = Field(
        default=None, description="The id of the attack at chaosd; made up without it."
    )
    stress_cpu: config.StressCpu | None = _told("stress-cpu", "processor load")
    stress_mem: config.StressMemory | None = _told("stress-mem", "memory load")
    disk_read_payload: files.DiskPayload | None = _told("disk-read-payload", "reads of a disk")
    disk_write_payload: files.DiskPayload | None = _told("disk-write-payload", "writes to a disk")
    disk_fill: files.DiskFill | None = _told("disk-fill", "a disk that fills up")
    network_corrupt: network.NetworkShare | None = _told("network-corrupt", "damaged packets")
    network_duplicate: network.NetworkShare | None = _told("network-duplicate", "doubled packets")
    network_loss: network.NetworkShare | None = _told("network-loss", "lost packets")
    network_delay: network.NetworkDelay | None = _told("network-delay", "delayed packets")
    network_partition: network.NetworkPartition | None = _told("network-partition", "a cut")
    network_dns: network.NetworkDns | None = _told("network-dns", "names that resolve elsewhere")
    network_bandwidth: network.NetworkBandwidth | None = _told("network-bandwidth", "a slow link")
    network_flood: network.NetworkFlood | None = _told("network-flood", "traffic to an address")
    network_down: network.NetworkDown | None = _told("network-down", "an interface that is down")
    process: config.Process | None = _told("process", "a signal to a process")
    jvm_exception: jvm.JvmException | None = _told("jvm-exception", "a method that throws")
    jvm_gc: jvm.JvmGc | None = _told("jvm-gc", "a collection of garbage")
    jvm_latency: jvm.JvmLatency | None = _told("jvm-latency", "a method that takes longer")
    jvm_return: jvm.JvmReturn | None = _told("jvm-return", "what a method returns")
    jvm_stress: jvm.JvmStress | None = _told("jvm-stress", "load by a Java process")
    jvm_rule_data: jvm.JvmRuleData | None = _told("jvm-rule-data", "a rule of Byteman")
    jvm_mysql: jvm.JvmMySql | None = _told("jvm-mysql", "SQL calls that fail or take longer")
    clock: config.Clock | None = _told("clock", "a process whose clock is shifted")
    redis_expiration: services.RedisExpiration | None = _told("redis-expiration", "expiring keys")
    redis_penetration: services.RedisPenetration | None = _told(
        "redis-penetration", "requests for keys that are not there"
    )
    redis_cache_limit: services.RedisCacheLimit | None = _told("redis-cacheLimit", "less memory")
    redis_restart: services.RedisSentinelRestart | None = _told(
        "redis-restart", "a Sentinel that is restarted"
    )
    redis_stop: services.RedisSentinelStop | None = _told("redis-stop", "a Sentinel that stops")
    kafka_fill: services.KafkaFill | None = _told("kafka-fill", "a broker whose disk fills up")
    kafka_flood: services.KafkaFlood | None = _told("kafka-flood", "a broker under load")
    kafka_io: services.KafkaIo | None = _told("kafka-io", "a broker that cannot read or write")
    http_abort: services.HttpMatch | None = _told("http-abort", "no such action can be chosen")
    http_delay: services.HttpDelay | None = _told("http-delay", "no such action can be chosen")
    http_config: services.HttpConfig | None = _told("http-config", "no such action can be chosen")
    http_request: services.HttpRequest | None = _told(
        "http-request", "no such action can be chosen"
    )
    file_create: files.FileOrDirectory | None = _told("file-create", "a file that is created")
    file_modify: files.FileModify | None = _told("file-modify", "a file's permissions")
    file_delete: files.FileOrDirectory | None = _told("file-delete", "a file that is deleted")
    file_rename: files.FileRename | None = _told("file-rename", "a file that is renamed")
    file_append: files.FileAppend | None = _told("file-append", "text added to a file")
    file_replace: files.FileReplace | None = _told("file-replace", "text replaced in a file")
    vm: config.VirtualMachine | None = _told("vm", "a virtual machine that is stopped")
    user_defined: config.UserDefined | None = _told("user_defined", "commands of one's own")

    def findings(self, path: str) -> Iterator[Problem]:
        """The webhook's rules for machines and for the object of the action."""
        yield from super().findings(path)
        yield from self._machines(path)
        yield from self._object(path)
        if self.action.startswith(_WITHOUT_ROUTE):
            message = (
                f'"{self.action}" has no route in chaosd 1.4.0, so every attack ends in 404 and '
                'nothing is injected; write "user_defined" with commands of your own'
            )
            yield warning(child(path, "action"), message)

    def reads(self, name: str) -> bool:
        """Of the objects only that of the action."""
        alias = type(self).model_fields[name].alias
        return alias == self.action or not isinstance(getattr(self, name), config.MachineConfig)

    def _machines(self, path: str) -> Iterator[Problem]:
        where = child(path, "address")
        selected = self.selector is not None and not self.selector.is_empty
        if not self.address and not selected:
            message = (
                'or selector is required, write selector like {"physicalMachines": '
                '{"default": ["machine-1"]}}'
            )
            yield Problem(where, message)
        if self.address and selected:
            yield Problem(where, "cannot stand beside selector, leave one of them out")
        for index, address in enumerate(self.address or ()):
            if not address:
                message = 'is empty, so no chaosd is found, write it like "203.0.113.7:31767"'
                yield warning(child(where, index), message)
        if selected:
            for problem in value_problems(self.mode, self.value, path):
                if problem.severity is Severity.ERROR:
                    # No webhook reads the value here; the selection fails with it.
                    message = f"{problem.message}; unchecked by Chaos Mesh, it selects nothing"
                    yield replace(problem, message=message, severity=Severity.WARNING)
                else:
                    yield problem

    def _object(self, path: str) -> Iterator[Problem]:
        for name, field in type(self).model_fields.items():
            given = getattr(self, name)
            alias = field.alias or name
            if alias == self.action:
                if given is None:
                    message = f'is required with action "{self.action}", write {_like(self.action)}'
                    yield Problem(child(path, alias), message)
                else:
                    yield from given.refusals(child(path, alias))
            elif isinstance(given, config.MachineConfig):
                message = f'is ignored with action "{self.action}", leave it out'
                yield warning(child(path, alias), message)
                if isinstance(given, network.NetworkBandwidth) and not given.rate:
                    # Alone among the objects, this one is asked for its rate whatever the action.
                    yield given.missing("rate", child(path, alias))


def _like(action: str) -> str:
    """How the object of an action is written, from the examples of the fields it needs."""
    fields = PhysicalMachineChaosSpec.model_fields
    annotation: Any = next(each.annotation for each in fields.values() if each.alias == action)
    model: type[config.MachineConfig] = annotation.__args__[0]
    names = model.needed or tuple(model.model_fields)
    wanted = [model.model_fields[name].alias or name for name in names]
    return f"an object with {', '.join(wanted) if model.needed else ' or '.join(wanted)}"
