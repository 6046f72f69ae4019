"""Every way to prove who calls, and which of them a request takes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from iam.attempt import Attempt
from iam.oidc import Oidc
from iam.principal import Principal
from iam.rates import Rates, address_key
from iam.refusals import CannotTellError, NotAuthenticatedError, Reason, TooManyError, unknown
from iam.role_tokens import RoleTokens
from iam.signature import is_signed
from iam.signed_requests import SignedRequests
from iam.token_review import TokenReview


@dataclass(frozen=True)
class Authentication:
    """Tells who makes a request. What is None is switched off."""

    requests: Rates
    """How many requests a principal may make."""
    failures: Rates
    """How many an address may make that prove nothing, or that nobody can tell of."""
    signed: SignedRequests | None = None
    roles: RoleTokens | None = None
    oidc: Oidc | None = None
    service_accounts: TokenReview | None = None
    mends: tuple[str, ...] = field(default=())
    """What to send, in words, for who sent nothing."""

    async def principal(self, attempt: Attempt, address: str | None) -> Principal:
        """Return who makes a request that comes from an address. Raises AuthenticationError.

        An address with too many failures is told to wait where it fails again, or where somebody
        else would have to be asked; whoever signs rightly from there is not held up.
        """
        key = address_key(address)
        wait = self.failures.empty(key)
        try:
            principal = await self._principal(attempt, may_ask=wait is None)
        except NotAuthenticatedError:
            wait = self.failures.take(key)
            if wait is not None:
                raise _too_many("Too many requests that prove nothing; slow down", wait) from None
            raise
        except CannotTellError:
            # A token names whom to ask: nobody may have us look for made-up Regions without end.
            self.failures.take(key)
            raise
        wait = self.requests.take(principal.name)
        if wait is not None:
            raise _too_many("Rate exceeded", wait)
        return principal

    async def close(self) -> None:
        """Let go of all connections."""
        for part in (self.roles, self.oidc, self.service_accounts):
            if part is not None:
                await part.close()

    async def _principal(self, attempt: Attempt, *, may_ask: bool) -> Principal:
        authorization = attempt.value("authorization")
        if not authorization:
            raise NotAuthenticatedError(
                Reason.MISSING, " ".join(("Missing Authentication Token.", *self.mends))
            )
        if is_signed(attempt):
            if self.signed is None:
                raise unknown("access keys are not switched on here; send a bearer token")
            return await self.signed.principal(attempt)
        token = attempt.bearer()
        if not token:
            raise NotAuthenticatedError(
                Reason.INCOMPLETE,
                "Authorization is neither a signature (AWS4-HMAC-SHA256) nor a bearer token.",
            )
        return await self._bearer(token, may_ask=may_ask)

    async def _bearer(self, token: str, *, may_ask: bool) -> Principal:
        if RoleTokens.takes(token):
            if self.roles is None:
                raise unknown("tokens of AWS roles are not switched on here")
            return await self.roles.principal(token, may_ask=may_ask)
        if self.oidc is not None and self.oidc.takes(token):
            return await self.oidc.principal(token)
        if self.service_accounts is not None:
            return await self.service_accounts.principal(token, may_ask=may_ask)
        raise unknown("the token is of no issuer that is known here")


def _too_many(message: str, wait: float) -> TooManyError:
    return TooManyError(f"{message}; try again in {max(1, math.ceil(wait))} s", seconds=wait)
