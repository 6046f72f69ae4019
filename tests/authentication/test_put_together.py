"""What settings come to: whom a bridge asks, and how often it lets itself be asked."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from bridge.api.authenticators import authentication_for
from bridge.authentication_settings import OidcIssuer
from bridge.settings import Settings
from bridge.store import Store
from tests.authentication.conftest import MASTER_KEY

ISSUER = OidcIssuer(issuer="https://issuer.example", audiences=("bridge",))


async def test_limits_are_those_of_the_settings_in_the_long_run_and_at_once() -> None:
    store = Store.open("sqlite://", inline=True)
    settings = Settings(
        installation="test",
        master_key=(SecretStr(MASTER_KEY),),
        failures_per_minute=30,
        requests_per_second=2,
    )
    made = authentication_for(settings, store)
    assert made is not None
    for rates, burst, wait in ((made.failures, 30, 2.0), (made.requests, 20, 0.5)):
        assert [rates.take("somebody") for _ in range(burst)] == [None] * burst
        assert rates.take("somebody") == pytest.approx(wait, abs=0.2)
    await store.close()


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ({}, None),
        ({"master_key": (SecretStr(MASTER_KEY),)}, {"signed"}),
        ({"sts_accounts": ("123456789012",)}, {"roles"}),
        ({"oidc_issuers": (ISSUER,)}, {"oidc"}),
        ({"token_review": "kind"}, {"service_accounts"}),
    ],
)
async def test_each_setting_switches_on_just_its_own_way(
    given: dict[str, object], parts: set[str] | None
) -> None:
    """Any of them alone makes the bridge ask: forgetting one would leave the door open."""
    store = Store.open("sqlite://", inline=True)
    settings = Settings(installation="test", **given)  # type: ignore[arg-type]  # as parametrized
    made = authentication_for(settings, store)
    assert settings.asks_who_calls is (parts is not None)
    ways = ("signed", "roles", "oidc", "service_accounts")
    assert (None if made is None else {one for one in ways if getattr(made, one)}) == parts
    if made is not None:
        await made.close()
    await store.close()
