"""`faultbridge sandbox`: clouds, a cluster and a bridge on this machine, until a signal."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from bridge.cli.connection import PORT, load_settings
from bridge.cli.output import show

if TYPE_CHECKING:
    from bridge.sandbox.world import World

_HOST = "127.0.0.1"


def sandbox(
    directory: Annotated[
        Path | None,
        typer.Option(
            "--dir", help="Where to write kubeconfig and sandbox.env. Default: a temporary one."
        ),
    ] = None,
    clouds_only: Annotated[
        bool,
        typer.Option("--clouds-only", help="Leave the bridge out; run `serve` beside it."),
    ] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the bridge; 0 takes a free one.")
    ] = PORT,
) -> None:
    """Keep three clouds, an EKS cluster with Chaos Mesh and a bridge up on loopback.

    Everything is emulated, nothing costs anything, and nothing is kept. Real clients work
    against it: the AWS CLI, boto3, kubectl, Google Cloud's and Azure's SDKs. Actions may be as
    short as PT1S here, where FIS and a real installation want PT1M.
    """
    from bridge.cli.listening import listen, signalled
    from bridge.sandbox.world import World

    async def keep_up(files: Path, data: Path) -> None:
        async with World() as world:
            if clouds_only:
                ended = signalled()
                _announce(world, files, f"http://{_HOST}:{port}" if port else None, alone=True)
                await ended.wait()
                return
            os.environ.update(world.environment())
            await listen(
                load_settings(data),
                _HOST,
                port,
                ready=lambda url: _announce(world, files, url, alone=False),
            )

    with tempfile.TemporaryDirectory(prefix="faultbridge-sandbox-") as temporary:
        files = directory or Path(temporary)
        asyncio.run(keep_up(files, Path(temporary) / "data"))


def _announce(world: World, files: Path, url: str | None, *, alone: bool) -> None:
    from bridge.sandbox.world import write_files

    environment = world.environment() | {
        "GOOGLE_SANDBOX_TOKEN": world.gcp.owner_token,
        "AZURE_SANDBOX_TOKEN": world.azure.owner_token,
    }
    if url is not None:
        environment |= {"FAULTBRIDGE_URL": url, "AWS_ENDPOINT_URL_FIS": url}
    write_files(files, environment, world.kubeconfig())
    template = "file://examples/fis/carts-latency.json"
    lines = [
        "The sandbox is up: an AWS account with instances and an alarm, an EKS cluster with",
        "Chaos Mesh and the Sock Shop, a Google Cloud project and an Azure subscription with",
        "machines and disks. Its shortest action lasts PT1S (FIS's: PT1M). In another shell:",
        "",
        f"    set -a; . {files / 'sandbox.env'}; set +a",
    ]
    if alone:
        lines += [
            f"    faultbridge serve --data DIR --port {url.rpartition(':')[2] if url else 'N'}"
        ]
    lines += [
        f"    aws fis create-experiment-template --cli-input-json {template}",
        "    aws fis start-experiment --experiment-template-id EXT...",
        "    aws fis get-experiment --id EXP...",
        "    aws ec2 describe-instances",
        "    kubectl get networkchaos -n default",
        "    aws cloudwatch set-alarm-state --alarm-name carts-latency-high \\",
        "        --state-value ALARM --state-reason testing",
        "",
        "boto3 reads the same variables. Google Cloud's SDK and Azure's, in Python:",
        "",
        *(f"    {line}" for line in SDK_LINES),
        "",
        "Ctrl-C ends it.",
    ]
    show("\n".join(lines))


SDK_LINES: Final = (
    "import os",
    "from google.cloud import compute_v1",
    "from google.oauth2.credentials import Credentials",
    "instances = compute_v1.InstancesClient(",
    '    credentials=Credentials(os.environ["GOOGLE_SANDBOX_TOKEN"]),',
    '    client_options={"api_endpoint": os.environ["FAULTBRIDGE_GCP_ENDPOINT"]})',
    'print(instances.get(project=os.environ["GOOGLE_CLOUD_PROJECT"],',
    '                    zone="us-central1-a", instance="carts-worker-1").status)',
    "",
    "from azure.core.pipeline.policies import HeadersPolicy",
    "from azure.identity import DefaultAzureCredential",
    "from azure.mgmt.compute import ComputeManagementClient",
    'token = {"Authorization": "Bearer " + os.environ["AZURE_SANDBOX_TOKEN"]}',
    "compute = ComputeManagementClient(",
    '    DefaultAzureCredential(), os.environ["AZURE_SUBSCRIPTION_ID"],',
    '    base_url=os.environ["FAULTBRIDGE_AZURE_ENDPOINT"],',
    "    authentication_policy=HeadersPolicy(token))",
    'print(compute.virtual_machines.instance_view("sandbox", "carts-worker-1").statuses[-1].code)',
)
"""Python that works as it stands in a shell that has read ``sandbox.env``.

Application default credentials work too, but google-auth then asks Google itself where the
account may be used from. Azure's own policy for tokens refuses plain http, so the token goes
with a policy for headers.
"""
