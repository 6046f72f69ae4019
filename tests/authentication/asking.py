"""Tells whose OIDC tokens are, with an issuer that answers over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from bridge.authentication_settings import OidcIssuer
from iam.jwks import Jwks
from iam.oidc import Oidc
from iam.principal import Principal
from iam.refusals import NotAuthenticatedError, Reason
from tests.authentication.issuers import AUDIENCE, Issuer, issuing


class Clock:
    """Seconds that pass when they are told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing() as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


Tell = Callable[..., Any]


@pytest.fixture
async def tell(issuer: Issuer, clock: Clock) -> AsyncIterator[Tell]:
    """Tell whose a token is, by settings that may be given."""
    made: dict[str, Oidc] = {}

    async def told(token: str, **options: Any) -> Principal:
        key = repr(options)
        if key not in made:
            one = OidcIssuer(issuer=issuer.url, audiences=(AUDIENCE,), **options)
            made[key] = Oidc((one,), keys=lambda known: Jwks(known.issuer, clock=clock))
        assert made[key].takes(token)
        return await made[key].principal(token)

    yield told
    for one in made.values():
        await one.close()


async def refused(tell: Tell, token: str, **options: Any) -> tuple[Reason, str]:
    with pytest.raises(NotAuthenticatedError) as found:
        await tell(token, **options)
    assert token.rpartition(".")[2] not in str(found.value) or token.endswith(".")
    return found.value.reason, str(found.value)
