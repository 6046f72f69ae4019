"""`faultbridge sandbox`: clouds, a cluster and a bridge on this machine, until a signal."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    """Keep an AWS account, an EKS cluster with Chaos Mesh and a bridge up on loopback.

    Everything is emulated, nothing costs anything, and nothing is kept. Real clients work
    against it: the AWS CLI, boto3 and kubectl. Actions may be as short as PT1S here, where FIS
    and a real installation want PT1M.
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

    environment = world.environment()
    if url is not None:
        environment |= {"FAULTBRIDGE_URL": url, "AWS_ENDPOINT_URL_FIS": url}
    write_files(files, environment, world.kubeconfig())
    template = "file://examples/fis/carts-latency.json"
    lines = [
        "The sandbox is up: an AWS account with instances and an alarm, an EKS cluster with",
        "Chaos Mesh and the Sock Shop. Its shortest action lasts PT1S (FIS's: PT1M).",
        "In another shell:",
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
        "boto3 reads the same variables. Ctrl-C ends it.",
    ]
    show("\n".join(lines))
