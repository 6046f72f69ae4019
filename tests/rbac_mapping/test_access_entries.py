"""EKS access entries, through boto3's own client; moto knows none, so its answers are stubbed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from providers.contract import AccessDeniedError, ProviderError
from rbac.access_entries import (
    AccessPolicy,
    AuthMode,
    auth_mode,
    create_access_entry,
    read_access_entries,
)
from rbac.principals import CloudPrincipal

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/fis"
NODE = f"arn:aws:iam::{ACCOUNT}:role/node"
ABOUT = {"clusterName": "shop", "principalArn": ROLE}


class Eks:
    """Calls of a boto3 client, whose stub checks parameters and answers against the model."""

    def __init__(self) -> None:
        self.client: Any = boto3.client(
            "eks", "us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
        self.stub = Stubber(self.client)

    async def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        assert service == "eks"
        try:
            answer: dict[str, Any] = self.client._make_api_call(operation, parameters)
        except ClientError as error:
            raise AccessDeniedError(str(error)) from None
        return answer


@pytest.fixture
def eks() -> Iterator[Eks]:
    made = Eks()
    with made.stub:
        yield made
        made.stub.assert_no_pending_responses()
    made.client.close()


@pytest.mark.parametrize(
    ("config", "mode"),
    [
        ({"accessConfig": {"authenticationMode": "API"}}, AuthMode.API),
        ({"accessConfig": {"authenticationMode": "CONFIG_MAP"}}, AuthMode.CONFIG_MAP),
        (
            {"accessConfig": {"authenticationMode": "API_AND_CONFIG_MAP"}},
            AuthMode.API_AND_CONFIG_MAP,
        ),
        ({}, AuthMode.CONFIG_MAP),
    ],
)
def test_which_mappings_a_cluster_obeys(eks: Eks, config: dict[str, Any], mode: AuthMode) -> None:
    eks.stub.add_response("describe_cluster", {"cluster": config}, {"name": "shop"})
    found = asyncio.run(auth_mode(eks, "shop"))
    assert found is mode
    assert (found.entries, found.config_map) == (mode != "CONFIG_MAP", mode != "API")


def test_all_pages_are_read_and_what_is_refused_is_told(eks: Eks) -> None:
    stub = eks.stub
    first = {"accessEntries": [ROLE], "nextToken": "more"}
    stub.add_response("list_access_entries", first, {"clusterName": "shop"})
    stub.add_response(
        "list_access_entries",
        {"accessEntries": [NODE]},
        {"clusterName": "shop", "nextToken": "more"},
    )
    entry = {"username": "fis:{{SessionName}}", "kubernetesGroups": ["fis"], "type": "STANDARD"}
    stub.add_response("describe_access_entry", {"accessEntry": entry}, ABOUT)
    policy = {
        "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
        "accessScope": {"type": "namespace", "namespaces": ["shop"]},
    }
    stub.add_response(
        "list_associated_access_policies", {"associatedAccessPolicies": [policy]}, ABOUT
    )
    stub.add_client_error("describe_access_entry", "AccessDeniedException", "no")
    found = asyncio.run(read_access_entries(eks, "shop"))
    (one,) = found.found
    assert one.policies == (AccessPolicy("AmazonEKSClusterAdminPolicy", ("shop",)),)
    session = CloudPrincipal(f"arn:aws:sts::{ACCOUNT}:assumed-role/fis/EXP1")
    assert one.entry.matches(session)  # whatever the path
    assert one.entry.identity(session).user == "fis:EXP1"
    assert found.unread[0].startswith(f"access entry of {NODE}: ")


@pytest.mark.parametrize(
    ("arn", "written"),
    [(ROLE, ROLE), (f"arn:aws:sts::{ACCOUNT}:assumed-role/node/i-1", NODE)],
)
def test_an_entry_is_made_for_the_role_with_its_path(eks: Eks, arn: str, written: str) -> None:
    wanted = {
        "clusterName": "shop",
        "principalArn": written,
        "username": "fis",
        "kubernetesGroups": ["g"],
    }
    eks.stub.add_response("create_access_entry", {"accessEntry": {}}, wanted)
    asyncio.run(create_access_entry(eks, "shop", arn=arn, user="fis", groups=("g",)))


def test_only_roles_and_users_have_entries(eks: Eks) -> None:
    with pytest.raises(ProviderError, match="is neither"):
        asyncio.run(create_access_entry(eks, "shop", arn="a@b.example", user="u", groups=()))
