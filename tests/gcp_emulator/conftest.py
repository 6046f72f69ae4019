"""The Compute Engine emulator, driven by Google's own SDK over HTTP on a clock that stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from google.auth.credentials import CredentialsWithRegionalAccessBoundary

from bridge.sandbox.gcp import GcpEmulator, VirtualClock

ZONE = "us-central1-a"
SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]

Client = Callable[..., Any]
Life = Callable[[Any], Any]


@pytest.fixture(scope="module")
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture(scope="module")
def running(clock: VirtualClock) -> Iterator[GcpEmulator]:
    with GcpEmulator(clock=clock) as emulator, pytest.MonkeyPatch.context() as patch:
        for name, value in emulator.environment().items():
            patch.setenv(name, value)
        # google-auth asks Google itself, in the background, where an account may be used from.
        lookup = "_is_regional_access_boundary_lookup_required"
        patch.setattr(CredentialsWithRegionalAccessBoundary, lookup, lambda _self: False)
        yield emulator


@pytest.fixture
def gcp(running: GcpEmulator) -> GcpEmulator:
    """An empty project, to which the standard environment points."""
    running.reset()
    return running


@pytest.fixture(scope="module")
def client(running: GcpEmulator) -> Iterator[Client]:
    """Open the SDK's client of a service, as the owner by the default credentials."""
    from google.cloud import compute_v1  # noqa: PLC0415 - takes 1.4 s: not while collecting

    opened: dict[str, Any] = {}
    with ExitStack() as stack:

        def client(service: str, credentials: Any = None) -> Any:
            if credentials is None and service in opened:
                return opened[service]
            made = getattr(compute_v1, f"{service}Client")(
                credentials=credentials, client_options={"api_endpoint": running.url}
            )
            stack.callback(made.transport.close)
            if credentials is None:
                opened[service] = made
            return made

        yield client


@pytest.fixture
def where(gcp: GcpEmulator) -> dict[str, str]:
    """The project and zone, as the SDK's methods take them."""
    return {"project": gcp.project, "zone": ZONE}


@pytest.fixture
def done(clock: VirtualClock, client: Client, where: dict[str, str]) -> Life:
    """Let the time of a zone's operation pass, and answer how it ended."""

    def done(operation: Any) -> Any:
        clock.advance(1)
        return client("ZoneOperations").get(operation=operation.name, **where)

    return done
