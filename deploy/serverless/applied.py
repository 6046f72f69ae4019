"""The stack, applied to moto: what it knows is created, and the rest is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import boto3
from moto import mock_aws
from moto.cloudformation import parsing

CREATE: Final = "cloudformation-template-create-stack.json"
UPDATE: Final = "cloudformation-template-update-stack.json"
PARAMETERS: Final = {
    "Installation": "payments-prod",
    "SecretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:faultbridge-AbCdEf",
    "Subnets": "subnet-00000000000000001,subnet-00000000000000002",
    "SecurityGroups": "sg-00000000000000001",
}
_STACK: Final = "faultbridge-prod"


def apply(folder: Path, package: Path) -> tuple[list[str], dict[str, str]]:
    """Create the stack of a packaged service.

    Returns the names of what was created, and by name the types of what moto does not know.
    Raises what moto raises, and RuntimeError where the stack did not come to be.
    """
    template = json.loads((folder / UPDATE).read_text("utf-8"))
    first = json.loads((folder / CREATE).read_text("utf-8"))
    unknown = {**_taken_out(first), **_taken_out(template)}
    with mock_aws():
        session = boto3.Session("made-up", "made-up", region_name="us-east-1")
        stacks = session.client("cloudformation")
        stacks.create_stack(StackName=_STACK, TemplateBody=json.dumps(first))
        bucket = stacks.describe_stack_resource(
            StackName=_STACK, LogicalResourceId="ServerlessDeploymentBucket"
        )["StackResourceDetail"]["PhysicalResourceId"]
        code = template["Resources"]["ApiLambdaFunction"]["Properties"]["Code"]
        session.client("s3").put_object(Bucket=bucket, Key=code["S3Key"], Body=package.read_bytes())
        stacks.update_stack(
            StackName=_STACK,
            TemplateBody=json.dumps(template),
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value}
                for name, value in PARAMETERS.items()
            ],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        status = stacks.describe_stacks(StackName=_STACK)["Stacks"][0]["StackStatus"]
        if status != "UPDATE_COMPLETE":
            raise RuntimeError(f"the stack is {status}")
        pages = stacks.get_paginator("list_stack_resources").paginate(StackName=_STACK)
        created = [
            one["LogicalResourceId"] for page in pages for one in page["StackResourceSummaries"]
        ]
        missing = set(template["Resources"]) - set(created)
        if missing:
            raise RuntimeError(f"moto did not create {', '.join(sorted(missing))}")
        return sorted(created), unknown


def _taken_out(template: dict[str, Any]) -> dict[str, str]:
    """Take out what moto does not know; a parameter stands in for what refers to it."""
    unknown: dict[str, str] = {}
    for name, resource in list(template["Resources"].items()):
        if resource["Type"] not in parsing.get_model_map():
            unknown[name] = resource["Type"]
            del template["Resources"][name]
            template.setdefault("Parameters", {})[name] = {"Type": "String", "Default": name}
    for resource in template["Resources"].values():
        if "DependsOn" in resource:
            given = resource["DependsOn"]
            names = [given] if isinstance(given, str) else given
            resource["DependsOn"] = [one for one in names if one not in unknown]
    return unknown
