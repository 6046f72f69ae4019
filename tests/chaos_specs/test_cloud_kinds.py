"""AWSChaos, GCPChaos and AzureChaos: for a cluster by their CRDs, and for the bridge itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from providers.kubernetes.custom_resource import InjectCustomResource
from providers.kubernetes.specs import (
    NATIVE,
    NativeChaosSpec,
    Problem,
    check,
    is_native,
    native_spec,
)

CHAOS_MESH = "chaos-mesh.org/v1alpha1"
AWS: dict[str, Any] = {
    "action": "ec2-stop",
    "awsRegion": "us-east-1",
    "ec2Instance": "i-0a1b2c3d",
    "duration": "5m",
}
VOLUME: dict[str, Any] = {
    **AWS,
    "action": "detach-volume",
    "volumeID": "vol-0a1b2c3d",
    "deviceName": "/dev/sdf",
}
GCP: dict[str, Any] = {
    "action": "node-stop",
    "project": "my-project",
    "zone": "us-central1-a",
    "instance": "carts-worker-1",
    "duration": "5m",
}
DISK: dict[str, Any] = {**GCP, "action": "disk-loss", "deviceNames": ["carts-data-1"]}
AZURE: dict[str, Any] = {
    "action": "vm-stop",
    "subscriptionID": "00000000-0000-4000-8000-000000000001",
    "resourceGroupName": "sandbox",
    "vmName": "carts-worker-1",
    "duration": "5m",
}
LUN: dict[str, Any] = {**AZURE, "action": "disk-detach", "diskName": "carts-data-1", "lun": 0}
KINDS = {"AWSChaos": AWS, "GCPChaos": GCP, "AzureChaos": AZURE}
DISKS = {"AWSChaos": VOLUME, "GCPChaos": DISK, "AzureChaos": LUN}
RESTARTS = {"AWSChaos": "ec2-restart", "GCPChaos": "node-reset", "AzureChaos": "vm-restart"}
MANY: dict[str, dict[str, Any]] = {
    "AWSChaos": {
        "action": "ec2-stop",
        "awsRegion": "us-east-1",
        "selector": {"tags": {"chaos": "ready"}, "zone": "us-east-1a"},
        "mode": "all",
        "duration": "5m",
    },
    "GCPChaos": {
        "action": "node-stop",
        "project": "my-project",
        "selector": {"labels": {"chaos": "ready"}},
        "mode": "all",
        "duration": "5m",
    },
    "AzureChaos": {
        "action": "vm-stop",
        "subscriptionID": "00000000-0000-4000-8000-000000000001",
        "selector": {"tags": {"chaos": "ready"}, "zone": "1"},
        "mode": "all",
        "duration": "5m",
    },
}


def in_cluster(kind: str, spec: dict[str, Any], **fields: Any) -> list[Problem]:
    return check(CHAOS_MESH, kind, "default", {**spec, **fields})


def here(kind: str, spec: dict[str, Any], **fields: Any) -> list[Problem]:
    return check(CHAOS_MESH, kind, "default", {**spec, **fields}, native=True)


def errors(problems: list[Problem]) -> dict[str, str]:
    return {each.path: each.message for each in problems if each.severity == "error"}


def warnings(problems: list[Problem]) -> dict[str, str]:
    return {each.path: each.message for each in problems if each.severity == "warning"}


def without(spec: dict[str, Any], *fields: str) -> dict[str, Any]:
    return {name: value for name, value in spec.items() if name not in fields}


# In a cluster


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_machines_and_disks_are_clean_in_both_ways(kind: str) -> None:
    for judge in (in_cluster, here):
        assert judge(kind, KINDS[kind]) == []
        assert judge(kind, DISKS[kind]) == []


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("AWSChaos", ["volumeID", "deviceName"]),
        ("GCPChaos", ["deviceNames"]),
        ("AzureChaos", ["diskName", "lun"]),
    ],
)
def test_the_action_on_a_disk_wants_it_named_and_the_others_ignore_it(
    kind: str, fields: list[str]
) -> None:
    for judge in (in_cluster, here):
        missing = errors(judge(kind, without(DISKS[kind], *fields)))
        assert list(missing) == [f"spec.{field}" for field in fields]
        assert all("is required with action" in message for message in missing.values())
        ignored = judge(kind, {**DISKS[kind], "action": KINDS[kind]["action"]})
        assert errors(ignored) == {}
        assert list(warnings(ignored)) == [f"spec.{field}" for field in fields]


@pytest.mark.parametrize("spec", [AWS, MANY["AWSChaos"]])
def test_a_disk_that_is_ignored_is_said_so_once_whatever_its_name(spec: dict[str, Any]) -> None:
    found = here("AWSChaos", spec, volumeID="your-volume-id")
    assert errors(found) == {}
    assert "is ignored" in warnings(found)["spec.volumeID"]


def test_a_logical_unit_number_is_a_number() -> None:
    for judge in (in_cluster, here):
        assert "write 0 without quotes" in errors(judge("AzureChaos", LUN, lun="0"))["spec.lun"]
    assert in_cluster("AzureChaos", LUN, lun=64) == []
    assert "63 or less" in errors(here("AzureChaos", LUN, lun=64))["spec.lun"]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_restart_ignores_its_duration(kind: str) -> None:
    spec = {**KINDS[kind], "action": RESTARTS[kind]}
    for judge in (in_cluster, here):
        assert "happens once and ignores it" in warnings(judge(kind, spec))["spec.duration"]
        assert judge(kind, without(spec, "duration")) == []


@pytest.mark.parametrize("field", ["selector", "mode", "value"])
def test_a_cluster_does_not_know_the_fields_that_are_ours(field: str) -> None:
    assert "unknown field" in errors(in_cluster("AWSChaos", AWS, **{field: "x"}))[f"spec.{field}"]


# Carried out by the bridge


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_only_a_controller_reads_is_refused_by_name(kind: str) -> None:
    told = errors(here(kind, KINDS[kind], remoteCluster="other"))
    assert 'carriedOutBy "cluster"' in told["spec.remoteCluster"]
    assert "spec.endpoint" in errors(here("AWSChaos", AWS, endpoint="http://127.0.0.1:4566"))
    secret = here(kind, KINDS[kind], secretName="cloud-key-secret")
    assert errors(secret) == {}
    assert "is not read" in warnings(secret)["spec.secretName"]


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (None, "is required"),
        ("", "is required"),
        ("0s", "is no time at all"),
        ("-5s", "is no time at all"),
        ("500ms", "whole seconds"),
        ("1.5s", "whole seconds"),
        ("10", 'write "10s"'),
    ],
)
def test_a_fault_that_is_undone_has_an_end(duration: str | None, words: str) -> None:
    found = here("AWSChaos", AWS, duration=duration)
    assert words in errors(found)["spec.duration"]
    assert "spec.duration" not in warnings(found)


@pytest.mark.parametrize(
    ("kind", "spec", "path"),
    [
        ("AWSChaos", {**AWS, "ec2Instance": "your-ec2-instance-id"}, "spec.ec2Instance"),
        ("AWSChaos", {**AWS, "ec2Instance": ""}, "spec.ec2Instance"),
        ("AWSChaos", {**VOLUME, "volumeID": "vol-1,vol-2"}, "spec.volumeID"),
        ("AWSChaos", {**VOLUME, "deviceName": ""}, "spec.deviceName"),
        ("GCPChaos", {**GCP, "instance": "a/../b"}, "spec.instance"),
        ("GCPChaos", {**GCP, "zone": "us-central1"}, "spec.zone"),
        ("GCPChaos", {**GCP, "project": ""}, "spec.project"),
        ("GCPChaos", {**DISK, "deviceNames": []}, "spec.deviceNames"),
        ("GCPChaos", {**DISK, "deviceNames": ["a", "b,c"]}, "spec.deviceNames[1]"),
        ("AzureChaos", {**AZURE, "vmName": "a/b"}, "spec.vmName"),
        ("AzureChaos", {**AZURE, "subscriptionID": "mine"}, "spec.subscriptionID"),
        ("AzureChaos", {**AZURE, "resourceGroupName": "a/b"}, "spec.resourceGroupName"),
        ("AzureChaos", {**LUN, "diskName": "a,b"}, "spec.diskName"),
    ],
)
def test_names_that_no_cloud_gives_are_refused(kind: str, spec: dict[str, Any], path: str) -> None:
    assert list(errors(here(kind, spec))) == [path]


@pytest.mark.parametrize("kind", sorted(MANY))
def test_many_machines_by_what_they_have_in_common(kind: str) -> None:
    assert here(kind, MANY[kind]) == []
    disk = {**MANY[kind], "action": DISKS[kind]["action"]}
    assert here(kind, disk) == []


@pytest.mark.parametrize("kind", sorted(MANY))
def test_one_machine_and_a_selector_exclude_each_other(kind: str) -> None:
    both = {**DISKS[kind], **without(MANY[kind], "action")}
    machine = {"AWSChaos": "ec2Instance", "GCPChaos": "instance", "AzureChaos": "vmName"}[kind]
    told = errors(here(kind, both))
    assert "cannot stand beside selector, which finds the disks" in told[f"spec.{machine}"]
    assert {path.removeprefix("spec.") for path in told} == DISKS[kind].keys() - MANY[
        kind
    ].keys() - {
        "zone",
        "resourceGroupName",
    }
    neither = errors(here(kind, without(KINDS[kind], machine)))
    assert "or selector for many machines" in neither[f"spec.{machine}"]


def test_the_place_stays_where_the_crd_has_it_and_narrows_a_selector() -> None:
    assert here("GCPChaos", MANY["GCPChaos"], zone="us-central1-a") == []
    assert here("AzureChaos", MANY["AzureChaos"], resourceGroupName="sandbox") == []
    assert "spec.zone" in errors(here("GCPChaos", without(GCP, "zone")))
    group = without(AZURE, "resourceGroupName")
    assert "spec.resourceGroupName" in errors(here("AzureChaos", group))


@pytest.mark.parametrize(
    ("fields", "path", "words"),
    [
        ({"selector": {}}, "spec.selector", "write tags or zone"),
        ({"selector": {"tags": {}}}, "spec.selector", "selects everything"),
        ({"selector": {"labels": {"a": "b"}}}, "spec.selector.labels", "unknown field"),
        ({"mode": None}, "spec.mode", "is required beside selector"),
        ({"mode": "random-max-percent", "value": "50"}, "spec.mode", '"fixed-percent"'),
        ({"mode": "fixed"}, "spec.value", 'like "2"'),
        ({"mode": "fixed-percent", "value": "101"}, "spec.value", 'write "1" to "100"'),
        ({"mode": "fixed", "value": 2}, "spec.value", 'write "2" with quotes'),
    ],
)
def test_selector_mode_and_value(fields: dict[str, Any], path: str, words: str) -> None:
    assert words in errors(here("AWSChaos", MANY["AWSChaos"], **fields))[path]


def test_mode_and_value_mean_nothing_without_a_selector() -> None:
    assert set(errors(here("AWSChaos", AWS, mode="one", value="1"))) == {"spec.mode", "spec.value"}


def test_a_percentage_is_said_to_round_down() -> None:
    found = here("AWSChaos", MANY["AWSChaos"], mode="fixed-percent", value="50")
    assert errors(found) == {}
    assert "Chaos Mesh rounds up" in warnings(found)["spec.mode"]


def test_the_time_a_native_fault_lasts() -> None:
    def lasts(**fields: Any) -> timedelta:
        spec: NativeChaosSpec = native_spec("AWSChaos", {**AWS, **fields})
        return spec.lasts

    assert lasts(duration="1h30m") == timedelta(minutes=90)
    assert lasts(duration="1.5h") == timedelta(minutes=90)
    assert lasts(action="ec2-restart", duration="5m") == timedelta()


def test_who_carries_a_resource_out() -> None:
    assert all(is_native(CHAOS_MESH, kind, None) for kind in NATIVE)
    assert is_native(CHAOS_MESH, "AWSChaos", "faultbridge")
    assert not is_native(CHAOS_MESH, "AWSChaos", "cluster")
    assert not is_native(CHAOS_MESH, "NetworkChaos", None)
    assert not is_native("example.org/v1alpha1", "AWSChaos", None)


# As parameters of the action


def parameters(kind: str, spec: dict[str, Any], **more: str) -> dict[str, Problem]:
    fault = InjectCustomResource()
    given = {
        "kubernetesApiVersion": CHAOS_MESH,
        "kubernetesKind": kind,
        "kubernetesNamespace": "default",
        "kubernetesSpec": spec,
        "maxDuration": "PT10M",
    }
    read = fault.Parameters.model_validate({**given, **more})
    return {problem.path: problem for problem in fault.check(read, "parameters")}


def test_the_parameter_chooses_by_what_the_spec_is_judged() -> None:
    assert parameters("AWSChaos", MANY["AWSChaos"]) == {}
    assert parameters("AWSChaos", MANY["AWSChaos"], carriedOutBy="faultbridge") == {}
    told = parameters("AWSChaos", {**AWS, **MANY["AWSChaos"]}, carriedOutBy="cluster")
    assert set(told) == {"parameters.kubernetesSpec.mode", "parameters.kubernetesSpec.selector"}
    for problem in told.values():
        assert "it is Faultbridge's own" in problem.message
        assert 'carriedOutBy "faultbridge"' in problem.message
    in_a_cluster = {**without(AWS, "duration"), "endpoint": "http://127.0.0.1"}
    assert all(
        problem.severity == "warning"
        for problem in parameters("AWSChaos", in_a_cluster, carriedOutBy="cluster").values()
    )


def test_only_the_cloud_kinds_can_be_carried_out_by_the_bridge() -> None:
    kill = {"action": "pod-kill", "mode": "one", "selector": {}}
    told = parameters("PodChaos", kill, carriedOutBy="faultbridge")["parameters.carriedOutBy"]
    assert told.severity == "error"
    assert 'not PodChaos; write "cluster"' in told.message
    assert "parameters.carriedOutBy" not in parameters("PodChaos", kill, carriedOutBy="cluster")


def test_a_native_fault_may_last_as_long_as_the_limit_and_no_longer() -> None:
    assert parameters("AWSChaos", {**AWS, "duration": "10m"}) == {}
    told = parameters("AWSChaos", {**AWS, "duration": "10m1s"})
    assert "is longer than maxDuration (PT10M)" in (
        told["parameters.kubernetesSpec.duration"].message
    )


def test_a_spec_that_is_no_object_is_said_so() -> None:
    fault = InjectCustomResource()
    read = fault.Parameters.model_validate(
        {
            "kubernetesApiVersion": CHAOS_MESH,
            "kubernetesKind": "AWSChaos",
            "kubernetesNamespace": "default",
            "kubernetesSpec": "[]",
            "maxDuration": "PT10M",
        }
    )
    (problem,) = fault.check(read, "parameters")
    assert problem.path == "parameters.kubernetesSpec"
