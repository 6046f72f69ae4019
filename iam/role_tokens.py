"""Tokens of AWS roles, as EKS takes them: `aws eks get-token --cluster-name INSTALLATION`.

A token is a signed but unsent request that asks STS who signed it. The bridge sends it on, so it
must not let a token choose where: only a Region's own STS is called, at its own path, with
exactly the parameters that were looked at, and no redirect is followed. The signed header
``x-k8s-aws-id`` must name this installation, so a token that a cluster was given is of no use
here, and one given to the bridge is of none there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

import httpx

from bridge.model.moment import Micros
from iam.eks_token import (
    CLUSTER_HEADER,
    TOKEN_PREFIX,
    SignedIdentityRequest,
    TokenExpiredError,
    TokenRefusedError,
    parse_token,
)
from iam.principal import Principal
from iam.refusals import CannotTellError, expired, unknown
from iam.remembered import Remembered
from iam.unlogged import Unlogged

_REGIONAL_STS: Final = re.compile(
    r"sts(?:-fips)?\.[a-z]{2}(?:-[a-z]+)+-[0-9]\.(?:amazonaws\.com(?:\.cn)?|api\.aws)"
)
_ROLE: Final = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):sts::(?P<account>[0-9]{12}):"
    r"assumed-role/(?P<role>[\w+=,.@-]{1,64})/(?P<session>[\w+=,.@-]{1,64})",
    re.ASCII,
)
_ARN: Final = re.compile(r"<Arn>([^<]{1,2048})</Arn>")
_LARGEST_ANSWER: Final = 64 * 1024
_SECONDS: Final = 5.0
_SKEW: Final = timedelta(minutes=5)


@dataclass(frozen=True)
class RoleTokenRules:
    """What a token must be for."""

    installation: str
    accounts: frozenset[str]
    """Accounts whose roles are known here: every AWS account can make such tokens."""
    endpoint: str = ""
    """Where STS is asked instead of the host that the token names."""


class RoleTokens:
    """Tells which role's session made a token."""

    def __init__(
        self,
        rules: RoleTokenRules,
        *,
        now: Callable[[], Micros],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Ask STS by HTTP; another transport is for tests."""
        self._rules = rules
        self._now = now
        self._http = httpx.AsyncClient(
            timeout=_SECONDS,
            follow_redirects=False,
            transport=Unlogged(transport, proxies=not rules.endpoint),
        )
        self._remembered = Remembered(self._ask)

    @staticmethod
    def takes(token: str) -> bool:
        """Whether a bearer token is of this kind."""
        return token.startswith(TOKEN_PREFIX)

    async def principal(self, token: str, *, may_ask: bool) -> Principal:
        """Return whose token it is. Raises AuthenticationError."""
        return await self._remembered.principal(token, may_ask=may_ask)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._remembered.close()
        await self._http.aclose()

    async def _ask(self, token: str) -> tuple[Principal, float]:
        now = datetime.fromtimestamp(self._now() / 1_000_000, UTC)
        try:
            request = parse_token(token, now=now)
        except TokenExpiredError:
            raise expired("The security token included in the request is expired") from None
        except TokenRefusedError as refusal:
            # Its words quote parts of the token, but none of the signature.
            raise unknown(f"the token is no token of an AWS role: {str(refusal)[:200]}") from None
        if not _REGIONAL_STS.fullmatch(request.host):
            raise unknown(
                "the token is signed for another host than the STS of a Region; set "
                "AWS_STS_REGIONAL_ENDPOINTS=regional"
            )
        if request.signed_at > now + _SKEW:
            raise unknown("the token is signed in the future; set the clock of its maker right")
        principal = self._principal(await self._send(request))
        return principal, (request.expires_at - now).total_seconds()

    async def _send(self, request: SignedIdentityRequest) -> str:
        base = self._rules.endpoint or f"https://{request.host}"
        # Rebuilt from what was looked at, as STS canonicalises it: nothing else is sent on.
        query = "&".join(
            f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}"
            for name, value in sorted(request.parameters.items())
        )
        headers = {CLUSTER_HEADER: self._rules.installation, "Accept": "application/xml"}
        secret = {Unlogged.QUERY: query}
        try:
            async with self._http.stream(
                "GET", f"{base}/", headers=headers, extensions=secret
            ) as answer:
                body = b""
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > _LARGEST_ANSWER:
                        raise CannotTellError("STS answered more than an identity; try again")
        except httpx.HTTPError as error:
            kind = type(error).__name__
            raise CannotTellError(f"STS does not answer ({kind}); try again later") from None
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise CannotTellError(f"STS answered {answer.status_code}; try again later")
        if answer.status_code != httpx.codes.OK:
            raise unknown(
                "STS does not accept the token: make one by `aws eks get-token --cluster-name "
                f"{self._rules.installation}`"
            )
        return body.decode(errors="replace")

    def _principal(self, answer: str) -> Principal:
        found = _ARN.search(answer)
        role = None if found is None else _ROLE.fullmatch(found[1])
        if found is None:
            raise CannotTellError("STS answered something else than an identity; try again later")
        if role is None:
            raise unknown(
                "the token is not of an assumed role: assume one, since users of an account are "
                "not told apart from those of access keys here"
            )
        if role["account"] not in self._rules.accounts:
            raise unknown(
                f"the token is of a role in account {role['account']}, whose roles are not known "
                "here; FAULTBRIDGE_STS_ACCOUNTS says whose are"
            )
        role_arn = f"arn:{role['partition']}:iam::{role['account']}:role/{role['role']}"
        return Principal(
            kind="aws-role",
            name=found[1],
            account=role["account"],
            issuer="sts",
            attributes=MappingProxyType({"role-arn": role_arn, "session": role["session"]}),
        )
