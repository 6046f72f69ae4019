"""What the settings switch on, put together."""

from __future__ import annotations

import importlib.util

from bridge.api.process import StartError
from bridge.settings import Settings
from bridge.store import Store
from iam.access_keys import MasterKeyError, MasterKeys
from iam.authentication import Authentication
from iam.oidc import Oidc
from iam.rates import Rates
from iam.role_tokens import RoleTokenRules, RoleTokens
from iam.signed_requests import SignedRequests
from iam.token_review import TokenReview

_BURST = 10
"""Requests at once, beside those of the long run: a page of a console asks for many things."""


def authentication_for(settings: Settings, store: Store) -> Authentication | None:
    """Return how a bridge finds out who calls; None where the settings switch nothing on.

    Raises StartError where something that was switched on cannot be.
    """
    if not settings.asks_who_calls:
        return None
    signed = _signed(settings, store)
    return Authentication(
        requests=Rates(settings.requests_per_second, settings.requests_per_second * _BURST),
        failures=Rates(settings.failures_per_minute / 60, settings.failures_per_minute),
        signed=signed,
        roles=_roles(settings, store),
        oidc=Oidc(settings.oidc_issuers) if settings.oidc_issuers else None,
        service_accounts=_service_accounts(settings),
        mends=_mends(settings),
    )


def _signed(settings: Settings, store: Store) -> SignedRequests | None:
    try:
        master_keys = MasterKeys.of(settings)
    except MasterKeyError as error:
        raise StartError(str(error)) from None
    if not master_keys:
        return None
    _require("botocore", "FAULTBRIDGE_MASTER_KEY", "aws")
    return SignedRequests(
        store, master_keys, account=settings.account, region=settings.region, now=store.now
    )


def _roles(settings: Settings, store: Store) -> RoleTokens | None:
    if not settings.sts_accounts:
        return None
    rules = RoleTokenRules(
        installation=settings.installation,
        accounts=frozenset(settings.sts_accounts),
        endpoint=settings.sts_endpoint,
    )
    return RoleTokens(rules, now=store.now)


def _service_accounts(settings: Settings) -> TokenReview | None:
    if not settings.token_review:
        return None
    _require("kubernetes", "FAULTBRIDGE_TOKEN_REVIEW", "kubernetes")
    return TokenReview(
        settings.token_review, settings.token_review_audience, kubeconfig=settings.kubeconfig
    )


def _mends(settings: Settings) -> tuple[str, ...]:
    ways = []
    if settings.master_key or settings.master_key_file:
        ways.append("sign with an access key (`faultbridge keys create` makes one)")
    if settings.sts_accounts or settings.oidc_issuers or settings.token_review:
        ways.append("send a bearer token")
    words = " or ".join(ways)
    return (f"{words[:1].upper()}{words[1:]}.",) if words else ()


def _require(module: str, setting: str, extra: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise StartError(f"{setting} needs {module}: pip install 'faultbridge[{extra}]'")
