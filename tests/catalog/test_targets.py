"""Targets: what they select, and whether an action can use them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.catalog.conftest import INSTANCE

Messages = Callable[..., dict[str, str]]

STOP = {
    "actionId": "aws:ec2:stop-instances",
    "parameters": {"startInstancesAfterDuration": "PT5M"},
    "targets": {"Instances": "some"},
}


def some(**parts: Any) -> dict[str, Any]:
    return {"resourceType": "aws:ec2:instance", "selectionMode": "ALL"} | parts


def of(errors: Messages, **parts: Any) -> dict[str, str]:
    return errors(actions={"stop": STOP}, targets={"some": some(**parts)})


def test_ids_tags_and_filters_are_all_fine(errors: Messages) -> None:
    assert of(errors, resourceArns=[INSTANCE]) == {}
    condition = {"path": "State.Name", "values": ["running"]}
    assert of(errors, resourceTags={"env": ""}, filters=[condition]) == {}
    assert of(errors, filters=[condition]) == {}


@pytest.mark.parametrize(
    ("parts", "path", "message"),
    [
        ({}, "", 'selects no resources; add "resourceArns", "resourceTags" or "filters"'),
        (
            {"resourceArns": [INSTANCE], "resourceTags": {"a": "b"}},
            "",
            "You cannot specify both resource ARNs and resource tags for target some. Remove one",
        ),
        (
            {"resourceArns": [INSTANCE], "filters": [{"path": "VpcId", "values": ["vpc-1"]}]},
            "",
            "You cannot specify both resource ARNs and filters for target some. Remove one",
        ),
        (
            {"filters": [{"path": "VpcId", "values": []}]},
            ".filters[0].values",
            "nothing can match; add a value",
        ),
        (
            {"resourceArns": [INSTANCE, INSTANCE.replace("instance/i-", "volume/vol-")]},
            ".resourceArns[1]",
            "is not an instance; write its ARN",
        ),
        (
            {"resourceTags": {"a": "b"}, "parameters": {"zone": "a"}},
            ".parameters.zone",
            "take no parameters; remove it",
        ),
    ],
)
def test_selections_that_cannot_work(
    errors: Messages, parts: dict[str, Any], path: str, message: str
) -> None:
    found = of(errors, **parts)
    assert list(found) == [f"targets.some{path}"]
    assert message in found[f"targets.some{path}"]


def test_a_type_says_how_it_can_be_selected(errors: Messages) -> None:
    pods = some(resourceType="aws:eks:pod", resourceArns=[INSTANCE], resourceTags={"a": "b"})
    found = errors(targets={"pods": pods})
    assert (
        "TargetResourceType aws:eks:pod does not support resourceArns."
        in (found["targets.pods.resourceArns"])
    )
    assert (
        "TargetResourceType aws:eks:pod does not support tags."
        in (found["targets.pods.resourceTags"])
    )
    assert (
        "is required for targets of aws:eks:pod; add it (Where it is.)"
        in (found["targets.pods.parameters.namespace"])
    )


def test_target_parameters_are_known_by_name(errors: Messages) -> None:
    volumes = some(
        resourceType="aws:ec2:ebs-volume",
        resourceTags={"a": "b"},
        parameters={"availabilityZoneIdentifer": "us-east-1a"},
    )
    found = errors(targets={"disks": volumes})
    assert (
        'did you mean "availabilityZoneIdentifier"?'
        in (found["targets.disks.parameters.availabilityZoneIdentifer"])
    )


@pytest.mark.parametrize(
    ("resource_type", "message"),
    [
        ("aws:ec2:instances", 'did you mean "aws:ec2:instance"?'),
        ("aws:s3:bucket", "is not supported yet"),
        ("nonsense", 'use "aws:ec2:ebs-volume"'),
    ],
)
def test_unknown_types(errors: Messages, resource_type: str, message: str) -> None:
    found = errors(targets={"x": some(resourceType=resource_type, resourceTags={"a": "b"})})
    assert message in found["targets.x.resourceType"]


@pytest.mark.parametrize(
    ("targets", "path", "message"),
    [
        ({}, "Instances", 'write {"Instances": the name of the target}'),
        (
            {"Volumes": "some", "Instances": "some"},
            "Volumes",
            'Unexpected target "Volumes" found in action "stop".',
        ),
        ({"Instances": "soma"}, "Instances", 'did you mean "some"?'),
        ({"Instances": "disks"}, "Instances", 'acts on "aws:ec2:instance"'),
    ],
)
def test_an_actions_targets(
    errors: Messages, targets: dict[str, str], path: str, message: str
) -> None:
    volumes = some(resourceType="aws:ec2:ebs-volume", resourceTags={"a": "b"})
    found = errors(
        actions={"stop": STOP | {"targets": targets}},
        targets={"some": some(resourceTags={"a": "b"}), "disks": volumes},
    )
    assert list(found) == [f"actions.stop.targets.{path}"]
    assert message in found[f"actions.stop.targets.{path}"]


def test_an_action_without_a_target_takes_none(errors: Messages) -> None:
    wait = {
        "actionId": "aws:fis:wait",
        "parameters": {"duration": "PT5M"},
        "targets": {"Instances": "some"},
    }
    found = errors(actions={"w": wait}, targets={"some": some(resourceTags={"a": "b"})})
    assert "remove it" in found["actions.w.targets.Instances"]


@pytest.mark.parametrize("names", ["", "ab"])
def test_a_single_target_is_one_resource(errors: Messages, names: str) -> None:
    action = {
        "actionId": "aws:eks:inject-kubernetes-custom-resource",
        "parameters": {"kubernetesKind": "A", "kubernetesSpec": "{}", "maxDuration": "PT5M"},
        "targets": {"Cluster": "some"},
    }
    arns = [f"arn:aws:eks:us-east-1:123456789012:cluster/{name}" for name in names]
    clusters = some(resourceType="aws:eks:cluster", resourceArns=arns)
    found = errors(actions={"a": action}, targets={"some": clusters})
    assert "acts on exactly one resource" in found["actions.a.targets.Cluster"]


@pytest.mark.parametrize(
    ("condition", "path", "message"),
    [
        ({"source": "none", "value": "arn:aws:cloudwatch:x:1"}, "value", "remove it"),
        ({"source": "aws:cloudwatch:alarms"}, "source", 'did you mean "aws:cloudwatch:alarm"?'),
        ({"source": "aws:cloudwatch:alarm"}, "value", "is required"),
        (
            {"source": "aws:cloudwatch:alarm", "value": "arn:aws:cloudwatch:us-east-1:1:dashboard"},
            "value",
            "is not an alarm; write its ARN",
        ),
    ],
)
def test_stop_conditions(
    errors: Messages, condition: dict[str, str], path: str, message: str
) -> None:
    found = errors(stopConditions=[condition])
    assert list(found) == [f"stopConditions[0].{path}"]
    assert message in found[f"stopConditions[0].{path}"]
