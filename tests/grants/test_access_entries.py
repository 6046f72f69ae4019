"""A cluster of EKS that obeys access entries: botocore's stub for EKS, the emulator for RBAC."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError

from bridge.catalog.grants import About, documents
from bridge.catalog.needs import Need, Place, Who
from bridge.cli.connection import load_settings
from bridge.cli.granting.aws import AwsGrants
from bridge.cli.granting.clusters import ClusterGrants
from bridge.cli.granting.comparing import Checked
from bridge.sandbox.kubernetes.cluster import SandboxCluster
from providers.contract import ProviderError
from tests.rbac_mapping.test_access_entries import Eks

CLUSTER = "arn:aws:eks:eu-west-1:123456789012:cluster/shop"
ROLE = "arn:aws:iam::123456789012:role/team/fis"
WHICH = {"clusterName": "shop", "principalArn": ROLE}
NEEDS = [
    Need(
        Who.EXPERIMENT,
        Place("kubernetes", CLUSTER, namespace="default"),
        "chaos-mesh.org/podchaos:create",
    )
]


class Coded(Eks):
    """Errors with AWS's code, as the session raises them."""

    async def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = self.client._make_api_call(operation, parameters)
        except ClientError as error:
            code = str(error.response["Error"]["Code"])
            raise ProviderError(str(error), code=code) from None
        return answer


class Stubbed(AwsGrants):
    """Answers of EKS by the stub."""

    def __init__(self, about: About, eks: Eks) -> None:
        super().__init__(load_settings(), about)
        self._eks = eks

    async def session(self, arn: str, region: str = "") -> Any:
        assert (arn, region) == (CLUSTER, "eu-west-1")
        return self._eks


@pytest.fixture
async def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SandboxCluster]:
    async with SandboxCluster() as made:
        path = tmp_path / "config"
        path.write_text(yaml.safe_dump(made.admin_kubeconfig()))
        monkeypatch.setenv("FAULTBRIDGE_KUBECONFIG", str(path))
        yield made


@pytest.fixture
def eks() -> Iterator[Eks]:
    made = Coded()
    with made.stub:
        yield made
        made.stub.assert_no_pending_responses()
    made.client.close()


def obeys(eks: Eks, mode: str) -> None:
    answer = {"cluster": {"name": "shop", "accessConfig": {"authenticationMode": mode}}}
    eks.stub.add_response("describe_cluster", answer, {"name": "shop"})


def knows_none(eks: Eks) -> None:
    eks.stub.add_client_error(
        "describe_access_entry", "ResourceNotFoundException", expected_params=WHICH
    )


async def test_an_access_entry_is_missed_then_made_and_found(
    cluster: SandboxCluster, eks: Eks
) -> None:
    about = About("t", ROLE)
    grants = ClusterGrants(load_settings(), about, "emulator", Stubbed(about, eks))
    try:
        found = Checked()
        obeys(eks, "API")
        knows_none(eks)
        await grants.check(NEEDS, NEEDS, found)
        assert f"cluster {CLUSTER}: {ROLE} is no user of it, by access entries" in found.missing[0]

        obeys(eks, "API")
        knows_none(eks)
        obeys(eks, "API")
        changes = await grants.changes(documents(NEEDS, about, "kubernetes"), [])
        assert changes[0].after == {**WHICH, "username": "fis"}
        created = {"accessEntry": {**WHICH, "username": "fis"}}
        eks.stub.add_response("create_access_entry", created, {**WHICH, "username": "fis"})
        for change in changes:
            await change.write()

        found = Checked()
        obeys(eks, "API")
        eks.stub.add_response("describe_access_entry", created, WHICH)
        await grants.check(NEEDS, NEEDS, found)
        assert found.lines() == ["granted: exactly what is needed"]
    finally:
        await grants.close()


async def test_an_access_entry_wins_over_aws_auth_and_its_user_gets_the_binding(
    cluster: SandboxCluster, eks: Eks
) -> None:
    about = About("t", ROLE)
    grants = ClusterGrants(load_settings(), about, "emulator", Stubbed(about, eks))
    entry = {"accessEntry": {**WHICH, "username": "shop:fis", "kubernetesGroups": ["chaos"]}}
    try:
        obeys(eks, "API_AND_CONFIG_MAP")
        eks.stub.add_response("describe_access_entry", entry, WHICH)
        changes = await grants.changes(documents(NEEDS, about, "kubernetes"), [])
        names = [one["name"] for change in changes for one in change.after.get("subjects", ())]
        assert names == ["shop:fis"]
        assert all("access entry" not in one.what for one in changes)
    finally:
        await grants.close()


async def test_what_may_not_be_read_of_eks_is_told(cluster: SandboxCluster, eks: Eks) -> None:
    about = About("t", ROLE)
    grants = ClusterGrants(load_settings(), about, "emulator", Stubbed(about, eks))
    try:
        found = Checked()
        eks.stub.add_client_error("describe_cluster", "AccessDeniedException")
        await grants.check(NEEDS, NEEDS, found)
        assert "its authentication mode" in found.unread[0]
    finally:
        await grants.close()
