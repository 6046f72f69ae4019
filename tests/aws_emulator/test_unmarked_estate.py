"""The estate whose role may not tag."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bridge.sandbox.aws import AwsEmulator, build


def test_without_marks_the_role_stops_instances_but_cannot_tag(
    emulator: AwsEmulator, connect: Callable[..., Any]
) -> None:
    estate = build(emulator, workers=2, marks=False)
    sts = connect("sts")
    answer = sts.assume_role(RoleArn=estate.role_arn, RoleSessionName="EXPabc")
    limited = connect("ec2", answer["Credentials"])
    worker = estate.instance_ids["carts-worker-2"]
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        limited.create_tags(Resources=[worker], Tags=[{"Key": "a", "Value": "b"}])
    assert limited.stop_instances(InstanceIds=[worker])["StoppingInstances"]
