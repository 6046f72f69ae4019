"""As whom an undo goes on where the mark's identity is refused: each cloud in its own form."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from bridge.model.scope import Scope
from bridge.settings import Settings
from iam.identities import as_known_in, in_own_cloud, recovery
from providers.contract import AccessDeniedError, Caller

HOME = Scope(cloud="aws", account="111111111111", region="us-east-1")
AWAY = Scope(cloud="aws", account="222222222222", region="us-east-1")
ROLE = "arn:aws:iam::111111111111:role/recovery"
THERE = "arn:aws:iam::222222222222:role/recovery"
ACCOUNT = "rescue@shop.iam.gserviceaccount.com"
CLIENT = "00000000-0000-4000-8000-0000000000c1"
MAPPED = "mapped@shop.iam.gserviceaccount.com"


def acting(
    provider: str, *names: str, scope: Scope = HOME, gcp: tuple[tuple[str, str], ...] = ()
) -> tuple[bool, str | None]:
    """Return whether somebody may act, and as whom the provider's cloud knows them."""
    known = Settings(account=HOME.account, recovery_role=names, gcp_identities=gcp)
    found = recovery(known, provider, Caller(scope, "the mark's", "rescue", "mine"))
    if found is None:
        return False, None
    return True, as_known_in(known, provider, found).identity


@pytest.mark.parametrize(
    ("provider", "names", "scope", "identity"),
    [
        ("aws", (ROLE,), HOME, ROLE),
        ("aws", (ROLE, THERE), AWAY, THERE),
        ("kubernetes", (ACCOUNT, ROLE), HOME, ROLE),
        ("gcp", (ROLE, CLIENT, ACCOUNT), HOME, ACCOUNT),
        ("azure", (ROLE, ACCOUNT, CLIENT), HOME, CLIENT),
        ("gcp", ("self",), HOME, None),
        ("azure", ("self",), AWAY, None),
        ("aws", ("self",), HOME, None),
    ],
)
def test_each_cloud_takes_the_name_that_is_of_its_form(
    provider: str, names: tuple[str, ...], scope: Scope, identity: str | None
) -> None:
    assert acting(provider, *names, scope=scope) == (True, identity)


@pytest.mark.parametrize(
    ("provider", "names", "scope"),
    [
        ("aws", (), HOME),
        ("aws", (ROLE,), AWAY),
        ("aws", ("self",), AWAY),
        ("aws", (ACCOUNT, CLIENT), HOME),
        ("gcp", (ROLE,), HOME),
        ("azure", (ROLE, ACCOUNT), HOME),
    ],
)
def test_a_name_that_does_not_fit_is_nobody(
    provider: str, names: tuple[str, ...], scope: Scope
) -> None:
    assert acting(provider, *names, scope=scope) == (False, None)


def test_a_role_stands_for_what_the_settings_map_it_to() -> None:
    assert acting("gcp", ROLE, gcp=((ROLE, MAPPED),)) == (True, MAPPED)


def test_only_who_is_named_outside_a_template_needs_no_mapping() -> None:
    caller = Caller(HOME, ACCOUNT, "EXP1", "mine")
    assert in_own_cloud("gcp", caller).scope.cloud == "gcp"
    assert in_own_cloud("azure", caller) == caller
    with pytest.raises(AccessDeniedError):
        as_known_in(Settings(), "gcp", caller)


@pytest.mark.parametrize("wrong", ["222222222222", "arn:aws:iam::2:role/x", "arn:aws:iam::::"])
def test_a_further_account_is_named_by_a_role_of_it(
    monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    monkeypatch.setenv("FAULTBRIDGE_RESCUE_ACCOUNTS", f"{THERE},{wrong}")
    with pytest.raises(ValidationError, match="write the ARN of one in the account"):
        Settings()
