"""Real AWS clients: let in with a key of the bridge, and told why where they are not."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from iam.access_keys import KeyStatus
from tests.authentication.conftest import Bridge, Fis

Key = tuple[str, str]
WRONG = "A" * 43


async def test_boto3_is_known_with_every_kind_of_request(
    fis: Fis, key: Key, template: dict[str, Any]
) -> None:
    made = (await fis(key, "create_experiment_template", **template))["experimentTemplate"]
    shown = await fis(key, "get_experiment_template", id=made["id"])
    assert shown["experimentTemplate"]["tags"] == template["tags"]
    # ":" and "/" in a label, a repeated query parameter, and characters that must be encoded.
    await fis(key, "untag_resource", resourceArn=made["arn"], tagKeys=["team a/b", "x y+z~'(é)"])
    assert (await fis(key, "list_tags_for_resource", resourceArn=made["arn"]))["tags"] == {}
    alias = "aws:faultbridge:gcp/compute/stop-instances"
    assert (await fis(key, "get_action", id=alias))["action"]["id"] == alias
    assert await fis(key, "list_experiment_templates", maxResults=1)
    await fis(key, "delete_experiment_template", id=made["id"])


async def _aws(url: str, key: Key, *arguments: str) -> tuple[int, str]:
    environment = os.environ | {
        "AWS_ACCESS_KEY_ID": key[0],
        "AWS_SECRET_ACCESS_KEY": key[1],
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_FIS": url,
        "AWS_MAX_ATTEMPTS": "1",
    }
    aws = Path(sys.executable).with_name("aws")
    process = await asyncio.create_subprocess_exec(
        aws, "fis", *arguments, env=environment, stdout=-1, stderr=-2
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


async def test_the_aws_command_line_is_known_and_told_why_it_is_not(
    bridge: Bridge, key: Key
) -> None:
    code, output = await _aws(bridge.url, key, "list-experiment-templates")
    assert (code, json.loads(output)) == (0, {"experimentTemplates": []})
    code, output = await _aws(bridge.url, (key[0], WRONG), "list-experiment-templates")
    assert code != 0
    assert "InvalidSignatureException" in output
    assert "The request signature we calculated does not match" in output


@pytest.mark.parametrize("status", ["unknown", "inactive", "deleted", "expired", "master key gone"])
async def test_a_key_that_may_not_be_used_is_no_key(
    bridge: Bridge, fis: Fis, key: Key, status: str
) -> None:
    await fis(key, "list_actions")
    if status == "unknown":
        key = ("FBAK" + "A" * 16, key[1])
    elif status == "inactive":
        await bridge.store.set_access_key_status(key[0], KeyStatus.INACTIVE)
    elif status == "deleted":
        await bridge.store.delete_access_key(key[0])
    elif status == "expired":
        made, secret = await bridge.key(lasting=timedelta(microseconds=1))
        key = (made.id, secret)
    else:
        with bridge.store._writing() as connection:
            connection.exec_driver_sql("UPDATE access_keys SET master_key = '2025-01'")
    with pytest.raises(ClientError) as refused:
        await fis(key, "list_actions")
    error = refused.value.response["Error"]
    assert error["Code"] == "UnrecognizedClientException"
    assert error["Message"] == "The security token included in the request is invalid."
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


async def test_a_key_that_is_enabled_again_is_one_again(bridge: Bridge, fis: Fis, key: Key) -> None:
    await bridge.store.set_access_key_status(key[0], KeyStatus.INACTIVE)
    with pytest.raises(ClientError):
        await fis(key, "list_actions")
    await bridge.store.set_access_key_status(key[0], KeyStatus.ACTIVE)
    await fis(key, "list_actions")


async def test_keys_of_aws_itself_are_told_what_to_send(bridge: Bridge, fis: Fis) -> None:
    with pytest.raises(ClientError) as refused:
        await fis(("ASIAIOSFODNN7EXAMPLE", WRONG), "list_actions")
    assert "aws eks get-token" in refused.value.response["Error"]["Message"]
