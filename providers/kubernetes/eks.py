"""EKS: where a cluster's API server is, and the token by which it knows an AWS identity.

A token is a signed but unsent STS request; the cluster sends it on, and STS answers whose
signature it is. So a role needs no IAM permission, only an entry in the cluster.
"""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bridge.model.scope import Scope
from providers.aws.arns import Arn, partition
from providers.aws.eks_token import signed_token
from providers.aws.provider import AwsProvider
from providers.contract import Caller, ProviderError

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials
    from kubernetes.aio.client.configuration import Configuration

    from providers.aws.session import AwsSession


@dataclass(frozen=True)
class ClusterArn:
    """An EKS cluster's ARN, taken apart."""

    text: str
    region: str
    account: str
    name: str

    @classmethod
    def parse(cls, text: str) -> ClusterArn | None:
        """Return the parts, or None when it is not the ARN of an EKS cluster."""
        arn = Arn.parse(text)
        if arn is None or arn.service != "eks":
            return None
        kind, _, name = arn.resource.partition("/")
        if kind != "cluster" or not name:
            return None
        return cls(text, arn.region, arn.account, name)


@dataclass(frozen=True)
class Address:
    """Where an API server is and which CA signs its certificate."""

    endpoint: str
    ca: str
    """PEM."""

    async def configuration(self, server_name: str) -> Configuration:
        """Return what the client needs; ``server_name``, if any, is expected in the certificate."""
        configuration_class = await asyncio.to_thread(_configuration_class)
        configuration = configuration_class(host=self.endpoint.rstrip("/"), ca_cert_data=self.ca)
        if server_name:
            configuration.tls_server_name = server_name
        return configuration


def _configuration_class() -> type[Configuration]:
    """Import what takes long where it blocks nobody."""
    import kubernetes.aio.client.rest  # noqa: F401 - the SDK is loaded when it is used
    from kubernetes.aio.client.configuration import Configuration

    return Configuration


class EksClusters:
    """Finds clusters as the bridge's reader, and mints tokens for any identity."""

    def __init__(
        self, aws: AwsProvider, installation: str, readers: Mapping[str, str] | None = None
    ) -> None:
        """Nothing is asked yet. ``aws`` stays its owner's.

        ``readers`` are the roles that read in accounts other than the bridge's own, by account.
        """
        self._aws = aws
        self._readers = readers or {}
        self._installation = installation
        self._sts_endpoints: dict[str, str] = {}

    async def address(self, cluster: ClusterArn) -> Address:
        """Ask EKS for endpoint and CA. Raises ProviderError."""
        session = await self._reader(cluster.account, cluster.region)
        answer = await session.call("eks", "DescribeCluster", name=cluster.name)
        found: dict[str, Any] = answer.get("cluster") or {}
        endpoint = found.get("endpoint")
        data = (found.get("certificateAuthority") or {}).get("data")
        if not endpoint or not data:
            raise ProviderError(
                f"EKS cluster {cluster.name} has no endpoint, its state is "
                f"{found.get('status', 'unknown')}; wait until it is ACTIVE",
                code="NoEndpoint",
            )
        if not str(endpoint).startswith("https://"):
            raise ProviderError(
                f"the endpoint of EKS cluster {cluster.name} is no https URL, and no token is "
                "sent there",
                code="Endpoint",
            )
        return Address(str(endpoint), b64decode(data).decode())

    async def clusters(self, account: str, region: str) -> list[str]:
        """List the ARNs of all clusters of an account and Region. Raises ProviderError."""
        session = await self._reader(account, region)
        names: list[str] = []
        token: dict[str, Any] = {}
        while True:
            answer = await session.call("eks", "ListClusters", **token)
            names += answer.get("clusters") or []
            if not answer.get("nextToken"):
                break
            token = {"nextToken": str(answer["nextToken"])}
        prefix = f"arn:{partition(region)}:eks:{region}:{account}:cluster/"
        return [prefix + name for name in names]

    async def token(self, cluster: ClusterArn, caller: Caller) -> str:
        """Mint a bearer token for the caller's identity. Raises ProviderError."""
        session = await self._aws.session(caller, None)
        return await asyncio.to_thread(self._sign, cluster, await session.credentials())

    async def _reader(self, account: str, region: str) -> AwsSession:
        return await self._aws.session(
            Caller(
                scope=Scope(cloud="aws", account=account, region=region),
                identity=self._readers.get(account),
                name="reader",
                installation=self._installation,
            ),
            None,
        )

    def _sign(self, cluster: ClusterArn, credentials: ReadOnlyCredentials) -> str:
        sts = self._sts(cluster.region)
        return signed_token(credentials, sts=sts, region=cluster.region, name=cluster.name)

    def _sts(self, region: str) -> str:
        if region not in self._sts_endpoints:
            self._sts_endpoints[region] = _sts_endpoint(region)
        return self._sts_endpoints[region]


def _sts_endpoint(region: str) -> str:
    """The Region's own STS, unless the environment or a profile names another."""
    from botocore.session import Session

    client = Session().create_client("sts", region_name=region)
    endpoint = str(client.meta.endpoint_url)
    client.close()
    return endpoint.rstrip("/")
