"""OIDC tokens of an issuer that answers over real HTTP, and those that pretend to be its."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from pydantic import ValidationError

from bridge.authentication_settings import OidcIssuer
from bridge.settings import Settings
from iam.oidc import Oidc
from iam.principal import Principal
from iam.refusals import Reason
from tests.authentication.asking import Tell, clock, issuer, refused, tell
from tests.authentication.issuers import AUDIENCE, Issuer, other_key, public_jwk

__all__ = ["clock", "issuer", "tell"]


async def test_a_token_names_its_subject_and_groups(tell: Tell, issuer: Issuer) -> None:
    principal = await tell(issuer.token(email="alice@example.com"))
    assert principal == Principal(
        kind="oidc",
        name=f"oidc:{issuer.url}#alice",
        groups=(f"oidc:{issuer.url}#chaos", f"oidc:{issuer.url}#sre"),
        issuer=issuer.url,
        attributes={"email": "alice@example.com"},
    )


async def test_settings_say_which_claims_name_whom(tell: Tell, issuer: Issuer) -> None:
    options = {"subject_claim": "oid", "groups_claim": "roles", "groups_prefix": "entra:"}
    token = issuer.token(oid="1-2-3", roles=["a", 7, "", "x" * 300], groups=["not these"])
    principal = await tell(token, **options)
    assert (principal.name, principal.groups) == (f"oidc:{issuer.url}#1-2-3", ("entra:a",))


async def test_no_issuer_puts_anybody_into_a_group_of_kubernetes(
    tell: Tell, issuer: Issuer
) -> None:
    token = issuer.token(groups=["system:masters", "masters", "chaos"])
    assert (await tell(token, groups_prefix="")).groups == ("masters", "chaos")
    assert (await tell(token, groups_prefix="system:")).groups == ()


async def test_no_issuer_puts_anybody_into_a_group_of_another_issuer(
    tell: Tell, issuer: Issuer
) -> None:
    other = "oidc:https://accounts.example.com#admins"
    token = issuer.token(groups=[other, other.removeprefix("o"), "chaos"])
    assert (await tell(token, groups_prefix="")).groups == (other.removeprefix("o"), "chaos")
    assert (await tell(token, groups_prefix="o")).groups == (f"o{other}", "ochaos")
    own = tuple(f"oidc:corp:{group}" for group in (other, other.removeprefix("o"), "chaos"))
    assert (await tell(token, groups_prefix="oidc:corp:")).groups == own


def _in(seconds: int) -> int:
    return int(time.time()) + seconds


@pytest.mark.parametrize(
    ("claims", "reason", "words"),
    [
        ({"exp": -90}, Reason.EXPIRED, "is expired"),
        ({"nbf": 600}, Reason.UNKNOWN, "not valid yet"),
        ({"iat": 600}, Reason.UNKNOWN, "not valid yet"),
        ({"exp": None}, Reason.UNKNOWN, "lacks one of the claims"),
        ({"iat": None}, Reason.UNKNOWN, "lacks one of the claims"),
        ({"aud": None}, Reason.UNKNOWN, "lacks one of the claims"),
        ({"aud": "another.example.com"}, Reason.UNKNOWN, "another audience"),
        ({"aud": [f"{AUDIENCE}.evil.example", "x"]}, Reason.UNKNOWN, "another audience"),
        ({"aud": []}, Reason.UNKNOWN, "lacks one of the claims"),
        ({"sub": None}, Reason.UNKNOWN, 'no claim "sub"'),
        ({"sub": ""}, Reason.UNKNOWN, "characters that no name"),
        ({"sub": "a b"}, Reason.UNKNOWN, "characters that no name"),
        ({"sub": "alice#admin"}, Reason.UNKNOWN, "characters that no name"),
        ({"sub": "a\x00b"}, Reason.UNKNOWN, "characters that no name"),
        ({"sub": "x" * 256}, Reason.UNKNOWN, 'no claim "sub"'),
        ({"groups": ["g"] * 501}, Reason.UNKNOWN, "more than 500 groups"),
    ],
)
async def test_claims_that_do_not_hold(
    tell: Tell, issuer: Issuer, claims: dict[str, Any], reason: Reason, words: str
) -> None:
    times = {name: _in(claims[name]) for name in ("exp", "nbf", "iat") if claims.get(name)}
    found, said = await refused(tell, issuer.token(**{**claims, **times}))
    assert (found, words in said) == (reason, True), said


async def test_clocks_may_differ_a_minute(tell: Tell, issuer: Issuer) -> None:
    assert await tell(issuer.token(exp=_in(-50)))
    assert await tell(issuer.token(nbf=_in(50), iat=_in(50)))
    assert await tell(issuer.token(aud=["another", AUDIENCE]))


async def test_an_address_must_be_verified_to_be_a_name(tell: Tell, issuer: Issuer) -> None:
    for verified in (None, False, "true"):
        token = issuer.token(email="alice@example.com", email_verified=verified)
        assert "not verified" in (await refused(tell, token, subject_claim="email"))[1]
    token = issuer.token(email="alice@example.com", email_verified=True)
    assert (await tell(token, subject_claim="email")).name.endswith("#alice@example.com")


async def test_claims_that_are_asked_for_must_be_there(tell: Tell, issuer: Issuer) -> None:
    wanted = {"required_claims": {"hd": "example.com"}}
    assert await tell(issuer.token(hd="example.com"), **wanted)
    for hd in (None, "evil.example", ["example.com"]):
        assert 'claim "hd"' in (await refused(tell, issuer.token(hd=hd), **wanted))[1]


def _b64(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _by_hand(issuer: Issuer, header: dict[str, Any], secret: bytes | None) -> str:
    """Make a token that PyJWT would not make."""
    text = f"{_b64(header)}.{_b64(issuer.claims())}"
    signature = b"" if secret is None else hmac.digest(secret, text.encode(), "sha256")
    return f"{text}.{_b64(signature)}"


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", None])
async def test_a_token_without_a_signature_is_none(
    tell: Tell, issuer: Issuer, algorithm: str | None
) -> None:
    token = _by_hand(issuer, {"alg": algorithm, "kid": "one", "typ": "JWT"}, None)
    assert "algorithm is not allowed" in (await refused(tell, token))[1]


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "RS256"])
async def test_a_public_key_is_no_shared_secret(tell: Tell, issuer: Issuer, algorithm: str) -> None:
    """Key confusion: signed by HMAC with what everybody can read."""
    for secret in (issuer.public_pem(), _b64(public_jwk(issuer.keys["one"])).encode()):
        token = _by_hand(issuer, {"alg": algorithm, "kid": "one"}, secret)
        words = "signature is wrong" if algorithm == "RS256" else "algorithm is not allowed"
        assert words in (await refused(tell, token))[1]


async def test_a_shared_secret_in_the_key_set_is_passed_over(tell: Tell, issuer: Issuer) -> None:
    issuer.shown = [{"kty": "oct", "kid": "one", "k": _b64(b"s" * 32), "alg": "RS256"}]
    token = _by_hand(issuer, {"alg": "RS256", "kid": "one"}, b"s" * 32)
    assert "does not have" in (await refused(tell, token))[1]


async def test_only_the_algorithms_of_the_settings_count(tell: Tell, issuer: Issuer) -> None:
    curve, edwards = ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()
    issuer.keys |= {"two": curve, "three": edwards}
    by_curve = issuer.token(key=curve, kid="two", algorithm="ES256")
    by_edwards = issuer.token(key=edwards, kid="three", algorithm="EdDSA")
    for token in (by_curve, by_edwards, issuer.token(algorithm="PS256")):
        assert "not allowed here; allowed: RS256" in (await refused(tell, token))[1]
    assert await tell(by_curve, algorithms=("ES256",))
    assert await tell(by_edwards, algorithms=("EdDSA", "ES256"))
    assert await tell(issuer.token(algorithm="PS256"), algorithms=("PS256",))
    # A key is for its own kind of algorithm.
    crossed = issuer.token(key=curve, kid="one", algorithm="ES256")
    assert "does not have" in (await refused(tell, crossed, algorithms=("RS256", "ES256")))[1]


async def test_a_token_of_another_key_is_refused(tell: Tell, issuer: Issuer) -> None:
    assert "signature is wrong" in (await refused(tell, issuer.token(key=other_key())))[1]
    # The token brings its own key along, and nobody looks.
    headers = {"kid": "one", "jwk": public_jwk(other_key()), "jku": f"{issuer.url}/other"}
    forged = jwt.encode(issuer.claims(), other_key(), "RS256", headers=headers)
    assert "signature is wrong" in (await refused(tell, forged))[1]
    assert set(issuer.asked) == {"/.well-known/openid-configuration", "/keys"}


async def test_a_changed_token_is_refused(tell: Tell, issuer: Issuer) -> None:
    header, _, signature = issuer.token().split(".")
    forged = f"{header}.{_b64(issuer.claims(sub='root'))}.{signature}"
    assert "signature is wrong" in (await refused(tell, forged))[1]


async def test_critical_headers_that_nobody_knows_are_refused(tell: Tell, issuer: Issuer) -> None:
    headers = {"kid": "one", "crit": ["b64x"], "b64x": True}
    token = jwt.encode(issuer.claims(), issuer.keys["one"], "RS256", headers=headers)
    assert "not valid" in (await refused(tell, token))[1]


@pytest.mark.parametrize(
    "token",
    ["", "a.b", "a.b.c", "a.b.c.d", "..", "é.b.c", f"x.{_b64([])}.y", f"x.{_b64({'iss': 7})}.y"],
)
def test_texts_that_are_no_tokens_of_an_issuer(token: str) -> None:
    known = Oidc((OidcIssuer(issuer="https://accounts.example.com", audiences=("a",)),))
    assert not known.takes(token)


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "http://accounts.example.com"},
        {"issuer": "ftp://accounts.example.com"},
        {"issuer": "https://user@accounts.example.com"},
        {"issuer": "https://accounts.example.com?x=y"},
        {"issuer": "https://[x"},
        {"audiences": []},
        {"algorithms": ["HS256"]},
        {"algorithms": ["none"]},
        {"algorithms": []},
        {"audience": "a"},
    ],
)
def test_settings_that_would_open_a_hole_are_refused(wrong: dict[str, Any]) -> None:
    right: dict[str, Any] = {"issuer": "https://accounts.example.com", "audiences": ["a"]}
    assert Settings(oidc_issuers=(OidcIssuer(**right),)).asks_who_calls
    with pytest.raises(ValidationError):
        OidcIssuer(**(right | wrong))


def test_issuers_are_read_from_the_environment_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    one = {"issuer": "https://a.example", "audiences": ["a"], "requiredClaims": {"hd": "b"}}
    monkeypatch.setenv("FAULTBRIDGE_OIDC_ISSUERS", json.dumps([one]))
    (read,) = Settings().oidc_issuers
    assert (read.algorithms, read.required_claims) == (("RS256",), {"hd": "b"})
    monkeypatch.setenv("FAULTBRIDGE_OIDC_ISSUERS", json.dumps([one, one]))
    with pytest.raises(ValidationError, match="stands twice"):
        Settings()
