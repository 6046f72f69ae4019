"""Whatever is sent as a signature is refused in order, and whatever is changed is noticed."""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64encode
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from bridge.authentication_settings import OidcIssuer
from bridge.model.moment import Micros
from iam.access_keys import AccessKey, KeyStatus, MasterKeys
from iam.attempt import Attempt
from iam.eks_token import TokenRefusedError, parse_token
from iam.oidc import Oidc
from iam.refusals import AuthenticationError, NotAuthenticatedError
from iam.signature import read_signature
from iam.signed_requests import SignedRequests
from tests.authentication.signing import sign

NOW = datetime.now(UTC)
MASTER_KEYS = MasterKeys(["1=" + "k" * 32])
KEY = AccessKey(
    id="FBAKTEST",
    name="alice",
    groups=(),
    master_key="1",
    status=KeyStatus.ACTIVE,
    created_at=Micros(0),
    expires_at=None,
    changed_at=Micros(0),
)
KNOWN = Oidc((OidcIssuer(issuer="https://a.example", audiences=("a",)),))
SECRET = MASTER_KEYS.secret(KEY.id, "1") or ""


class OneKey:
    async def access_key(self, key_id: str) -> AccessKey | None:
        return KEY if key_id == KEY.id else None


def _signed() -> SignedRequests:
    keys: Any = OneKey()
    return SignedRequests(
        keys,
        MASTER_KEYS,
        account="123456789012",
        region="us-east-1",
        now=lambda: Micros(int(datetime.now(UTC).timestamp() * 1_000_000)),
    )


def attempt(
    headers: list[tuple[str, str]], method: str, path: str, query: str, body: bytes
) -> Attempt:
    async def read() -> bytes:
        return body

    return Attempt(method, path, query, tuple(headers), read)


TEXTS = st.text(st.characters(max_codepoint=0x2FF), max_size=60)
PIECES = st.sampled_from(
    [
        "AWS4-HMAC-SHA256", " ", ",", ", ", "=", "/", ";", "Credential=", "SignedHeaders=",
        "Signature=", "FBAKTEST", f"{NOW:%Y%m%d}", "us-east-1", "fis", "aws4_request", "host",
        "x-amz-date", "a" * 64, "\x00", "é",
    ]
)  # fmt: skip
HEADER = st.one_of(TEXTS, st.lists(PIECES, max_size=14).map("".join))


@settings(deadline=None)
@given(HEADER, HEADER, TEXTS, TEXTS)
def test_any_header_is_read_or_refused(header: str, date: str, path: str, query: str) -> None:
    headers = [("authorization", header), ("x-amz-date", date), ("host", "x")]
    asked = attempt(headers, "GET", path, query, b"")
    with suppress(NotAuthenticatedError):
        read_signature(asked, region="us-east-1", now=NOW)


PATHS = st.lists(
    st.text("abcXYZ019-._~", min_size=1, max_size=8).filter(lambda one: one not in {".", ".."}),
    min_size=1,
    max_size=4,
).map(lambda parts: "/" + "/".join(parts))
QUERIES = st.dictionaries(st.text("abc", min_size=1, max_size=4), st.text("019%2F", max_size=6))
BODIES = st.binary(max_size=40)
METHODS = st.sampled_from(["GET", "POST", "PATCH", "DELETE"])


@settings(deadline=None)
@given(METHODS, PATHS, QUERIES, BODIES, st.data())
def test_a_signed_request_is_known_until_anything_of_it_changes(
    method: str, path: str, query: dict[str, str], body: bytes, data: st.DataObject
) -> None:
    text = "&".join(f"{name}={value}" for name, value in query.items())
    url = f"http://bridge{path}" + (f"?{text}" if text else "")
    more = {"x-more": data.draw(st.text("abc", min_size=1, max_size=5))}
    made = sign((KEY.id, SECRET), method, url, body, headers=more)
    made.pop("content-length", None)
    signed = _signed()

    def principal(*parts: Any) -> str:
        return asyncio.run(signed.principal(attempt(*parts))).name

    known = "arn:aws:iam::123456789012:user/alice"
    assert principal(list(made.items()), method, path, text, body) == known
    what = data.draw(st.sampled_from(["method", "path", "query", "body", *made]))
    headers, changed = dict(made), [method, path, text, body]
    if what in headers:
        old = headers[what]
        headers[what] = data.draw(_another(old))
        # Signing leaves out how much white space there is.
        assume(" ".join(headers[what].split()) != " ".join(old.split()))
        assume(not (what == "authorization" and _same(old, headers[what])))
    elif what == "method":
        changed[0] = data.draw(METHODS.filter(lambda one: one != method))
    elif what == "body":
        changed[3] = data.draw(BODIES.filter(lambda one: one != body))
    else:
        place = 1 if what == "path" else 2
        changed[place] = data.draw(_another(str(changed[place])))
        assume(_ordered(str(changed[2])) != _ordered(text) or what == "path")
    with pytest.raises(NotAuthenticatedError):
        principal(list(headers.items()), *changed)


def _another(old: str) -> st.SearchStrategy[str]:
    """Return texts that differ from one: a character more, less, or another."""

    def change(place: int, character: str, kind: str) -> str:
        place %= len(old) + 1
        behind = old[place:] if kind == "more" else old[place + 1 :]
        return old[:place] + ("" if kind == "less" else character) + behind

    kinds = st.sampled_from(["more", "less", "other"])
    changed = st.builds(change, st.integers(0, 500), st.sampled_from("aZ0/%=&.;~ "), kinds)
    return changed.filter(lambda new: new != old)


def _same(old: str, new: str) -> bool:
    """Whether two headers say the same, white space between their parts aside."""
    return [part.strip() for part in old.split(",")] == [part.strip() for part in new.split(",")]


def _ordered(query: str) -> list[tuple[str, str]]:
    # What signing makes of a query: "a" and "a=" are one.
    return sorted(pair.partition("=")[::2] for pair in query.split("&")) if query else []


@settings(deadline=None)
@given(st.one_of(TEXTS, st.binary(max_size=200).map(lambda raw: urlsafe_b64encode(raw).decode())))
def test_any_token_is_read_or_refused(text: str) -> None:
    assert not KNOWN.takes(text)
    for token in (text, f"k8s-aws-v1.{text}"):
        with pytest.raises(TokenRefusedError):
            parse_token(token, now=NOW)


@settings(deadline=None)
@example("https", "[x", "")
@given(st.sampled_from(["https", "http", ""]), TEXTS, TEXTS)
def test_any_url_in_a_token_is_read_or_refused(scheme: str, host: str, query: str) -> None:
    url = f"{scheme}://{host}/?{query}".encode()
    token = "k8s-aws-v1." + urlsafe_b64encode(url).decode().rstrip("=")
    with pytest.raises(TokenRefusedError):
        parse_token(token, now=NOW)


def test_the_hash_of_nothing_is_known() -> None:
    """A body that is left out is signed as one that is empty."""
    made = sign((KEY.id, SECRET), "GET", "http://bridge/x", hashed=False)
    asked = attempt(list(made.items()), "GET", "/x", "", b"")
    assert asyncio.run(_signed().principal(asked)).name.endswith(":user/alice")
    with pytest.raises(AuthenticationError):
        asyncio.run(_signed().principal(attempt(list(made.items()), "GET", "/x", "", b"y")))
    assert sha256(b"").hexdigest().startswith("e3b0c442")
