"""The whole mapping against a real API server: EKS tokens, aws-auth, RBAC, and the preflight.

The server asks a TokenReview webhook who a token is of, as EKS's does; that reads the cluster's
own aws-auth by `rbac.aws_auth`, which `rbac.aws_auth_writing` wrote there.
"""

from __future__ import annotations

import asyncio
import copy
import json
import threading
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
import yaml

from bridge.model.scope import Scope
from bridge.sandbox.kubernetes.authentication import EksTokenVerifier, moto_secret
from bridge.sandbox.kubernetes.chaos_mesh_crds import definitions
from bridge.sandbox.kubernetes.estate import manifests
from bridge.settings import Settings
from iam.eks_token import TokenRefusedError
from providers.contract import Caller
from providers.kubernetes.cluster import Cluster
from providers.kubernetes.kubeconfig import CONTEXT_PREFIX
from providers.kubernetes.provider import KubernetesProvider
from rbac.acting import MappedIdentities
from rbac.aws_auth import PATH, read_aws_auth
from rbac.aws_auth_text import Wanted
from rbac.aws_auth_writing import ChangedMeanwhileError, plan, write
from rbac.principals import CloudPrincipal
from rbac.showing import show
from tests.aws_emulator.account import aws, estate
from tests.conftest import real_api_server
from tests.kubernetes_faults.one_run import Run, eventually
from tests.kubernetes_faults.real_cluster.real import MERGE, PLURALS, RealCluster, client

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from bridge.sandbox.aws import AwsEmulator, Estate

__all__ = ["aws", "estate"]

pytestmark = pytest.mark.real_cluster


class Authenticator:
    """A TokenReview server: the token by STS, the user by the cluster's aws-auth."""

    def __init__(self, sts: str) -> None:
        self.api: httpx.Client | None = None
        self._sts = sts
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
                status = outer.review(asked["spec"]["token"])
                body = json.dumps({**asked, "status": status}).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def review(self, token: str) -> dict[str, Any]:
        """Say who a token is of, as the ``status`` of a TokenReview."""
        assert self.api is not None
        try:
            principal = asyncio.run(self._verified(token))
        except TokenRefusedError as error:
            return {"authenticated": False, "error": str(error)}
        found = self.api.get(PATH)
        auth = read_aws_auth(found.json() if found.is_success else None)
        identity = auth.identify(principal)
        if identity is None:
            return {"authenticated": False, "error": f"{principal.canonical} is not mapped"}
        return {
            "authenticated": True,
            "user": {"username": identity.user, "groups": list(identity.groups)},
        }

    async def _verified(self, token: str) -> CloudPrincipal:
        async with httpx.AsyncClient(trust_env=False) as http:
            verifier = EksTokenVerifier(
                cluster_name="sandbox",
                sts_endpoint=self._sts,
                http=http,
                now=lambda: datetime.now(UTC),
                secret_of=moto_secret,
            )
            return CloudPrincipal((await verifier.verify(token)).arn)

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture(scope="module")
def authenticator(aws: AwsEmulator) -> Iterator[Authenticator]:
    made = Authenticator(aws.url)
    yield made
    made.close()


@pytest.fixture(scope="module")
def kubeconfig(
    authenticator: Authenticator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("mapped")
    with real_api_server(folder, "--authn-webhook", authenticator.url) as given:
        yield given


@pytest.fixture(scope="module")
def installed(
    kubeconfig: Path, authenticator: Authenticator, aws: AwsEmulator, estate: Estate
) -> Iterator[RealCluster]:
    """The cluster with Chaos Mesh's kinds, and the walk-through's ClusterRole for group ``fis``."""
    with client(kubeconfig, "admintoken") as api:
        authenticator.api = api
        made = RealCluster(api, api)
        for manifest in copy.deepcopy(manifests("experiment-role")):
            if manifest["kind"] == "ClusterRoleBinding":
                manifest["subjects"] = [{"kind": "Group", "name": "fis"}]
            if manifest["kind"] != "ConfigMap":
                made.install(manifest)
        shop = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "sock-shop"}}
        made.install(*definitions(), shop)
        made.wait_until(lambda: made.served() == set(PLURALS))
        reached = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]
        ca_file = (kubeconfig.parent / "pki/ca.crt").read_text()
        aws.set_cluster_endpoint("sandbox", endpoint=reached["server"], ca_pem=ca_file)
        yield made


@pytest.fixture
async def provider(
    installed: RealCluster,
    aws: AwsEmulator,
    kubeconfig: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[KubernetesProvider]:
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    made = KubernetesProvider(Settings(installation="here", kubeconfig=kubeconfig))
    yield made
    await made.close()


@pytest.fixture
async def administrator(provider: KubernetesProvider, aws: AwsEmulator) -> Cluster:
    scope = Scope(cloud="aws", account=aws.account_id, region=aws.region)
    session = await provider.session(Caller(scope, None, "rbac", "here"), None)
    return await session.cluster(CONTEXT_PREFIX + "admin")


@pytest.fixture
def role(aws: AwsEmulator, provider: KubernetesProvider) -> Callable[[str], str]:
    """Make an IAM role that the bridge may assume; return its ARN."""

    def made(name: str) -> str:
        iam = boto3.client("iam", region_name=aws.region)
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{aws.account_id}:root"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
        answer = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        iam.close()
        return str(answer["Role"]["Arn"])

    return made


@pytest.fixture
def start(provider: KubernetesProvider, aws: AwsEmulator, estate: Estate) -> Callable[..., Any]:
    async def made(identity: str, name: str) -> Run:
        scope = Scope(cloud="aws", account=aws.account_id, region=aws.region)
        session = await provider.session(Caller(scope, identity, name, "here"), None)
        return Run(session, estate.cluster_arn)

    return made


async def test_a_mapped_role_may_and_others_are_refused_and_the_preflight_said_so(
    administrator: Cluster,
    installed: RealCluster,
    role: Callable[[str], str],
    start: Callable[..., Any],
) -> None:
    mapped, known, stranger = role("mapped"), role("known"), role("stranger")
    await write(administrator, await plan(administrator, Wanted(mapped, "fis-exp", ("fis",))))
    await write(administrator, await plan(administrator, Wanted(known, "known", ("others",))))

    run = await start(mapped, "EXPmapped")
    assert await run.review() == []
    assert (await run.prepare()).kind == "done"
    assert (await run.inject()).kind == "pending"
    assert installed.one()["metadata"]["namespace"] == "default"

    run = await start(known, "EXPknown")
    denials = await run.review()
    assert {"create", "get", "delete"} <= {
        denial.reason.split(" may not ")[1].split()[0] for denial in denials
    }
    assert (await run.prepare()).kind == "done"
    refused = await run.inject()
    assert refused.kind == "rejected"
    assert 'User "known" cannot create resource "networkchaos"' in refused.reason

    run = await start(stranger, "EXPstranger")
    (denial,) = await run.review()
    assert f"does not know {stranger} (HTTP 401)" in denial.reason
    refused = await run.prepare()
    assert refused.kind == "rejected"
    assert "401" in refused.reason
    assert len(installed.all_chaos()) == 1

    found = await show(administrator, None)
    lines = {line.who: line for line in found.lines}
    assert lines[mapped].injects
    assert not lines[known].injects
    assert stranger not in lines
    assert found.unread == ()
    await installed.clean()


async def test_once_the_role_is_mapped_the_same_run_goes_on(
    administrator: Cluster, role: Callable[[str], str], start: Callable[..., Any]
) -> None:
    late = role("late")
    run = await start(late, "EXPlate")
    assert len(await run.review()) == 1
    await write(administrator, await plan(administrator, Wanted(late, "late", ("fis",))))
    await eventually(run.review, lambda denials: denials == [])


async def test_a_real_server_refuses_to_write_over_what_changed(
    administrator: Cluster, installed: RealCluster
) -> None:
    arn = "arn:aws:iam::123456789012:role/third"
    await write(administrator, await plan(administrator, Wanted(arn, "third")))
    change = await plan(administrator, Wanted(arn.replace("third", "fourth"), "fourth"))
    theirs = {"data": {"mapUsers": "# theirs\n[]\n"}}
    assert installed.api.patch(PATH, json=theirs, headers=MERGE).is_success
    await write_in_vain(administrator, change)
    assert installed.api.get(PATH).json()["data"]["mapUsers"] == "# theirs\n[]\n"
    again = await plan(administrator, Wanted(arn.replace("third", "fourth"), "fourth"))
    await write(administrator, again, dry_run=True)
    assert "fourth" not in installed.api.get(PATH).json()["data"]["mapRoles"]
    await write(administrator, again)
    data = installed.api.get(PATH).json()["data"]
    assert (data["mapRoles"], data["mapUsers"]) == (again.after, "# theirs\n[]\n")


async def write_in_vain(cluster: Cluster, change: Any) -> None:
    with pytest.raises(ChangedMeanwhileError):
        await write(cluster, change)


async def test_a_context_acts_as_the_mapped_user_and_as_nobody_else(
    installed: RealCluster, provider: KubernetesProvider, aws: AwsEmulator, tmp_path: Path
) -> None:
    """``ops`` may become user ``shop-chaos`` of group ``fis``, whatever its own rights are."""
    identity = "arn:aws:iam::123456789012:role/shop"
    entry = {"principal": identity, "user": "shop-chaos", "groups": ["fis"]}
    wrong = {"principal": f"{identity}2", "user": "shop-chaos", "groups": ["fis", "operators"]}
    path = tmp_path / "identities.yaml"
    path.write_text(json.dumps({"identities": [entry, wrong]}))
    provider.use_identities(MappedIdentities(path))
    scope = Scope(cloud="aws", account=aws.account_id, region=aws.region)

    async def run_as(who: str) -> Run:
        session = await provider.session(Caller(scope, who, "EXPshop", "here"), None)
        return Run(session, CONTEXT_PREFIX + "ops")

    run = await run_as(identity)
    (denial,) = await run.review()
    assert 'User "ops" cannot impersonate' in denial.reason
    for manifest in yaml.safe_load_all(denial.mend.replace("USER-OF-THE-CONTEXT", "ops")):
        installed.install(manifest)
    await eventually(run.review, lambda denials: denials == [])
    assert (await run.prepare()).kind == "done"
    assert (await run.inject()).kind == "pending"
    assert installed.one()["metadata"]["namespace"] == "default"
    (denial,) = await (await run_as(f"{identity}2")).review()
    assert 'cannot impersonate resource "groups"' in denial.reason
    assert '"operators" is forbidden' in denial.reason
    await installed.clean()
