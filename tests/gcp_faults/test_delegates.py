"""Service accounts that the bridge's own may not act as itself, but through others."""

from __future__ import annotations

import pytest

from bridge.sandbox.gcp import GcpEmulator
from bridge.settings import Settings
from providers.contract import AccessDeniedError, Caller
from providers.gcp.provider import GcpProvider
from tests.gcp_faults.records import EXPERIMENT, INSTALLATION, SCOPE


async def listed(gcp: GcpEmulator, account: str, *delegates: tuple[str, str]) -> None:
    provider = GcpProvider(Settings(gcp_endpoint=gcp.url, gcp_delegates=delegates))
    try:
        session = await provider.session(Caller(SCOPE, account, EXPERIMENT, INSTALLATION), None)
        await session.listed("instances", project=gcp.project, zone="us-central1-a")
    finally:
        await provider.close()


async def test_an_account_is_impersonated_through_others(gcp: GcpEmulator) -> None:
    near = gcp.create_service_account("near")
    middle = gcp.create_service_account("middle", usable_by_owner=False, usable_by=[near])
    far = gcp.create_service_account(
        "far",
        permissions=["compute.instances.list"],
        usable_by_owner=False,
        usable_by=[middle],
    )
    with pytest.raises(AccessDeniedError):
        await listed(gcp, far)
    with pytest.raises(AccessDeniedError):  # no link of the chain may be left out
        await listed(gcp, far, ("far@*", middle))
    gcp.forget_calls()
    await listed(gcp, far, ("far@*", middle), ("middle@*", near))
    callers = [call.caller for call in gcp.calls if call.caller]  # the owner's own token has none
    assert callers == [gcp.owner, far]
