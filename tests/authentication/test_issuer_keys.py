"""The keys of an OIDC issuer: fetched, remembered, rotated, taken back, and out of reach."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from iam.refusals import CannotTellError
from tests.authentication.asking import Clock, Tell, clock, issuer, refused, tell
from tests.authentication.issuers import Issuer, first_key, other_key

__all__ = ["clock", "issuer", "tell"]


async def test_rotated_keys_are_fetched_once_in_thirty_seconds(
    tell: Tell, issuer: Issuer, clock: Clock
) -> None:
    assert await tell(issuer.token())
    assert issuer.asked.count("/keys") == 1
    issuer.keys = {"two": other_key()}
    new = issuer.token(key=other_key(), kid="two")
    for _ in range(5):
        assert "does not have" in (await refused(tell, new))[1]
    assert issuer.asked.count("/keys") == 1
    clock.now += 31
    assert await tell(new)
    assert issuer.asked.count("/keys") == 2
    # The old key is the issuer's no more.
    old = issuer.token(key=first_key(), kid="one")
    assert "does not have" in (await refused(tell, old))[1]
    clock.now += 31
    for kid in ("x", "y", "z"):
        await refused(tell, issuer.token(key=other_key(), kid=kid))
    assert issuer.asked.count("/keys") == 3


async def test_a_key_that_was_taken_back_ends_to_work(
    tell: Tell, issuer: Issuer, clock: Clock
) -> None:
    token = issuer.token()
    assert await tell(token)
    issuer.keys = {"two": other_key()}
    assert await tell(token)
    clock.now += 301
    assert "does not have" in (await refused(tell, token))[1]


async def test_known_keys_outlive_an_issuer_that_is_down_for_an_hour(
    tell: Tell, issuer: Issuer, clock: Clock
) -> None:
    token = issuer.token()
    assert await tell(token)
    issuer.down = True
    clock.now += 3500
    assert await tell(token)
    asked = len(issuer.asked)
    assert await tell(token)
    assert len(issuer.asked) == asked
    clock.now += 101
    with pytest.raises(CannotTellError, match="try again later"):
        await tell(token)
    issuer.down = False
    clock.now += 31
    assert await tell(token)


async def test_an_issuer_that_never_answered_is_not_asked_all_the_time(
    tell: Tell, issuer: Issuer, clock: Clock
) -> None:
    issuer.down = True
    for _ in range(3):
        with pytest.raises(CannotTellError):
            await tell(issuer.token())
    assert len(issuer.asked) == 1


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"jwks_uri": "http://192.0.2.1/keys"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": ["x"]},
        {"jwks_uri": None},
    ],
)
async def test_a_discovery_document_that_leads_astray_is_not_followed(
    tell: Tell, issuer: Issuer, document: dict[str, Any]
) -> None:
    issuer.document = document
    with pytest.raises(CannotTellError):
        await tell(issuer.token())
    assert issuer.asked == ["/.well-known/openid-configuration"]


async def test_a_key_without_an_id_serves_if_it_is_the_only_one(
    tell: Tell, issuer: Issuer, clock: Clock
) -> None:
    assert await tell(issuer.token(kid=None))
    issuer.keys["two"] = other_key()
    clock.now += 301
    assert "does not have" in (await refused(tell, issuer.token(kid=None)))[1]


async def test_a_key_that_says_what_it_is_for_is_for_nothing_else(
    tell: Tell, issuer: Issuer
) -> None:
    jwk = issuer.jwks()[0]
    for more in ({"alg": "RS512"}, {"use": "enc"}):
        issuer.shown = [{**jwk, **more}]
        options = {"required_claims": {}, "groups_prefix": repr(more)}
        assert "does not have" in (await refused(tell, issuer.token(), **options))[1]


async def test_a_short_key_isrefused(tell: Tell, issuer: Issuer) -> None:
    issuer.keys["one"] = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - it is refused
    with pytest.warns(match="below"):
        token = issuer.token()
    assert "not valid" in (await refused(tell, token))[1]
