"""Google Cloud: what an account holds, who may act as it, and putting that in order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import pytest

from bridge.catalog.grants import About, documents
from bridge.catalog.needs import DELEGATING, GETTING_TOKENS, Need, Place, Who
from bridge.cli.granting.comparing import Checked, Left
from bridge.cli.granting.google import GoogleGrants
from bridge.sandbox.gcp import GcpEmulator
from bridge.settings import Settings
from iam.acting import Acting
from iam.google import Where, bound, policy_of, put_policy
from providers.contract import Caller, ProviderError
from providers.gcp.provider import GcpProvider
from tests.gcp_faults.records import SCOPE

ROLE: Final = "arn:aws:iam::123456789012:role/chaos"
STOP, START = "compute.instances.stop", "compute.instances.start"


@pytest.fixture(scope="module")
def gcp() -> Iterator[GcpEmulator]:
    with GcpEmulator() as started:
        yield started


@pytest.fixture
def settings(gcp: GcpEmulator, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in gcp.environment().items():
        monkeypatch.setenv(name, value)
    return Settings()


@pytest.fixture
def account(gcp: GcpEmulator, request: pytest.FixtureRequest) -> str:
    return gcp.create_service_account(request.node.name[:25].replace("_", "-"), usable_by=[])


@pytest.fixture
def about(account: str, gcp: GcpEmulator) -> About:
    return About("Stop!", ROLE, google=gcp.owner, acting=Acting({"gcp": account}))


@pytest.fixture
async def grants(settings: Settings, about: About) -> AsyncIterator[GoogleGrants]:
    made = GoogleGrants(settings, about)
    yield made
    await made.close()


def needs(gcp: GcpEmulator, account: str, *names: str) -> list[Need]:
    place = Place("gcp", gcp.project)
    found = [Need(Who.EXPERIMENT, place, name, wanted_by=("actions.a",)) for name in names]
    return [*found, Need(Who.READER, place, GETTING_TOKENS, resources=(account,))]


async def checked(grants: GoogleGrants, granted: list[Need]) -> Checked:
    found = Checked()
    await grants.check(granted, granted, found)
    return found


async def test_what_is_missing_is_told_applied_and_then_there(
    gcp: GcpEmulator, account: str, about: About, grants: GoogleGrants
) -> None:
    wanted = needs(gcp, account, STOP, START)
    before = await checked(grants, wanted)
    where = f"service account {account}, project {gcp.project}"
    assert before.missing == [f"{where}: {START}", f"{where}: {STOP}"]
    left: list[Left] = []
    changes = await grants.changes(documents(wanted, about, "gcp"), left)
    assert left == []
    shown = "\n".join(line for change in changes for line in change.diff())
    assert f'+    "{STOP}"' in shown
    assert f'+    "serviceAccount:{account}"' in shown
    for change in changes:
        await change.write()
    assert (await checked(grants, wanted)).lines() == ["granted: exactly what is needed"]
    again = await grants.changes(documents(wanted, about, "gcp"), [])
    assert [one for one in again if one.diff()] == []


async def test_a_role_that_has_grown_is_too_much_and_gets_exactly_what_is_needed(
    gcp: GcpEmulator, account: str, about: About, grants: GoogleGrants
) -> None:
    wide = needs(gcp, account, STOP, START, "compute.instances.reset")
    for change in await grants.changes(documents(wide, about, "gcp"), []):
        await change.write()
    wanted = needs(gcp, account, STOP, START)
    (excess,) = (await checked(grants, wanted)).excess
    assert "compute.instances.reset not needed" in excess
    for change in await grants.changes(documents(wanted, about, "gcp"), []):
        await change.write()
    assert (await checked(grants, wanted)).excess == []


async def test_who_may_act_as_it_and_who_does_besides(
    gcp: GcpEmulator, settings: Settings, about: About
) -> None:
    stranger = gcp.create_service_account("stranger", permissions=[STOP])
    near = gcp.create_service_account("near", usable_by_owner=False)
    far = gcp.create_service_account(
        "far", permissions=[STOP, START], usable_by_owner=False, usable_by=[stranger]
    )
    told = About("t", ROLE, google=gcp.owner, acting=Acting({"gcp": far}, {"gcp": (near,)}))
    place = Place("gcp", gcp.project)
    wanted = [
        Need(Who.EXPERIMENT, place, STOP),
        Need(Who.READER, place, DELEGATING, resources=(near,)),
        Need(Who.BETWEEN, place, GETTING_TOKENS, resources=(far,), holder=near),
    ]
    grants = GoogleGrants(settings, told)
    try:
        found = await checked(grants, wanted)
        assert [one for one in found.missing if "may not act as it" in one] == found.missing
        assert len(found.missing) == 2
        assert any(f"serviceAccount:{stranger} may act as it too" in one for one in found.excess)
        assert any(f"{START} not needed" in one for one in found.excess)
        for change in await grants.changes(documents(wanted, told, "gcp"), []):
            await change.write()
        assert (await checked(grants, wanted)).missing == []
    finally:
        await grants.close()


async def test_nothing_of_somebody_else_is_lost_and_a_conflict_is_told(
    gcp: GcpEmulator, settings: Settings, account: str, about: About, grants: GoogleGrants
) -> None:
    other = gcp.create_service_account("other", permissions=[STOP])
    wanted = needs(gcp, account, STOP)
    changes = await grants.changes(documents(wanted, about, "gcp"), [])
    role, binding = changes[:2]
    await role.write()
    provider = GcpProvider(settings)
    session: Any = await provider.session(Caller(SCOPE, None, "test", "lab"), None)
    try:
        where = Where(gcp.project)
        policy = await policy_of(session, where)
        name = f"projects/{gcp.project}/roles/faultbridge_stop"
        await put_policy(session, where, bound(policy, name, f"serviceAccount:{other}"))
        with pytest.raises(ProviderError, match="run the command again"):
            await binding.write()
        for change in await grants.changes(documents(wanted, about, "gcp"), []):
            await change.write()
        after = await policy_of(session, where)
    finally:
        await provider.close()
    (mine,) = [one for one in after["bindings"] if one["role"] == name]
    assert {f"serviceAccount:{one}" for one in (account, other)} <= set(mine["members"])


async def test_a_grant_with_a_condition_is_neither_there_nor_missing(
    gcp: GcpEmulator, settings: Settings, account: str, grants: GoogleGrants
) -> None:
    gcp.create_service_account("holder", permissions=["compute.firewalls.create"])
    provider = GcpProvider(settings)
    session: Any = await provider.session(Caller(SCOPE, None, "test", "lab"), None)
    try:
        policy = await policy_of(session, Where(gcp.project))
        condition = {
            "title": "our rules",
            "expression": 'resource.name.startsWith("projects/p/global/firewalls/fb-")',
        }
        role = f"projects/{gcp.project}/roles/sandbox.holder"
        one = {"role": role, "members": [f"serviceAccount:{account}"], "condition": condition}
        await put_policy(
            session, Where(gcp.project), {**policy, "bindings": [*policy["bindings"], one]}
        )
    finally:
        await provider.close()
    found = await checked(grants, needs(gcp, account, "compute.firewalls.create"))
    assert found.missing == []
    (unread,) = found.unread
    assert "under a condition only: our rules" in unread


async def test_without_an_account_it_is_said_which_setting_is_missing(
    gcp: GcpEmulator, settings: Settings
) -> None:
    told = About("t", ROLE)
    grants = GoogleGrants(settings, told)
    wanted = [Need(Who.EXPERIMENT, Place("gcp", gcp.project), STOP)]
    left: list[Left] = []
    try:
        assert "FAULTBRIDGE_GCP_IDENTITIES" in (await checked(grants, wanted)).unread[0]
        assert await grants.changes(documents(wanted, told, "gcp"), left) == []
    finally:
        await grants.close()
    assert [one.document.kind for one in left] == ["custom-role"]
