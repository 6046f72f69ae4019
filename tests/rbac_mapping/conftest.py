"""A cluster with TLS, RBAC and aws-auth, and the command line beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest
import yaml

from bridge.cli import main
from bridge.sandbox.kubernetes.authentication import TokenAuthenticator
from bridge.sandbox.kubernetes.cluster import ADMINISTRATOR, SandboxCluster
from bridge.sandbox.kubernetes.identity import Identity

CONTEXT = "emulator"
Command = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
async def cluster() -> AsyncIterator[SandboxCluster]:
    async with SandboxCluster() as made:
        yield made


@pytest.fixture
def kubeconfig(cluster: SandboxCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The administrator's context, which the settings name."""
    config = cluster.admin_kubeconfig()
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(config))
    monkeypatch.setenv("FAULTBRIDGE_KUBECONFIG", str(path))
    monkeypatch.setenv("FAULTBRIDGE_INSTALLATION", "here")
    return path


@pytest.fixture
async def admin(cluster: SandboxCluster) -> AsyncIterator[httpx.AsyncClient]:
    """The administrator, over HTTPS."""
    import ssl  # noqa: PLC0415 - only here

    async with httpx.AsyncClient(
        base_url=cluster.emulator.url,
        verify=ssl.create_default_context(cadata=cluster.emulator.ca_pem),
        headers={"authorization": f"Bearer {cluster.admin_token}"},
        trust_env=False,
    ) as client:
        yield client


@pytest.fixture
def as_somebody(cluster: SandboxCluster, kubeconfig: Path) -> str:
    """The context's user is one without rights; return the name."""
    tokens = {cluster.admin_token: ADMINISTRATOR, "somebody": Identity("bridge")}
    cluster._tokens = TokenAuthenticator(cluster.store, static_tokens=tokens)
    _set_user(kubeconfig, {"token": "somebody"})
    return "bridge"


def _set_user(kubeconfig: Path, user: dict[str, str]) -> None:
    config = yaml.safe_load(kubeconfig.read_text())
    config["users"][0]["user"] = user
    kubeconfig.write_text(yaml.safe_dump(config))


@pytest.fixture
def command(kubeconfig: Path, capfd: pytest.CaptureFixture[str]) -> Command:
    """Run a command line in a thread, beside the cluster; return code, output and errors."""

    def run(arguments: tuple[str, ...]) -> int:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert isinstance(ended.value.code, int)
        return ended.value.code

    async def made(*arguments: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = await asyncio.to_thread(run, arguments)
        output, errors = capfd.readouterr()
        return code, output, errors

    return made
