"""An STS on loopback, and tokens minted for it by botocore's own presigner."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import boto3
import pytest
from botocore.signers import RequestSigner
from moto.server import ThreadedMotoServer

CLUSTER = "shop"
REGION = "us-east-1"
AMAZON_STS = f"https://sts.{REGION}.amazonaws.com"


class Minter:
    """Makes EKS tokens, and changes their URLs on the way if asked to."""

    sts = ""

    @staticmethod
    def session(
        key: str = "AKIAEXAMPLE",
        secret: str = "secret",  # noqa: S107 - made up
        token: str | None = None,
    ) -> boto3.Session:
        return boto3.Session(key, secret, token, REGION)

    def assume(self, role: str = "my-fis-role") -> boto3.Session:
        """Assume a role at the STS on loopback."""
        answer = (
            self.session()
            .client("sts", endpoint_url=self.sts)
            .assume_role(
                RoleArn=f"arn:aws:iam::123456789012:role/{role}", RoleSessionName="EXP123"
            )["Credentials"]
        )
        return self.session(
            answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"]
        )

    def url(
        self,
        session: boto3.Session | None = None,
        *,
        cluster: str = CLUSTER,
        endpoint: str = AMAZON_STS,
        expires: int = 60,
    ) -> str:
        session = session or self.session()
        client = session.client("sts")
        credentials = session.get_credentials()
        assert credentials is not None
        signer = RequestSigner(
            client.meta.service_model.service_id,
            REGION,
            "sts",
            "v4",
            credentials,
            client.meta.events,
        )
        url: str = signer.generate_presigned_url(
            {
                "method": "GET",
                "url": f"{endpoint}/?Action=GetCallerIdentity&Version=2011-06-15",
                "body": {},
                "headers": {"x-k8s-aws-id": cluster},
                "context": {},
            },
            region_name=REGION,
            expires_in=expires,
            operation_name="",
        )
        return url

    @staticmethod
    def wrap(url: str) -> str:
        return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")

    def token(
        self,
        session: boto3.Session | None = None,
        *,
        cluster: str = CLUSTER,
        endpoint: str = AMAZON_STS,
        expires: int = 60,
    ) -> str:
        return self.wrap(self.url(session, cluster=cluster, endpoint=endpoint, expires=expires))


@pytest.fixture(scope="session")
def sts() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def minter() -> Minter:
    """Tokens of made-up keys."""
    return Minter()


@pytest.fixture
def sts_minter(sts: str) -> Minter:
    """Tokens of roles that STS knows."""
    minter = Minter()
    minter.sts = sts
    return minter
