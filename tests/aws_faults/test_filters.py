"""FIS's filters and tags over what EC2 describes, without a cloud."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.model.template import Filter
from providers.aws.filters import has_tags, tag_filters
from providers.filters import matches

INSTANCE: dict[str, Any] = {
    "State": {"Name": "running", "Code": 16},
    "EbsOptimized": True,
    "LaunchTime": datetime(2026, 1, 31, 12, tzinfo=UTC),
    "NetworkInterfaces": [
        {"Groups": [{"GroupId": "sg-1"}, {"GroupId": "sg-2"}]},
        {"Groups": [{"GroupId": "sg-3"}]},
    ],
    "Tags": [{"Key": "chaos", "Value": "ready"}, {"Key": "empty", "Value": ""}],
}


@pytest.mark.parametrize(
    ("path", "value", "found"),
    [
        ("State.Name", "running", True),
        ("State.Code", "16", True),
        ("State", "running", False),
        ("State.Name.More", "running", False),
        ("EbsOptimized", "true", True),
        ("EbsOptimized", "True", False),
        ("LaunchTime", "2026-01-31T12:00:00Z", True),
        ("NetworkInterfaces.Groups.GroupId", "sg-3", True),
        ("NetworkInterfaces.Groups.GroupId", "sg-4", False),
        ("networkInterfaces.groups.groupId", "sg-3", False),
    ],
)
def test_a_path_leads_through_lists_to_text(path: str, value: str, found: bool) -> None:
    assert matches(INSTANCE, [Filter(path=path, values=("other", value))]) is found


def test_filters_are_joined_by_and() -> None:
    one, other = (Filter(path="State.Name", values=(name,)) for name in ("running", "stopped"))
    assert matches(INSTANCE, [])
    assert not matches(INSTANCE, [one, other])


def test_wildcards_are_escaped_for_ec2() -> None:
    assert tag_filters({"b": "*", "a": "x?\\"}) == [
        {"Name": "tag:a", "Values": ["x\\?\\\\"]},
        {"Name": "tag:b", "Values": ["\\*"]},
    ]


@pytest.mark.parametrize(
    ("tags", "carried"),
    [
        ({"chaos": "ready"}, True),
        ({"chaos": "ready", "empty": ""}, True),
        ({"chaos": ""}, False),
        ({"chaos": "*"}, False),
        ({"chaos": "ready", "more": "x"}, False),
    ],
)
def test_tags_are_compared_exactly(tags: dict[str, str], carried: bool) -> None:
    assert has_tags(INSTANCE, tags) is carried
