"""The provider against the emulator: the real SDK over real HTTP, on a clock that stands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from bridge.sandbox.gcp import GcpEmulator, VirtualClock
from bridge.sandbox.gcp.estate import FAULT_PERMISSIONS
from bridge.settings import Settings
from providers.contract import Caller, Guard
from providers.gcp import clients
from providers.gcp.provider import GcpProvider
from providers.gcp.session import GcpSession
from tests.gcp_faults.records import EXPERIMENT, INSTALLATION, SCOPE

OpenSession = Callable[..., Awaitable[GcpSession]]
Calls = Callable[..., list[str]]
Launch = Callable[..., list[str]]


@pytest.fixture(scope="module")
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture(scope="module")
def running(clock: VirtualClock) -> Iterator[GcpEmulator]:
    with GcpEmulator(clock=clock) as emulator:
        yield emulator


@pytest.fixture
def gcp(running: GcpEmulator, monkeypatch: pytest.MonkeyPatch) -> GcpEmulator:
    """An empty project, to which the environment points; attempts follow each other at once."""
    running.reset()
    for name, value in running.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(clients, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(clients, "LONGEST_PAUSE", 0.001)
    return running


@pytest.fixture
def few_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the SDK give up after the first attempt."""
    monkeypatch.setattr(clients, "LAST_ATTEMPT", 0)


@pytest.fixture
def allow(gcp: GcpEmulator) -> Callable[..., str]:
    """Let the service account do these things only; answer its address."""

    def allowed(*permissions: str) -> str:
        return gcp.create_service_account("chaos", permissions=permissions)

    return allowed


@pytest.fixture
def account(allow: Callable[..., str]) -> str:
    """The experiment's service account, with the rights that the faults declare."""
    return allow(*FAULT_PERMISSIONS)


@pytest.fixture
async def provider(gcp: GcpEmulator) -> AsyncIterator[GcpProvider]:
    provider = GcpProvider(Settings(gcp_projects=(gcp.project,)))
    yield provider
    await provider.close()


@pytest.fixture
def open_session(provider: GcpProvider, account: str) -> OpenSession:
    async def opened(
        guard: Guard | None = None, identity: str | None = account, name: str = EXPERIMENT
    ) -> GcpSession:
        return await provider.session(Caller(SCOPE, identity, name, INSTALLATION), guard)

    return opened


@pytest.fixture
async def session(open_session: OpenSession) -> GcpSession:
    """A session that acts as the experiment's account and still holds its run."""
    return await open_session(Guard(Guard.clock() + 3600))


@pytest.fixture
def launch(gcp: GcpEmulator) -> Launch:
    """Make instances that run; return their full names."""

    def launched(count: int = 1, **more: object) -> list[str]:
        return [gcp.add_instance(f"worker-{number:03}", **more) for number in range(count)]  # type: ignore[arg-type] # passed on

    return launched


@pytest.fixture
def calls(gcp: GcpEmulator) -> Calls:
    """Names of the calls of Compute Engine that arrived since the last time."""

    def since(*operations: str) -> list[str]:
        names = [call.operation for call in gcp.calls if call.service == "compute"]
        gcp.forget_calls()
        return [name for name in names if not operations or name in operations]

    return since
