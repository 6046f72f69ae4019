"""Looking everywhere: side by side, as whom, and what could not be looked into."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bridge.engine import Providers
from bridge.engine.rescue import Search, places_of, search
from bridge.settings import Settings
from providers.contract import Caller, Provider, ProviderError
from tests.rescue.doubles import ROLE, SCOPE, SETTINGS, Aws, Azure, Cloud, new_cloud

OTHER = "arn:aws:iam::222222222222:role/faultbridge-rescue"


def settings(**further: Any) -> Settings:
    return SETTINGS.model_copy(update=further)


async def looked(known: Settings, longest: float = 5) -> Search:
    return await search(
        Providers(known),
        places_of(known),
        installation="mine",
        identities=known.rescue_identities,
        longest=longest,
    )


async def test_every_region_of_every_account_is_looked_into(cloud: Cloud) -> None:
    cloud.mark("vm")
    known = settings(rescue_regions=("eu-west-1", "us-east-1"), rescue_accounts=(OTHER,))
    seen = await looked(known)
    assert [(s.account, s.region, who) for _, s, who in cloud.searches] == [
        ("111111111111", "us-east-1", None),
        ("111111111111", "eu-west-1", None),
        ("222222222222", "us-east-1", OTHER),
        ("222222222222", "eu-west-1", OTHER),
    ]
    assert len(seen.sightings) == 1
    assert seen.sightings[0].scope == SCOPE
    assert seen.problems == []


async def test_what_has_no_region_is_looked_into_once(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = new_cloud(monkeypatch, azure=Azure)
    await looked(settings(rescue_regions=("eu-west-1",), rescue_accounts=(OTHER,)))
    assert cloud.searches == [("azure", SCOPE, None)]


async def test_places_that_fail_or_hang_hide_no_other(cloud: Cloud) -> None:
    cloud.mark("vm")
    never = asyncio.Event()

    def look(_: str, caller: Caller) -> Any:
        if caller.scope.region == "fails":
            raise ProviderError("no such Region")
        if caller.scope.region == "breaks":
            raise ModuleNotFoundError("botocore")
        return never.wait() if caller.scope.region == "hangs" else None

    cloud.look = look
    seen = await looked(settings(rescue_regions=("fails", "hangs", "breaks")), longest=0.05)
    assert len(seen.sightings) == 1
    place = "aws, account 111111111111"
    unexpected = "unexpected ModuleNotFoundError; the bridge's log has the details"
    assert seen.problems == [
        f"{place}, fails, as the bridge itself: no such Region",
        f"{place}, hangs, as the bridge itself: no end after 0.05 s",
        f"{place}, breaks, as the bridge itself: {unexpected}",
    ]


async def test_not_more_than_a_few_places_are_looked_into_at_once(cloud: Cloud) -> None:
    cloud.look = lambda *_: asyncio.sleep(0.001)
    await looked(settings(rescue_regions=tuple(f"r{number}" for number in range(40))))
    assert len(cloud.searches) == 41
    assert cloud.most_at_once == 8


async def test_another_identity_looks_where_the_bridge_itself_may_not(cloud: Cloud) -> None:
    cloud.mark("vm")
    cloud.denied = {None}
    seen = await looked(settings(rescue_identities=(OTHER, ROLE)))
    assert [who for *_, who in cloud.searches] == [None, ROLE], "another account's sees elsewhere"
    assert (len(seen.sightings), seen.problems) == (1, [])


async def test_who_saw_everything_is_enough(cloud: Cloud) -> None:
    await looked(settings(rescue_identities=(ROLE,)))
    assert [who for *_, who in cloud.searches] == [None]


async def test_where_nobody_saw_everything_all_say_why(cloud: Cloud) -> None:
    cloud.mark("vm")
    cloud.denied, cloud.partly = {None}, {ROLE: "groups: may not"}
    seen = await looked(settings(rescue_identities=(ROLE,)))
    assert len(seen.sightings) == 1
    assert [one.rpartition(": ")[2] for one in seen.problems] == ["may not look", "may not"]


async def test_all_look_where_a_list_leaves_out_what_one_may_not_see(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cloud = new_cloud(monkeypatch, azure=Azure)
    client = "00000000-0000-4000-8000-0000000000c1"
    await looked(settings(rescue_identities=(ROLE, OTHER), azure_identities=((ROLE, client),)))
    assert [who for *_, who in cloud.searches] == [None, client], "one that stands for nobody"


async def test_a_cloud_that_cannot_be_searched_hides_no_other_cloud(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kinds: dict[str, type[Provider]] = {"azure": Azure, "aws": Aws}
    cloud = new_cloud(monkeypatch, **kinds)
    cloud.mark("vm")

    def look(name: str, _: Caller) -> None:
        if name == "azure":
            raise ProviderError("no token")

    cloud.look = look
    seen = await looked(SETTINGS)
    assert len(seen.sightings) == 1
    assert seen.problems == ["azure, as the bridge itself: no token"]


def test_the_own_account_may_have_a_role_that_looks() -> None:
    role = "arn:aws:iam::111111111111:role/reader"
    (place,) = places_of(settings(rescue_accounts=(role,)))
    assert (place.scope, place.role) == (SCOPE, role)


async def test_one_that_stands_for_nobody_there_has_seen_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cloud = new_cloud(monkeypatch, azure=Azure)
    cloud.denied = {None}
    seen = await looked(settings(rescue_identities=(OTHER,)))
    assert seen.problems == ["azure, as the bridge itself: may not look"]
