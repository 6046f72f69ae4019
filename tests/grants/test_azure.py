"""Azure: what an identity may do at each scope, by the SDK, and putting that in order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Final

import pytest

from bridge.catalog.grants import About, documents
from bridge.catalog.needs import Need, Place, Who
from bridge.cli.granting.azure import AzureGrants
from bridge.cli.granting.comparing import Checked, Left
from bridge.sandbox.azure import AzureEmulator
from bridge.settings import Settings
from iam.acting import Acting
from providers.contract import ProviderError

SUBSCRIPTION: Final = "00000000-0000-4000-8000-000000000001"
CLIENT: Final = "11111111-0000-4000-8000-000000000001"
STRANGER: Final = "11111111-0000-4000-8000-000000000002"
OFF: Final = "Microsoft.Compute/virtualMachines/powerOff/action"
READ: Final = "Microsoft.Compute/virtualMachines/read"
OPERATIONS: Final = "Microsoft.Compute/locations/operations/read"
GROUP: Final = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop"


@pytest.fixture(scope="module")
def running() -> Iterator[AzureEmulator]:
    with AzureEmulator() as started:
        yield started


@pytest.fixture
def azure(running: AzureEmulator, monkeypatch: pytest.MonkeyPatch) -> AzureEmulator:
    running.reset()
    for name, value in running.environment().items():
        monkeypatch.setenv(name, value)
    running.create_identity(CLIENT, actions=[])
    return running


@pytest.fixture
def about(azure: AzureEmulator) -> About:
    acting = Acting({"azure": CLIENT})
    return About("Stop!", "arn:aws:iam::1:role/r", azure=azure.object_id(CLIENT), acting=acting)


@pytest.fixture
async def grants(about: About) -> AsyncIterator[AzureGrants]:
    made = AzureGrants(Settings(), about)
    yield made
    await made.close()


def needs(*names: str) -> list[Need]:
    group, all_of_it = Place("azure", SUBSCRIPTION, "shop"), Place("azure", SUBSCRIPTION)
    return [Need(Who.EXPERIMENT, all_of_it if n == OPERATIONS else group, n) for n in names]


async def checked(grants: AzureGrants, granted: list[Need]) -> Checked:
    found = Checked()
    await grants.check(granted, granted, found)
    return found


async def applied(grants: AzureGrants, about: About, granted: list[Need]) -> list[Left]:
    left: list[Left] = []
    for change in await grants.changes(documents(granted, about, "azure"), left):
        await change.write()
    return left


async def test_what_is_missing_is_told_applied_and_then_there(
    azure: AzureEmulator, about: About, grants: AzureGrants
) -> None:
    wanted = needs(OFF, READ, OPERATIONS)
    assert (await checked(grants, wanted)).missing == [
        f"identity {CLIENT}, {GROUP}: {OFF}",
        f"identity {CLIENT}, {GROUP}: {READ}",
        f"identity {CLIENT}, /subscriptions/{SUBSCRIPTION}: {OPERATIONS}",
    ]
    left = await applied(grants, about, wanted)
    assert [one.document.kind for one in left] == ["binding"]
    assert (await checked(grants, wanted)).lines() == ["granted: exactly what is needed"]
    again = await grants.changes(documents(wanted, about, "azure"), [])
    assert [one for one in again if one.diff()] == []


async def test_a_role_that_has_grown_or_is_not_needed_or_is_assigned_too_high_is_too_much(
    azure: AzureEmulator, about: About, grants: AzureGrants
) -> None:
    await applied(grants, about, needs(OFF, READ))
    (excess,) = (await checked(grants, needs(READ))).excess
    assert excess == f"identity {CLIENT}: role faultbridge-stop at {GROUP}: {OFF} is not needed"
    await applied(grants, about, needs(READ))
    assert (await checked(grants, needs(READ))).excess == []
    azure.create_identity(CLIENT, actions=["Microsoft.Compute/virtualMachines/*"])
    excess_all = "\n".join((await checked(grants, needs(READ))).excess)
    assert "is assigned wider than what is needed" in excess_all
    assert f"Microsoft.Compute/virtualMachines/* is wider than {READ}" in excess_all
    azure.create_identity(CLIENT, actions=["Microsoft.Network/*"])
    found = await checked(grants, needs(READ))
    assert found.missing
    assert "is not needed" in found.excess[0]


async def test_what_somebody_else_changed_is_not_written_over(
    azure: AzureEmulator, about: About, grants: AzureGrants
) -> None:
    changes = await grants.changes(documents(needs(OFF), about, "azure"), [])
    await applied(grants, about, needs(OFF, READ))
    with pytest.raises(ProviderError, match="run the command again"):
        await changes[0].write()


async def test_an_assignment_that_is_there_already_is_well(
    azure: AzureEmulator, about: About, grants: AzureGrants
) -> None:
    changes = await grants.changes(documents(needs(OFF), about, "azure"), [])
    for change in (*changes, changes[1]):
        await change.write()
    assert (await checked(grants, needs(OFF))).missing == []


async def test_without_the_object_id_it_is_said_how_to_find_it(azure: AzureEmulator) -> None:
    told = About("t", "arn:aws:iam::1:role/r", acting=Acting({"azure": CLIENT}))
    grants = AzureGrants(Settings(), told)
    left: list[Left] = []
    try:
        (unread,) = (await checked(grants, needs(OFF))).unread
        assert f"az ad sp show --id {CLIENT}" in unread
        assert await grants.changes(documents(needs(OFF), told, "azure"), left) == []
    finally:
        await grants.close()
    assert [one.document.kind for one in left] == ["role-definition", "binding"]
