"""A template's role stands for another cloud's identity by a setting, or for none at all."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from bridge.engine import Providers
from bridge.model.scope import Scope
from bridge.settings import Settings
from iam.identities import as_known_in, unmapped
from providers.contract import AccessDeniedError, Caller

ROLE = "arn:aws:iam::123456789012:role/my-fis-role"
ACCOUNT = "chaos@shop.iam.gserviceaccount.com"
CLIENT = "00000000-0000-4000-8000-0000000000c1"
AWS = Scope(cloud="aws", account="123456789012", region="us-east-1")


def caller(identity: str | None = ROLE, scope: Scope = AWS) -> Caller:
    return Caller(scope, identity, "EXPabc", "lab")


def test_the_first_pattern_that_matches_holds() -> None:
    settings = Settings(
        gcp_identities=(
            ("arn:aws:iam::123456789012:role/other", "other@shop.iam.gserviceaccount.com"),
            ("arn:aws:iam::123456789012:role/my-*", ACCOUNT),
            ("*", "everybody@shop.iam.gserviceaccount.com"),
        )
    )
    assert as_known_in(settings, "gcp", caller()).identity == ACCOUNT


def test_only_the_star_is_special() -> None:
    settings = Settings(azure_identities=(("role/[a]?", CLIENT),))
    assert as_known_in(settings, "azure", caller("role/[a]?")).identity == CLIENT
    with pytest.raises(AccessDeniedError):
        as_known_in(settings, "azure", caller("role/ab"))


@pytest.mark.parametrize(
    ("provider", "setting"),
    [("gcp", "FAULTBRIDGE_GCP_IDENTITIES"), ("azure", "FAULTBRIDGE_AZURE_IDENTITIES")],
)
def test_a_role_without_a_match_is_refused_naming_the_setting(provider: str, setting: str) -> None:
    settings = Settings(gcp_identities=(("x", "y"),), azure_identities=(("x", "y"),))
    with pytest.raises(AccessDeniedError, match=setting) as refused:
        as_known_in(settings, provider, caller())
    assert ROLE in str(refused.value)
    assert str(refused.value) == unmapped(settings, provider, "aws", ROLE)


@pytest.mark.parametrize("provider", ["aws", "kubernetes"])
def test_aws_and_a_cluster_know_the_role_itself(provider: str) -> None:
    assert unmapped(Settings(), provider, "aws", ROLE) is None
    assert as_known_in(Settings(), provider, caller()).identity == ROLE


def test_a_clouds_own_template_names_its_own_identity() -> None:
    google = Scope(cloud="gcp", account="shop", region="europe-west1")
    assert as_known_in(Settings(), "gcp", caller(ACCOUNT, google)).identity == ACCOUNT


def test_the_reader_stays_the_reader() -> None:
    assert as_known_in(Settings(), "gcp", caller(None)).identity is None


@pytest.mark.parametrize("provider", ["gcp", "azure"])
async def test_rescue_misses_nothing_where_a_role_stands_for_nobody(provider: str) -> None:
    # Most bridges have no dealings with that cloud, and its SDK may not even be installed.
    search = await Providers(Settings()).find_marks(provider, caller())
    assert (search.found, search.unsearched) == ([], ())


def test_pairs_are_read_from_one_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    written = f" {ROLE} = {ACCOUNT} , arn:aws:iam::*:role/*=b@shop.iam.gserviceaccount.com,"
    monkeypatch.setenv("FAULTBRIDGE_GCP_IDENTITIES", written)
    assert Settings().gcp_identities == (
        (ROLE, ACCOUNT),
        ("arn:aws:iam::*:role/*", "b@shop.iam.gserviceaccount.com"),
    )


@pytest.mark.parametrize("wrong", [ROLE, f"={ACCOUNT}", f"{ROLE}="])
def test_half_a_pair_is_refused(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("FAULTBRIDGE_GCP_IDENTITIES", wrong)
    with pytest.raises(ValidationError, match="write pattern=identity"):
        Settings()


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("", True),
        ("http://127.0.0.1:8123/", True),
        ("https://compute.restricted.example", True),
        ("http://compute.example", False),
        ("127.0.0.1:8123", False),
        ("ftp://127.0.0.1", False),
    ],
)
def test_tokens_leave_in_the_clear_over_loopback_only(url: str, taken: bool) -> None:
    if taken:
        assert Settings(gcp_endpoint=url, azure_endpoint=url).gcp_endpoint == url.rstrip("/")
    else:
        with pytest.raises(ValidationError, match="write an https URL"):
            Settings(azure_endpoint=url)
