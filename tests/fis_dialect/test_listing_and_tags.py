"""Actions, target resource types and tags through boto3; and the operations that are not there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from bridge.dialects.fis.operations import OPERATIONS

Create = Callable[..., dict[str, Any]]

ALIAS = "aws:faultbridge:gcp/compute/stop-instances"


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_actions_are_listed_by_id(fis: Any) -> None:
    listed = fis.list_actions()["actions"]
    ids = [action["id"] for action in listed]
    assert ids == sorted(ids)
    assert ALIAS in ids
    small = fis.get_paginator("list_actions").paginate(PaginationConfig={"PageSize": 2})
    assert [action["id"] for page in small for action in page["actions"]] == ids


def test_an_action_with_its_parameters(fis: Any) -> None:
    action = fis.get_action(id="aws:ec2:stop-instances")["action"]
    assert action["arn"] == "arn:aws:fis:us-east-1:123456789012:action/aws:ec2:stop-instances"
    assert action["description"] == "Stop instances."
    assert action["targets"] == {"Instances": {"resourceType": "aws:ec2:instance"}}
    assert action["parameters"]["startInstancesAfterDuration"] == {
        "description": "When to start them again.",
        "required": False,
    }


def test_an_id_with_slashes_is_found_however_it_is_encoded(fis: Any, http: Any) -> None:
    assert fis.get_action(id=ALIAS)["action"]["id"] == ALIAS
    assert http.get(f"/actions/{ALIAS}").json()["action"]["id"] == ALIAS


def test_what_is_not_there_is_not_found(fis: Any) -> None:
    with pytest.raises(ClientError, match='did you mean "aws:fis:wait"') as error:
        fis.get_action(id="aws:fis:wai")
    assert code(error) == "ResourceNotFoundException"
    with pytest.raises(ClientError, match='did you mean "aws:ec2:instance"') as error:
        fis.get_target_resource_type(resourceType="aws:ec2:instances")
    assert code(error) == "ResourceNotFoundException"


def test_target_resource_types(fis: Any) -> None:
    listed = fis.list_target_resource_types()["targetResourceTypes"]
    assert [kind["resourceType"] for kind in listed] == [
        "aws:ec2:ebs-volume",
        "aws:ec2:instance",
        "aws:eks:cluster",
        "aws:eks:pod",
    ]
    shown = fis.get_target_resource_type(resourceType="aws:eks:pod")["targetResourceType"]
    assert shown["parameters"] == {"namespace": {"description": "Where it is.", "required": True}}


@pytest.mark.parametrize("kind", ["template", "experiment"])
def test_tags_come_and_go(fis: Any, create: Create, kind: str) -> None:
    created = create(tags={"team": "carts", "old": "1"})
    if kind == "experiment":
        created = fis.start_experiment(
            experimentTemplateId=created["id"], tags={"team": "carts", "old": "1"}
        )["experiment"]
    arn = created["arn"]
    fis.tag_resource(resourceArn=arn, tags={"old": "2", "ключ": "значение", "empty": ""})
    fis.untag_resource(resourceArn=arn, tagKeys=["team", "b c", "never"])
    expected = {"old": "2", "ключ": "значение", "empty": ""}
    assert fis.list_tags_for_resource(resourceArn=arn)["tags"] == expected
    fis.untag_resource(resourceArn=arn, tagKeys=["old", "ключ", "empty"])
    assert fis.list_tags_for_resource(resourceArn=arn)["tags"] == {}


def test_an_action_has_no_tags(fis: Any) -> None:
    arn = fis.get_action(id="aws:fis:wait")["action"]["arn"]
    assert fis.list_tags_for_resource(resourceArn=arn)["tags"] == {}
    with pytest.raises(ClientError, match="cannot be tagged") as error:
        fis.tag_resource(resourceArn=arn, tags={"a": "b"})
    assert code(error) == "ValidationException"


def test_tags_have_limits(fis: Any, create: Create) -> None:
    arn = create(tags={})["arn"]
    fis.tag_resource(resourceArn=arn, tags={f"k{n}": "v" for n in range(50)})
    fis.tag_resource(resourceArn=arn, tags={"k0": "w"})
    for tags, words in (
        ({"one": "more"}, "there would be 51 tags, the most is 50; remove some first"),
        ({"aws:mine": "v"}, "reserved; choose another key"),
        ({"": "v"}, "the name is empty"),
        ({"k": "v" * 257}, "has 257 characters; shorten it to 256"),
        ({f"x{n}": "v" for n in range(51)}, "has 51 entries; give at most 50"),
    ):
        with pytest.raises(ClientError, match=words) as error:
            fis.tag_resource(resourceArn=arn, tags=tags)
        assert code(error) == "ValidationException"
    assert len(fis.list_tags_for_resource(resourceArn=arn)["tags"]) == 50


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:fis:us-east-1:123456789012:experiment-template/EXTnone",
        "arn:aws:fis:us-east-1:123456789012:experiment/EXPnone",
        "arn:aws:fis:us-east-1:123456789012:action/aws:fis:sleep",
        "arn:aws:fis:eu-west-1:123456789012:experiment-template/{id}",
        "arn:aws:fis:us-east-1:210987654321:experiment-template/{id}",
        "arn:aws:ec2:us-east-1:123456789012:instance/i-0a1b2c3d4e5f60718",
    ],
)
def test_other_peoples_arns_are_not_found(fis: Any, create: Create, arn: str) -> None:
    wanted = arn.format(id=create()["id"])
    for call, parts in (
        (fis.list_tags_for_resource, {}),
        (fis.tag_resource, {"tags": {"a": "b"}}),
        (fis.untag_resource, {"tagKeys": ["a"]}),
    ):
        with pytest.raises(ClientError) as error:
            call(resourceArn=wanted, **parts)
        assert code(error) == "ResourceNotFoundException"


MISSING: Mapping[str, Mapping[str, Any]] = {
    "CreateTargetAccountConfiguration": {
        "experimentTemplateId": "EXT1",
        "accountId": "123456789012",
        "roleArn": "arn:aws:iam::123456789012:role/x",
    },
    "UpdateTargetAccountConfiguration": {
        "experimentTemplateId": "EXT1",
        "accountId": "123456789012",
    },
    "GetTargetAccountConfiguration": {"experimentTemplateId": "EXT1", "accountId": "123456789012"},
    "DeleteTargetAccountConfiguration": {
        "experimentTemplateId": "EXT1",
        "accountId": "123456789012",
    },
    "ListTargetAccountConfigurations": {"experimentTemplateId": "EXT1"},
    "GetExperimentTargetAccountConfiguration": {
        "experimentId": "EXP1",
        "accountId": "123456789012",
    },
    "ListExperimentTargetAccountConfigurations": {"experimentId": "EXP1"},
}


def test_all_other_operations_are_listed_here() -> None:
    assert {name for name, operation in OPERATIONS.items() if not operation.request} == set(MISSING)


@pytest.mark.parametrize("operation", MISSING)
def test_an_operation_that_is_not_there_says_so_at_once(fis: Any, operation: str) -> None:
    with pytest.raises(ClientError, match=f"{operation} is not supported yet") as error:
        getattr(fis, xform_name(operation))(**MISSING[operation])
    assert code(error) == "NotImplementedException"
    assert error.value.response["ResponseMetadata"]["RetryAttempts"] == 0
