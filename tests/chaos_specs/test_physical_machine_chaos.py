"""PhysicalMachineChaos: the object of each action, and the machines, as Chaos Mesh 2.8.3 has it."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from providers.kubernetes.specs import crd_schema
from providers.kubernetes.specs.physical_machine import Action
from tests.chaos_specs.judged import errors, judged, warnings

MACHINES: dict[str, Any] = {"mode": "one", "selector": {"labelSelectors": {"arch": "amd64"}}}
METHOD = {"pid": 1, "class": "Main", "method": "main"}
BROKER = {"host": "h", "port": 9092}
LINK = {"device": "eth0"}

# For each action an object that passes, with nothing in it that could be left out.
WHOLE: dict[str, dict[str, Any]] = {
    "stress-cpu": {"load": 10, "workers": 1},
    "stress-mem": {"size": "100MB"},
    "disk-read-payload": {"size": "1GiB", "payload-process-num": 1},
    "disk-write-payload": {"size": "1G", "payload-process-num": 255},
    "disk-fill": {"size": "1024M"},
    "network-corrupt": {**LINK, "percent": "10"},
    "network-duplicate": {**LINK, "percent": "0.5"},
    "network-loss": {**LINK, "percent": "100"},
    "network-delay": {**LINK, "latency": "1000ms"},
    "network-partition": {**LINK, "direction": "to", "hostname": "example.com"},
    "network-dns": {"dns-ip": "1.1.1.1", "dns-domain-name": "example.com"},
    "network-bandwidth": {**LINK, "rate": "1mbps", "limit": 1, "buffer": 1},
    "network-flood": {"ip-address": "1.1.1.1", "port": "80", "rate": "10mbps", "duration": "30"},
    "network-down": {**LINK, "duration": "30s"},
    "process": {"process": "nginx", "signal": 15},
    "jvm-exception": {**METHOD, "exception": "java.io.IOException()"},
    "jvm-gc": {"pid": 1},
    "jvm-latency": {**METHOD, "latency": 1000},
    "jvm-return": {**METHOD, "value": "9999"},
    "jvm-stress": {"pid": 1, "cpu-count": 1},
    "jvm-rule-data": {"pid": 1, "rule-data": "RULE x"},
    "jvm-mysql": {"pid": 1, "mysqlConnectorVersion": "8", "latency": 1},
    "clock": {"pid": 1, "time-offset": "-5m"},
    "redis-expiration": {"addr": "127.0.0.1:6379"},
    "redis-penetration": {"addr": "127.0.0.1:6379", "requestNum": 10},
    "redis-cacheLimit": {"addr": "127.0.0.1:6379"},
    "redis-restart": {"addr": "127.0.0.1:6379", "conf": "/etc/sentinel.conf"},
    "redis-stop": {"addr": "127.0.0.1:6379"},
    "kafka-fill": {**BROKER, "maxBytes": 1, "reloadCommand": "reload"},
    "kafka-flood": {**BROKER, "threads": 1},
    "kafka-io": {"nonReadable": True},
    "file-create": {"file-name": "/a"},
    "file-modify": {"file-name": "/a", "privilege": 644},
    "file-delete": {"dir-name": "/a"},
    "file-rename": {"source-file": "/a", "dest-file": "/b"},
    "file-append": {"file-name": "/a", "data": "x"},
    "file-replace": {"file-name": "/a", "origin-string": "x", "dest-string": "y"},
    "vm": {},
    "user_defined": {"attackCmd": "a", "recoverCmd": "b"},
}
NEEDED = [(action, field) for action, whole in WHOLE.items() for field in whole]


def spec(action: str, **changes: Any) -> dict[str, Any]:
    return {**MACHINES, "action": action, action: {**WHOLE[action], **changes}}


def test_all_39_actions_are_known() -> None:
    assert set(get_args(Action)) == set(WHOLE)
    assert len(WHOLE) == 39
    schema = crd_schema("PhysicalMachineChaos")
    assert set(WHOLE) < set(schema["properties"])
    assert schema["required"] == ["action", "mode"]


@pytest.mark.parametrize("action", sorted(WHOLE))
def test_each_action_passes_with_what_it_needs(action: str) -> None:
    assert errors("PhysicalMachineChaos", spec(action)) == {}


@pytest.mark.parametrize("action", sorted(WHOLE))
def test_each_action_wants_its_object(action: str) -> None:
    for object_ in ({}, {action: None}):
        told = errors("PhysicalMachineChaos", {**MACHINES, "action": action, **object_})
        assert list(told) == [f"spec.{action}"]
        assert "write an object with" in told[f"spec.{action}"]


@pytest.mark.parametrize(("action", "field"), NEEDED)
@pytest.mark.parametrize("how", ["missing", "empty"])
def test_each_object_has_fields_it_cannot_do_without(action: str, field: str, how: str) -> None:
    value = WHOLE[action][field]
    empty = type(value)() if how == "empty" else None
    told = errors("PhysicalMachineChaos", spec(action, **{field: empty}))
    assert told
    assert all(path.startswith(f"spec.{action}.") for path in told)


@pytest.mark.parametrize(
    ("action", "changes", "field"),
    [
        ("stress-mem", {"size": "100"}, "size"),
        ("stress-mem", {"size": "50%"}, "size"),
        ("stress-mem", {"size": "1MB1MiB"}, "size"),
        ("stress-mem", {"size": "10mb"}, "size"),
        ("disk-fill", {"size": "123HB"}, "size"),
        ("disk-read-payload", {"payload-process-num": 256}, "payload-process-num"),
        ("disk-read-payload", {"payload-process-num": -1}, "payload-process-num"),
        ("network-loss", {"percent": "101"}, "percent"),
        ("network-loss", {"percent": "0"}, "percent"),
        ("network-loss", {"percent": "10%"}, "percent"),
        ("network-delay", {"correlation": "-1"}, "correlation"),
        ("network-delay", {"accept-tcp-flags": "SYN", "ip-protocol": "udp"}, "ip-protocol"),
        ("network-partition", {"direction": "both"}, "direction"),
        ("network-partition", {"accept-tcp-flags": "SYN"}, "ip-protocol"),
        ("network-bandwidth", {"limit": 0}, "limit"),
        ("network-bandwidth", {"peakrate": -1}, "peakrate"),
        ("jvm-gc", {"pid": -1}, "pid"),
        ("clock", {"pid": -1}, "pid"),
        ("jvm-stress", {"mem-type": "heap"}, "mem-type"),
        ("jvm-latency", {"latency": "1s"}, "latency"),
        ("redis-cacheLimit", {"percent": "50%"}, "cacheSize"),
        ("redis-cacheLimit", {"percent": "50%", "cacheSize": "1MB"}, "cacheSize"),
        ("redis-stop", {"redisPath": "/usr/bin"}, "redisPath"),
        ("kafka-fill", {"port": 65_536}, "port"),
        ("file-modify", {"privilege": -1}, "privilege"),
    ],
)
def test_objects_have_bounds(action: str, changes: dict[str, Any], field: str) -> None:
    told = errors("PhysicalMachineChaos", spec(action, **changes))
    assert list(told) == [f"spec.{action}.{field}"]


@pytest.mark.parametrize("size", ["10c", "1K", "1KB", "1kB", "1.5GiB", "1E", "1GB500MB", "-1M"])
def test_sizes_have_the_units_of_chaosd(size: str) -> None:
    assert errors("PhysicalMachineChaos", spec("stress-mem", size=size)) == {}


def test_a_size_of_the_cache_is_nothing_beside_a_percentage() -> None:
    assert (
        errors("PhysicalMachineChaos", spec("redis-cacheLimit", percent="5%", cacheSize="0")) == {}
    )


@pytest.mark.parametrize("option", ["XX", "NX", "GT", "LT"])
def test_options_of_redis_are_refused_by_mistake(option: str) -> None:
    told = errors("PhysicalMachineChaos", spec("redis-expiration", option=option))
    assert "by mistake; leave it out" in told["spec.redis-expiration.option"]
    told = warnings("PhysicalMachineChaos", spec("redis-expiration", option="YY"))
    assert "no option of Redis" in told["spec.redis-expiration.option"]


@pytest.mark.parametrize(
    ("action", "changes", "field"),
    [
        ("stress-cpu", {"load": 200}, "load"),
        ("stress-cpu", {"workers": -1}, "workers"),
        ("network-delay", {"latency": "10"}, "latency"),
        ("network-delay", {"jitter": "soon"}, "jitter"),
        ("network-delay", {"ip-protocol": "sctp"}, "ip-protocol"),
        ("network-delay", {"egress-port": "80"}, "egress-port"),
        ("network-down", {"duration": "1d"}, "duration"),
        ("network-flood", {"duration": "30s"}, "duration"),
        ("network-flood", {"rate": "10"}, "rate"),
        ("network-bandwidth", {"rate": "10"}, "rate"),
        ("clock", {"time-offset": "abc"}, "time-offset"),
        ("clock", {"clock-ids-slice": "CLOCK_REALTIME,MONOTONIC"}, "clock-ids-slice"),
        ("jvm-gc", {"port": 70_000}, "port"),
        ("jvm-mysql", {"mysqlConnectorVersion": "9"}, "mysqlConnectorVersion"),
        ("jvm-stress", {"cpu-count": 0, "mem-type": "Heap"}, "mem-type"),
        ("vm", {}, "vm-name"),
    ],
)
def test_what_only_the_machine_would_refuse(action: str, changes: Any, field: str) -> None:
    assert list(warnings("PhysicalMachineChaos", spec(action, **changes))) == [
        f"spec.{action}.{field}"
    ]


def test_files_have_no_route_in_chaosd() -> None:
    assert "404" in warnings("PhysicalMachineChaos", spec("file-create"))["spec.action"]


def test_objects_of_other_actions_are_idle_but_a_rate_is_always_wanted() -> None:
    told = warnings("PhysicalMachineChaos", {**spec("jvm-gc"), "vm": {}})
    assert told == {"spec.vm": 'is ignored with action "jvm-gc", leave it out'}
    bucket = {"rate": "", "limit": 1, "buffer": 1}
    refused = errors("PhysicalMachineChaos", {**spec("jvm-gc"), "network-bandwidth": bucket})
    assert list(refused) == ["spec.network-bandwidth.rate"]


def test_http_has_objects_and_no_action() -> None:
    told = errors("PhysicalMachineChaos", {**MACHINES, "action": "http-abort"})
    assert "spec.action" in told
    whole = {"proxy_ports": [80], "target": "Request"}
    assert errors("PhysicalMachineChaos", {**spec("jvm-gc"), "http-abort": whole}) == {}
    for name in whole:
        part = {**whole, name: None}
        told = errors("PhysicalMachineChaos", {**spec("jvm-gc"), "http-abort": part})
        assert list(told) == [f"spec.http-abort.{name}"]


@pytest.mark.parametrize("selector", [None, {}, {"namespaces": []}, {"physicalMachines": {}}])
def test_machines_are_named_in_exactly_one_way(selector: Any) -> None:
    told = errors("PhysicalMachineChaos", {**spec("jvm-gc"), "selector": selector})
    assert list(told) == ["spec.address"]
    addressed = {**spec("jvm-gc"), "address": ["1.1.1.1:31767"]}
    assert judged("PhysicalMachineChaos", {**addressed, "selector": selector}) == []
    assert "beside selector" in errors("PhysicalMachineChaos", addressed)["spec.address"]


def test_an_empty_address_gets_a_scheme_and_passes() -> None:
    told = warnings("PhysicalMachineChaos", {**spec("jvm-gc"), "selector": {}, "address": [""]})
    assert list(told) == ["spec.address[0]"]


@pytest.mark.parametrize(("mode", "value"), [("fixed", None), ("fixed-percent", "101")])
def test_no_webhook_reads_the_value(mode: str, value: str | None) -> None:
    told = warnings("PhysicalMachineChaos", {**spec("jvm-gc"), "mode": mode, "value": value})
    assert "unchecked by Chaos Mesh" in told["spec.value"]


def test_a_physical_machine_has_an_address() -> None:
    assert judged("PhysicalMachine", {"address": "https://1.1.1.1:31768"}) == []
    for address in ("", None):
        assert list(errors("PhysicalMachine", {"address": address})) == ["spec.address"]
