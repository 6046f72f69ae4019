"""The provider against the emulator: the real SDKs over real HTTP, on a clock that stands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from bridge.sandbox.azure import AzureEmulator, VirtualClock
from bridge.settings import Settings
from providers.azure.provider import AzureProvider
from providers.azure.session import AzureSession
from providers.contract import Caller, Guard
from tests.azure_faults.records import CLIENT_ID, EXPERIMENT, SCOPE, SUBSCRIPTION

OpenSession = Callable[..., Awaitable[AzureSession]]
Calls = Callable[..., list[str]]


@pytest.fixture(scope="module")
def running() -> Iterator[AzureEmulator]:
    with AzureEmulator(clock=VirtualClock()) as emulator:
        yield emulator


@pytest.fixture
def azure(running: AzureEmulator, monkeypatch: pytest.MonkeyPatch) -> AzureEmulator:
    """An empty subscription, to which the standard environment points."""
    running.reset()
    for name, value in running.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("FAULTBRIDGE_AZURE_SUBSCRIPTIONS", SUBSCRIPTION)
    running.create_identity(CLIENT_ID, actions=["*"])
    return running


@pytest.fixture
def allow(azure: AzureEmulator) -> Callable[..., None]:
    """Let the identity do these things only (at first everything)."""

    def allowed(*actions: str) -> None:
        azure.create_identity(CLIENT_ID, actions=actions)

    return allowed


@pytest.fixture
async def provider(azure: AzureEmulator) -> AsyncIterator[AzureProvider]:
    provider = AzureProvider(Settings())
    yield provider
    await provider.close()


@pytest.fixture
def open_session(provider: AzureProvider) -> OpenSession:
    async def opened(guard: Guard | None = None, identity: str | None = CLIENT_ID) -> AzureSession:
        return await provider.session(Caller(SCOPE, identity, EXPERIMENT, "lab"), guard)

    return opened


@pytest.fixture
async def session(open_session: OpenSession) -> AzureSession:
    """A session that acts as the experiment's identity and still holds its run."""
    return await open_session(Guard(Guard.clock() + 3600))


@pytest.fixture
def calls(azure: AzureEmulator) -> Calls:
    """Names of the calls that arrived since the last time, without those for tokens."""

    def since(*operations: str) -> list[str]:
        names = [call.operation for call in azure.calls if call.operation != "Tokens_Get"]
        azure.forget_calls()
        return [name for name in names if not operations or name in operations]

    return since


@pytest.fixture
def vms(azure: AzureEmulator) -> Callable[[int], list[str]]:
    """Make machines that run; return their names."""

    def made(count: int) -> list[str]:
        names = [f"vm-{number}" for number in range(count)]
        for name in names:
            azure.add_vm(name)
        return names

    return made
