"""Requests that are signed with an access key of the bridge."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from bridge.model.moment import Micros
from iam.access_keys import AccessKey, KeyStatus, KeyStore, MasterKeys
from iam.attempt import Attempt
from iam.principal import Principal, key_user
from iam.refusals import NotAuthenticatedError, unknown
from iam.signature import Signature, mismatch, read_signature, wrong_hash
from iam.signing import expected_signature

_log = logging.getLogger(__name__)
_TEMPORARY: Final = "ASIA"


class SignedRequests:
    """Tells who signed a request.

    A request may come again within five minutes: clients that read the same twice in a second
    send the same signature, and repeating a start needs the same client token.
    """

    def __init__(
        self,
        keys: KeyStore,
        master_keys: MasterKeys,
        *,
        account: str,
        region: str,
        now: Callable[[], Micros],
    ) -> None:
        """Look keys up in a store; ``account`` and ``region`` are the bridge's."""
        self._keys = keys
        self._master_keys = master_keys
        self._account = account
        self._region = region
        self._now = now

    async def principal(self, attempt: Attempt) -> Principal:
        """Return who signed. Raises NotAuthenticatedError."""
        now = self._now()
        signature = read_signature(
            attempt, region=self._region, now=datetime.fromtimestamp(now / 1_000_000, UTC)
        )
        key = await self._keys.access_key(signature.key_id)
        secret = None if key is None else self._secret(key, now)
        if key is None or secret is None:
            raise _not_known(signature)
        content_hash = hashlib.sha256(await attempt.body()).hexdigest()
        if signature.content_hash is not None and signature.content_hash != content_hash:
            raise wrong_hash()
        try:
            expected = expected_signature(attempt, signature, secret, content_hash)
        except UnicodeError:  # headers that no client of ours would sign
            raise mismatch() from None
        if not hmac.compare_digest(expected, signature.signature):
            raise mismatch()
        return key_user(self._account, key.name, key_id=key.id, groups=key.groups)

    def _secret(self, key: AccessKey, now: Micros) -> str | None:
        """Return a key's secret while it may be used; to the client all else is one."""
        if key.status is not KeyStatus.ACTIVE:
            return None
        if key.expires_at is not None and key.expires_at <= now:
            return None
        secret = self._master_keys.secret(key.id, key.master_key)
        if secret is None:
            _log.warning(
                "access key %s is of the master key %s, which is not among the settings any more",
                key.id,
                key.master_key,
            )
        return secret


def _not_known(signature: Signature) -> NotAuthenticatedError:
    words = "The security token included in the request is invalid."
    if signature.key_id.startswith(_TEMPORARY):
        return unknown(
            f"{words} The bridge knows access keys that it issued itself; as an AWS role, send "
            "a token of `aws eks get-token` as a bearer token."
        )
    return unknown(words)
