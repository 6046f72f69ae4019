"""EC2's limits on tags, and the search by which marks are found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bridge.sandbox.aws import VirtualClock

Launch = Callable[..., list[str]]


def pairs(**tags: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tags_of(ec2: Any, resource: str) -> dict[str, str]:
    found = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [resource]}])["Tags"]
    return {tag["Key"]: tag["Value"] for tag in found}


def refusal(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    return str(caught.value.response["Error"]["Code"])


def test_a_resource_takes_fifty_tags_and_then_only_new_values(ec2: Any, launch: Launch) -> None:
    (instance,) = launch()
    fifty = pairs(**{f"key{n}": "a" for n in range(50)})
    ec2.create_tags(Resources=[instance], Tags=fifty)
    assert refusal(lambda: ec2.create_tags(Resources=[instance], Tags=pairs(more="b"))) == (
        "TagLimitExceeded"
    )
    ec2.create_tags(Resources=[instance], Tags=pairs(key0="new"))
    assert len(tags_of(ec2, instance)) == 50
    assert tags_of(ec2, instance)["key0"] == "new"


def test_one_full_resource_keeps_the_tag_off_all(ec2: Any, launch: Launch) -> None:
    full, empty = launch(2)
    ec2.create_tags(Resources=[full], Tags=pairs(**{f"key{n}": "a" for n in range(50)}))
    code = refusal(lambda: ec2.create_tags(Resources=[empty, full], Tags=pairs(more="b")))
    assert code == "TagLimitExceeded"
    assert tags_of(ec2, empty) == {}


@pytest.mark.parametrize(
    ("key", "value"),
    [("k" * 129, "v"), ("k", "v" * 257), ("aws:mine", "v"), ("", "v")],
    ids=["long key", "long value", "reserved", "empty"],
)
def test_a_tag_out_of_bounds_is_refused(ec2: Any, launch: Launch, key: str, value: str) -> None:
    (instance,) = launch()
    tags = [{"Key": key, "Value": value}]
    assert refusal(lambda: ec2.create_tags(Resources=[instance], Tags=tags)) == (
        "InvalidParameterValue"
    )


def test_a_tag_at_the_bounds_is_taken(ec2: Any, launch: Launch) -> None:
    (instance,) = launch()
    ec2.create_tags(Resources=[instance], Tags=pairs(**{"k" * 128: "v" * 256}))
    assert tags_of(ec2, instance) == {"k" * 128: "v" * 256}


def test_an_unknown_instance_cannot_be_tagged(ec2: Any, launch: Launch) -> None:
    (instance,) = launch()
    both = [instance, "i-0123456789abcdef0"]
    code = refusal(lambda: ec2.create_tags(Resources=both, Tags=pairs(a="b")))
    assert code == "InvalidInstanceID.NotFound"
    assert tags_of(ec2, instance) == {}


def test_marks_are_found_by_a_wildcard_on_their_key(ec2: Any, launch: Launch) -> None:
    marked, plain = launch(2)
    key = f"faultbridge:mine:{marked}/stop"
    ec2.create_tags(Resources=[marked], Tags=pairs(**{key: "v1", "other": "x"}))
    ec2.create_tags(Resources=[plain], Tags=pairs(faultbridgeless="x"))
    filters = [{"Name": "key", "Values": ["faultbridge:*"]}]
    found = ec2.describe_tags(Filters=filters)["Tags"]
    assert [(tag["ResourceId"], tag["ResourceType"], tag["Key"]) for tag in found] == [
        (marked, "instance", key)
    ]
    by_key = [{"Name": "tag-key", "Values": ["faultbridge:mine:*"]}]
    (reservation,) = ec2.describe_instances(Filters=by_key)["Reservations"]
    assert [each["InstanceId"] for each in reservation["Instances"]] == [marked]
    ec2.delete_tags(Resources=[marked], Tags=[{"Key": key}])
    assert ec2.describe_tags(Filters=filters)["Tags"] == []


def test_the_tags_of_what_is_gone_are_gone(ec2: Any, launch: Launch, clock: VirtualClock) -> None:
    (instance,) = launch()
    volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
    ec2.create_tags(Resources=[instance, volume], Tags=pairs(a="b"))
    ec2.delete_volume(VolumeId=volume)
    ec2.terminate_instances(InstanceIds=[instance])
    clock.advance(1)
    assert tags_of(ec2, instance) == {"a": "b"}
    clock.advance(3600)
    assert tags_of(ec2, instance) == {}
    assert tags_of(ec2, volume) == {}
