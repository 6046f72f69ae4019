"""One emulator per test, on a clock that goes on while an operation is polled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import HeadersPolicy, SansIOHTTPPolicy
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient

from bridge.sandbox.azure import AzureEmulator, Estate, VirtualClock, build

_CLIENTS: dict[str, Any] = {
    "compute": ComputeManagementClient,
    "network": NetworkManagementClient,
    "resource": ResourceManagementClient,
    "authorization": AuthorizationManagementClient,
}
Connect = Callable[..., Any]


class Passing(SansIOHTTPPolicy[Any, Any]):
    """Lets time go on with each look at an operation, so that pollers see it under way first."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    def on_response(
        self, request: PipelineRequest[Any], response: PipelineResponse[Any, Any]
    ) -> None:
        if "/operations/" in request.http_request.url:
            self._clock.advance(0.6)


@pytest.fixture(scope="module")
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture(scope="module")
def started(clock: VirtualClock) -> Iterator[Callable[[Any], AzureEmulator]]:
    """Start an emulator of each style of long-running operations once."""
    running: dict[str, AzureEmulator] = {}
    with ExitStack() as stack:

        def of_style(style: Any) -> AzureEmulator:
            if style not in running:
                made = AzureEmulator(clock=clock, lro=style, retry_after=0)
                running[style] = stack.enter_context(made)
            return running[style]

        yield of_style


@pytest.fixture(params=["both"])
def emulator(
    request: pytest.FixtureRequest, started: Callable[[Any], AzureEmulator]
) -> AzureEmulator:
    emulator = started(request.param)
    emulator.reset()
    return emulator


@pytest.fixture
def estate(emulator: AzureEmulator) -> Estate:
    return build(emulator)


@pytest.fixture
def connect(emulator: AzureEmulator, clock: VirtualClock) -> Iterator[Connect]:
    """Open one of the SDK's clients, as the owner or with another token."""
    with ExitStack() as stack:

        def opened(name: str, token: str | None = None) -> Any:
            header = {"Authorization": f"Bearer {token or emulator.owner_token}"}
            client = _CLIENTS[name](
                object(),
                emulator.subscription,
                base_url=emulator.url,
                authentication_policy=HeadersPolicy(header),
                per_call_policies=[Passing(clock)],
                polling_interval=0,
                retry_total=0,
            )
            return stack.enter_context(client)

        yield opened


@pytest.fixture
def compute(connect: Connect) -> Any:
    return connect("compute")


@pytest.fixture
def network(connect: Connect) -> Any:
    return connect("network")


@pytest.fixture
def resource(connect: Connect) -> Any:
    return connect("resource")
