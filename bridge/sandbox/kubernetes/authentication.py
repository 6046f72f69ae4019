"""Authentication of bearer tokens: fixed ones for administrators, and EKS's for IAM principals.

An EKS token is accepted when its URL is in order (`eks_token`), STS answers it, and `aws-auth`
names the role that STS reports (`aws_auth`). Everything else is a 401 without a reason, as in
EKS; the reason goes to the log of this module, which never holds a token.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

from bridge.sandbox.kubernetes.aws_auth import Caller, PrivateDnsName, map_caller
from bridge.sandbox.kubernetes.identity import AUTHENTICATED_GROUP, Identity
from iam.eks_token import (
    CLUSTER_HEADER,
    TOKEN_PREFIX,
    SignedIdentityRequest,
    TokenRefusedError,
    parse_token,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from bridge.sandbox.kubernetes.objects import ObjectStore

logger = logging.getLogger(__name__)

SecretOf: TypeAlias = Callable[[str], str | None]
"""Access key id → its secret; None for a key that nobody was given."""

_REMEMBERED_FOR = timedelta(seconds=60)
_REMEMBERED_TOKENS = 1024


def moto_secret(access_key_id: str) -> str | None:
    """Look up the secret of a key that moto, running in this process, has issued."""
    from moto.iam.models import iam_backends
    from moto.sts.models import sts_backends

    for partitions in list(sts_backends.values()):
        for backend in list(partitions.values()):
            role = backend.get_assumed_role_from_access_key(access_key_id)
            if role is not None:
                return str(role.secret_access_key)
    for iam_partitions in list(iam_backends.values()):
        for iam_backend in list(iam_partitions.values()):
            for key in iam_backend.access_keys.values():
                if key.access_key_id == access_key_id:
                    return str(key.secret_access_key)
    return None


class EksTokenVerifier:
    """Asks STS who signed a token, and remembers the answer for a minute.

    `sts_endpoint` is the URL that plays STS ("http://127.0.0.1:5000"); a token's own URL is
    never called, only replayed there, with the signature in an Authorization header (moto's
    server needs it) and this cluster's name in the header that the token must have signed.
    STS itself refuses a wrong signature, moto does not look: give `secret_of` to have it
    verified here, so that a token made for another cluster is refused as EKS would.
    `http` belongs to the caller, who closes it.
    """

    def __init__(
        self,
        *,
        cluster_name: str,
        sts_endpoint: str,
        http: httpx.AsyncClient,
        now: Callable[[], datetime],
        secret_of: SecretOf | None = None,
    ) -> None:
        self._cluster = cluster_name
        self._endpoint = sts_endpoint.rstrip("/")
        self._local_sts = urlsplit(sts_endpoint).netloc
        self._http = http
        self._now = now
        self._secret_of = secret_of
        self._known: OrderedDict[bytes, tuple[datetime, Caller]] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[Caller]] = {}

    async def verify(self, token: str) -> Caller:
        """Tell who signed a token. Raises TokenRefusedError."""
        digest = hashlib.sha256(token.encode()).digest()
        known = self._known.get(digest)
        if known is not None and self._now() < known[0]:
            return known[1]
        task = self._asking.get(digest)
        if task is None:
            task = asyncio.create_task(self._ask(digest, token))
            self._asking[digest] = task
            task.add_done_callback(lambda done: self._finish(digest, done))
        # A client that hangs up must not take the answer away from the others that wait for it.
        return await asyncio.shield(task)

    def _finish(self, digest: bytes, task: asyncio.Task[Caller]) -> None:
        self._asking.pop(digest, None)
        if not task.cancelled():
            task.exception()  # marks it as seen when every waiter has hung up

    async def _ask(self, digest: bytes, token: str) -> Caller:
        request = parse_token(token, now=self._now(), local_sts=self._local_sts)
        self._check_signature(request)
        caller = await self._get_caller_identity(request)
        self._known[digest] = (min(request.expires_at, self._now() + _REMEMBERED_FOR), caller)
        while len(self._known) > _REMEMBERED_TOKENS:
            self._known.popitem(last=False)
        return caller

    def _check_signature(self, request: SignedIdentityRequest) -> None:
        if self._secret_of is None:
            return
        secret = self._secret_of(request.access_key_id)
        if secret is None:
            raise TokenRefusedError("the security token included in the request is invalid")
        if not request.is_signed_with(secret, self._cluster):
            raise TokenRefusedError(
                "the signature does not match: wrong secret, changed URL, or "
                f"{CLUSTER_HEADER} is not {self._cluster!r}"
            )

    async def _get_caller_identity(self, request: SignedIdentityRequest) -> Caller:
        import httpx

        try:
            response = await self._http.get(
                f"{self._endpoint}/",
                params=request.parameters,
                headers={
                    CLUSTER_HEADER: self._cluster,
                    "Authorization": request.authorization,
                },
            )
        except httpx.HTTPError as error:
            raise TokenRefusedError(f"STS cannot be asked: {type(error).__name__}") from None
        if response.status_code != httpx.codes.OK:
            raise TokenRefusedError(f"STS answered {response.status_code}")
        found = dict(re.findall(r"<(Arn|UserId|Account)>([^<]*)</\1>", response.text))
        if found.keys() != {"Arn", "UserId", "Account"}:
            raise TokenRefusedError("STS answered something else than an identity")
        return Caller(found["Arn"], found["Account"], found["UserId"], request.access_key_id)


class TokenAuthenticator:
    """Authenticator for the API server: `await authenticator(token) -> Identity | None`.

    `static_tokens` maps whole tokens to identities; `system:authenticated` is added to their
    groups. `eks` is left out for a cluster without IAM.
    """

    def __init__(
        self,
        store: ObjectStore,
        *,
        static_tokens: Mapping[str, Identity] | None = None,
        eks: EksTokenVerifier | None = None,
        private_dns_name: PrivateDnsName = lambda _id: None,
    ) -> None:
        self._store = store
        self._static = {
            token: replace(
                identity, groups=tuple(dict.fromkeys((*identity.groups, AUTHENTICATED_GROUP)))
            )
            for token, identity in (static_tokens or {}).items()
        }
        self._eks = eks
        self._private_dns_name = private_dns_name

    async def __call__(self, token: str) -> Identity | None:
        """Tell whose token this is; None (401) where nobody's."""
        for known, identity in self._static.items():
            if hmac.compare_digest(known.encode(), token.encode()):
                return identity
        if self._eks is None or not token.startswith(TOKEN_PREFIX):
            return None
        try:
            caller = await self._eks.verify(token)
        except TokenRefusedError as refusal:
            logger.warning("EKS token refused: %s", refusal)
            return None
        identity_found = map_caller(self._store, caller, self._private_dns_name)
        if identity_found is None:
            logger.warning("aws-auth has no entry for %s", caller.canonical_arn)
        return identity_found
