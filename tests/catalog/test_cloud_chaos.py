"""Chaos Mesh's cloud kinds: what the engine runs in their place, and how refusals come back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest
from pydantic import Field

from bridge.catalog import Catalog
from bridge.catalog.cloud_chaos import cloud_faults, lowered
from bridge.dialects.fis import parse_template
from bridge.dialects.fis.templates import render_template
from bridge.engine import new_experiment
from bridge.model.moment import Micros
from bridge.model.problem import InvalidDocumentError, Problem
from bridge.model.scope import Scope
from bridge.model.template import ExperimentTemplate, TemplateTarget
from bridge.settings import Settings
from providers.contract import (
    Duration,
    Fault,
    FaultParameters,
    Resolver,
    TargetParameter,
    TargetSpec,
    Undo,
)
from providers.kubernetes.custom_resource import InjectCustomResource
from tests.catalog.conftest import ROLE
from tests.catalog.doubles import FAULTS, RESOLVERS, STOP_SOURCES, Declared, Instances, Volumes
from tests.chaos_specs.test_cloud_kinds import AWS, AZURE, DISK, GCP, LUN, MANY, VOLUME

SCOPE = Scope(cloud="aws", account="123456789012", region="us-east-1")
WORKER = "//compute.googleapis.com/projects/my-project/zones/us-central1-a/instances/carts-worker-1"
VM = (
    "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/sandbox"
    "/providers/Microsoft.Compute/virtualMachines/carts-worker-1"
)
CLUSTER = {
    "resourceType": "aws:eks:cluster",
    "resourceArns": ["arn:aws:eks:us-east-1:123456789012:cluster/sandbox"],
    "selectionMode": "ALL",
}


def action(kind: str, spec: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    targets = more.pop("targets", {})
    parameters = {
        "kubernetesApiVersion": "chaos-mesh.org/v1alpha1",
        "kubernetesKind": kind,
        "kubernetesNamespace": "default",
        "kubernetesSpec": json.dumps(spec),
        "maxDuration": "PT10M",
        **more,
    }
    return {
        "actionId": "aws:eks:inject-kubernetes-custom-resource",
        "parameters": parameters,
        "targets": targets,
    }


def template(*, scope: Scope = SCOPE, **parts: Any) -> ExperimentTemplate:
    document = {
        "description": "a test",
        "roleArn": ROLE,
        "stopConditions": [{"source": "none"}],
        **parts,
    }
    parsed = parse_template(document, template_id="EXT1", scope=scope, now=Micros(0))
    assert parsed.problems == []
    assert parsed.template is not None
    return parsed.template


def run(kind: str, spec: Mapping[str, Any]) -> tuple[str, dict[str, Any], str, dict[str, Any]]:
    """Return action id, parameters, target key and target of what runs in place of a resource."""
    made = lowered(template(actions={"Break": action(kind, spec)}))
    (one,) = made.actions.values()
    ((key, name),) = one.targets.items()
    target = made.targets[name].model_dump(by_alias=True, exclude_defaults=True, mode="json")
    target["selectionMode"] = str(made.targets[name].selection_mode)
    return one.action_id, one.parameters, key, target


STOPPED = {"startInstancesAfterDuration": "PT5M"}
ARN = "arn:aws:ec2:us-east-1:123456789012:"


@pytest.mark.parametrize(
    ("kind", "spec", "expected"),
    [
        (
            "AWSChaos",
            AWS,
            (
                "aws:ec2:stop-instances",
                STOPPED,
                "Instances",
                {"resourceType": "aws:ec2:instance", "resourceArns": [f"{ARN}instance/i-0a1b2c3d"]},
            ),
        ),
        (
            "AWSChaos",
            {**AWS, "action": "ec2-restart"},
            (
                "aws:ec2:reboot-instances",
                {},
                "Instances",
                {"resourceType": "aws:ec2:instance", "resourceArns": [f"{ARN}instance/i-0a1b2c3d"]},
            ),
        ),
        (
            "AWSChaos",
            VOLUME,
            (
                "aws:ebs:detach-volume",
                {"duration": "PT5M"},
                "Volumes",
                {
                    "resourceType": "aws:ec2:ebs-volume",
                    "resourceArns": [f"{ARN}volume/vol-0a1b2c3d"],
                    "filters": [
                        {"path": "Attachments.InstanceId", "values": ["i-0a1b2c3d"]},
                        {"path": "Attachments.Device", "values": ["/dev/sdf"]},
                    ],
                },
            ),
        ),
        (
            "GCPChaos",
            GCP,
            (
                "gcp:compute:stop-instances",
                STOPPED,
                "Instances",
                {"resourceType": "gcp:compute:instance", "resourceArns": [WORKER]},
            ),
        ),
        (
            "GCPChaos",
            {**GCP, "action": "node-reset"},
            (
                "gcp:compute:reset-instances",
                {},
                "Instances",
                {"resourceType": "gcp:compute:instance", "resourceArns": [WORKER]},
            ),
        ),
        (
            "GCPChaos",
            {**DISK, "deviceNames": ["a", "b"]},
            (
                "gcp:compute:detach-disks",
                {"duration": "PT5M"},
                "Volumes",
                {
                    "resourceType": "gcp:compute:disk",
                    "parameters": {"instance": WORKER, "deviceNames": "a,b"},
                },
            ),
        ),
        (
            "AzureChaos",
            AZURE,
            (
                "azure:compute:power-off-vms",
                STOPPED,
                "Instances",
                {"resourceType": "azure:compute:vm", "resourceArns": [VM]},
            ),
        ),
        (
            "AzureChaos",
            {**AZURE, "action": "vm-restart"},
            (
                "azure:compute:restart-vms",
                {},
                "Instances",
                {"resourceType": "azure:compute:vm", "resourceArns": [VM]},
            ),
        ),
        (
            "AzureChaos",
            LUN,
            (
                "azure:compute:detach-disks",
                {"duration": "PT5M"},
                "Volumes",
                {
                    "resourceType": "azure:compute:disk",
                    "parameters": {
                        "virtualMachine": VM,
                        "luns": "0",
                        "diskNames": "carts-data-1",
                    },
                },
            ),
        ),
    ],
)
def test_each_action_of_each_kind(
    kind: str, spec: dict[str, Any], expected: tuple[str, dict[str, str], str, dict[str, Any]]
) -> None:
    *fault, target = expected
    assert run(kind, spec) == (*fault, {**target, "selectionMode": "ALL"})


@pytest.mark.parametrize(
    ("kind", "fields", "target"),
    [
        (
            "AWSChaos",
            {},
            {
                "resourceType": "aws:ec2:instance",
                "filters": [{"path": "Placement.AvailabilityZone", "values": ["us-east-1a"]}],
            },
        ),
        (
            "AWSChaos",
            {"action": "detach-volume"},
            {
                "resourceType": "aws:ec2:ebs-volume",
                "filters": [{"path": "AvailabilityZone", "values": ["us-east-1a"]}],
            },
        ),
        (
            "GCPChaos",
            {"zone": "us-central1-a"},
            {
                "resourceType": "gcp:compute:instance",
                "parameters": {"project": "my-project", "zone": "us-central1-a"},
            },
        ),
        (
            "GCPChaos",
            {"action": "disk-loss"},
            {"resourceType": "gcp:compute:disk", "parameters": {"project": "my-project"}},
        ),
        (
            "AzureChaos",
            {"resourceGroupName": "sandbox"},
            {
                "resourceType": "azure:compute:vm",
                "parameters": {
                    "subscription": "00000000-0000-4000-8000-000000000001",
                    "resourceGroup": "sandbox",
                    "zone": "1",
                },
            },
        ),
        (
            "AzureChaos",
            {"action": "disk-detach", "selector": {"tags": {"chaos": "ready"}}},
            {
                "resourceType": "azure:compute:disk",
                "parameters": {"subscription": "00000000-0000-4000-8000-000000000001"},
            },
        ),
    ],
)
def test_many_machines_and_many_disks(
    kind: str, fields: dict[str, Any], target: dict[str, Any]
) -> None:
    found = run(kind, {**MANY[kind], **fields})[3]
    assert found == {**target, "resourceTags": {"chaos": "ready"}, "selectionMode": "ALL"}


@pytest.mark.parametrize(
    ("mode", "value", "selection"),
    [
        ("one", None, "COUNT(1)"),
        ("all", None, "ALL"),
        ("fixed", "2", "COUNT(2)"),
        ("fixed-percent", "50", "PERCENT(50)"),
    ],
)
def test_modes(mode: str, value: str | None, selection: str) -> None:
    spec = {**MANY["AWSChaos"], "mode": mode, "value": value}
    assert run("AWSChaos", spec)[3]["selectionMode"] == selection


def test_the_partition_of_an_arn_is_that_of_its_region() -> None:
    china = Scope(cloud="aws", account="123456789012", region="cn-north-1")
    spec = {**AWS, "awsRegion": "cn-north-1"}
    made = lowered(template(scope=china, actions={"Break": action("AWSChaos", spec)}))
    assert made.targets["Break"].resource_arns == (
        "arn:aws-cn:ec2:cn-north-1:123456789012:instance/i-0a1b2c3d",
    )


def test_the_document_stays_as_written_and_so_does_what_is_shown() -> None:
    written = template(
        targets={"Cluster": CLUSTER},
        actions={"Break": action("AWSChaos", AWS, targets={"Cluster": "Cluster"})},
    )
    started = new_experiment(written, now=Micros(0))
    assert started.template.document == written.document
    assert render_template(started.template) == render_template(written)
    assert list(started.actions) == ["Break"]
    assert started.template.actions["Break"].action_id == "aws:ec2:stop-instances"


def test_a_cluster_goes_only_where_nobody_else_needs_it() -> None:
    kill = {"action": "pod-kill", "mode": "one", "selector": {}}
    cluster = {"Cluster": "Cluster"}
    alone = {"Break": action("AWSChaos", AWS, targets=cluster)}
    assert set(lowered(template(targets={"Cluster": CLUSTER}, actions=alone)).targets) == {"Break"}
    both = {**alone, "Kill": action("PodChaos", kill, targets=cluster)}
    made = lowered(template(targets={"Cluster": CLUSTER}, actions=both))
    assert set(made.targets) == {"Break", "Cluster"}
    assert made.actions["Kill"].targets == cluster


def test_order_and_descriptions_are_kept_and_names_do_not_collide() -> None:
    stop = {"actionId": "aws:ec2:stop-instances", "targets": {"Instances": "Break"}}
    tagged = {
        "resourceType": "aws:ec2:instance",
        "resourceTags": {"a": "b"},
        "selectionMode": "ALL",
    }
    written = template(
        targets={"Break": tagged},
        actions={
            "Stop": stop,
            "Break": {**action("AWSChaos", AWS), "startAfter": ["Stop"], "description": "why"},
        },
    )
    made = lowered(written)
    assert made.actions["Break"].start_after == ("Stop",)
    assert made.actions["Break"].description == "why"
    assert made.actions["Break"].targets == {"Instances": "Break-2"}
    assert made.targets["Break"] == written.targets["Break"]
    assert made.actions["Stop"] == written.actions["Stop"]


def test_what_a_cluster_carries_out_is_left_alone() -> None:
    for one in (
        action("AWSChaos", AWS, carriedOutBy="cluster"),
        action("PodChaos", {"action": "pod-kill", "mode": "one", "selector": {}}),
    ):
        written = template(actions={"Break": one})
        assert lowered(written) is written


def test_what_does_not_fit_is_not_run() -> None:
    for spec in ({**AWS, "duration": ""}, {**AWS, "awsRegion": "eu-west-1"}, {}):
        written = template(actions={"Break": action("AWSChaos", spec)})
        assert cloud_faults(written)[0] == {}
        with pytest.raises(InvalidDocumentError):
            lowered(written)


# Judged by the catalogue


class StopHere(Declared):
    """Stop instances of the double."""

    id = "gcp:compute:stop-instances"
    provider = "kubernetes"
    target = TargetSpec("Instances", "gcp:compute:instance")

    class Parameters(FaultParameters):
        """As in Google's provider."""

        start_instances_after_duration: Duration | None = Field(default=None, description="When.")


class Reset(Declared):
    """Reset instances of the double."""

    id = "gcp:compute:reset-instances"
    provider = "kubernetes"
    target = TargetSpec("Instances", "gcp:compute:instance")

    def undo(self, parameters: Any) -> Undo:
        return Undo.NONE


class Workers(Instances):
    resource_type = "gcp:compute:instance"
    parameters: ClassVar[Mapping[str, TargetParameter]] = {
        "project": TargetParameter("The project."),
        "zone": TargetParameter("The zone."),
    }

    def check_id(self, resource_id: str) -> str | None:
        return "is frozen; take another" if resource_id.endswith("frozen") else None

    def check(self, target: TemplateTarget, path: str) -> list[Problem]:
        if target.parameters.get("zone") == "us-closed1-a":
            return [Problem(path=f"{path}.parameters.zone", message="is closed")]
        return []


def judged(
    *, settings: Settings | None = None, faults: Sequence[Fault] = (), **parts: Any
) -> list[Problem]:
    resolvers: dict[str, Resolver] = {**RESOLVERS, "gcp:compute:instance": Workers()}
    resolvers["aws:ec2:ebs-volume"] = Volumes()
    inject = InjectCustomResource()
    extra: Sequence[Fault] = faults or (StopHere(), Reset())
    catalog = Catalog(
        settings or Settings(),
        faults={**FAULTS, inject.id: inject, **{fault.id: fault for fault in extra}},
        resolvers=resolvers,
        stop_sources=STOP_SOURCES,
    )
    return catalog.validate(template(**parts))


def told(problems: list[Problem], severity: str) -> dict[str, str]:
    return {
        problem.path: problem.message
        for problem in problems
        if problem.severity == severity and problem.path != "stopConditions"
    }


BREAK = "actions.Break.parameters"
SPEC = f"{BREAK}.kubernetesSpec"


def test_a_good_one_needs_no_cluster() -> None:
    found = judged(actions={"Break": action("AWSChaos", AWS)})
    assert told(found, "error") == {}
    assert told(found, "warning") == {
        "actions.Break.targets": (
            "the real AWS FIS would refuse an action without a target Cluster"
        )
    }


def test_a_cluster_that_is_given_is_said_not_to_be_touched() -> None:
    one = action("AWSChaos", AWS, targets={"Cluster": "Cluster"})
    found = judged(targets={"Cluster": CLUSTER}, actions={"Break": one})
    assert told(found, "error") == {}
    (path,) = told(found, "warning")
    assert path == "actions.Break.targets.Cluster"
    wrong = judged(targets={"Cluster": CLUSTER}, actions={"Break": {**one, "targets": {"X": "C"}}})
    assert "Unexpected target" in told(wrong, "error")["actions.Break.targets.X"]


def test_in_a_cluster_it_needs_one() -> None:
    found = judged(actions={"Break": action("AWSChaos", AWS, carriedOutBy="cluster")})
    assert "actions.Break.targets.Cluster" in told(found, "error")
    assert "a parameter of ours" in told(found, "warning")[f"{BREAK}.carriedOutBy"]


def test_another_region_is_refused_with_the_mend() -> None:
    found = judged(actions={"Break": action("AWSChaos", {**AWS, "awsRegion": "eu-west-1"})})
    message = told(found, "error")[f"{SPEC}.awsRegion"]
    assert '"eu-west-1" is not "us-east-1"' in message
    assert 'write "us-east-1"' in message


def test_the_parameters_of_the_action_itself_are_still_judged() -> None:
    found = told(judged(actions={"Break": action("AWSChaos", AWS, carriedOutBy="me")}), "error")
    assert f"{BREAK}.carriedOutBy" in found
    found = told(judged(actions={"Break": action("AWSChaos", AWS, maxDuraton="PT1M")}), "error")
    assert f"{BREAK}.maxDuraton" in found


@pytest.mark.parametrize(
    ("kind", "spec", "field"),
    [
        ("GCPChaos", {**GCP, "duration": "30s"}, "duration"),
        ("GCPChaos", {**GCP, "instance": "carts-frozen"}, "instance"),
        ("GCPChaos", {**MANY["GCPChaos"], "zone": "us-closed1-a"}, "zone"),
    ],
)
def test_what_the_provider_refuses_stands_at_the_authors_field(
    kind: str, spec: dict[str, Any], field: str
) -> None:
    found = told(judged(actions={"Break": action(kind, spec)}), "error")
    assert list(found) == [f"{SPEC}.{field}"]


def test_a_fault_that_is_not_there_is_refused_by_name() -> None:
    found = told(judged(actions={"Break": action("AzureChaos", AZURE)}), "error")
    assert (
        "azure:compute:power-off-vms, which this bridge does not have"
        in (found[f"{BREAK}.kubernetesKind"])
    )


def test_what_cannot_be_undone_is_said() -> None:
    reset = {**GCP, "action": "node-reset", "duration": None}
    found = told(judged(actions={"Break": action("GCPChaos", reset)}), "warning")
    assert "gcp:compute:reset-instances cannot be undone" in found["actions.Break"]


def test_the_identity_is_asked_for_in_the_cloud_that_is_touched() -> None:
    class StopAbroad(StopHere):
        """Stop instances of another cloud."""

        provider = "gcp"

    one = {"Break": action("GCPChaos", GCP)}
    assert "roleArn" in told(judged(faults=[StopAbroad()], actions=one), "error")
    assert "roleArn" not in told(judged(actions=one), "error")
