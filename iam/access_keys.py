"""Access keys that the bridge issues, for every client that signs as AWS's do.

A key's secret is made from its id and a master key (HMAC-SHA256), so that nothing secret is
stored: whoever reads the database alone cannot sign. To replace a master key, put a new one in
front of the old one, have new access keys made, and take the old one away.
"""

from __future__ import annotations

import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

from bridge.authentication_settings import AuthenticationSettings, check_master_keys
from bridge.model.moment import Micros

KEY_PREFIX: Final = "FBAK"
"""What ids begin with, so that nobody takes one for AWS's (``AKIA``)."""
_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_RANDOM: Final = 16
_PURPOSE: Final = b"faultbridge access key 1\n"
_NAME: Final = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
_GROUP: Final = re.compile(r"[\w+=,.@/-]{1,128}", re.ASCII)
MOST_GROUPS: Final = 50


class KeyStatus(StrEnum):
    """Whether a key may be used, in IAM's words."""

    ACTIVE = "Active"
    INACTIVE = "Inactive"


@dataclass(frozen=True)
class AccessKey:
    """What is stored of an access key: nothing that is secret."""

    id: str
    name: str
    """The user that it stands for; several keys may have one name, so that they can be replaced."""
    groups: tuple[str, ...]
    master_key: str
    """Id of the master key that its secret is made from."""
    status: KeyStatus
    created_at: Micros
    expires_at: Micros | None
    changed_at: Micros
    """When its status was last changed."""


class KeyStore(Protocol):
    """Where access keys are kept."""

    async def access_key(self, key_id: str) -> AccessKey | None:
        """Return a key, None where there is none of that id."""

    async def access_keys(self) -> list[AccessKey]:
        """Return all keys, in order of creation."""

    async def add_access_key(self, key: AccessKey) -> None:
        """Store a new key."""

    async def set_access_key_status(self, key_id: str, status: KeyStatus) -> AccessKey | None:
        """Let a key be used, or not; return it as it is then, None where there is none."""

    async def delete_access_key(self, key_id: str) -> bool:
        """Forget a key; False where there is none."""


class MasterKeyError(Exception):
    """The master keys cannot be read; the text names setting and mend, and no secret."""


class MasterKeys:
    """The master keys of the settings, the newest first."""

    def __init__(self, pairs: Iterable[str]) -> None:
        """Take ``id=secret`` pairs that were checked."""
        found = (pair.partition("=") for pair in pairs)
        self._keys = {name: secret.encode() for name, _, secret in found}

    @classmethod
    def of(cls, settings: AuthenticationSettings) -> MasterKeys:
        """Return those of the settings or of their file. Raises MasterKeyError."""
        pairs = [one.get_secret_value() for one in settings.master_key]
        if not pairs and settings.master_key_file is not None:
            pairs = _read(settings.master_key_file)
        return cls(pairs)

    def __bool__(self) -> bool:
        return bool(self._keys)

    @property
    def newest(self) -> str:
        """The id of the one that new keys are made from."""
        return next(iter(self._keys))

    def secret(self, key_id: str, master_key: str) -> str | None:
        """Return an access key's secret; None where its master key is not here any more."""
        master = self._keys.get(master_key)
        if master is None:
            return None
        made = hmac.digest(master, _PURPOSE + key_id.encode(), "sha256")
        return urlsafe_b64encode(made).decode().rstrip("=")


def new_access_key(
    master_keys: MasterKeys,
    *,
    name: str | None,
    groups: Iterable[str],
    now: Micros,
    expires_at: Micros | None,
) -> tuple[AccessKey, str]:
    """Return a new key and its secret, which nobody can ask for again.

    Without a name the key is named as its id. Raises ValueError for a name or group that is none.
    """
    key_id = KEY_PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    key = AccessKey(
        id=key_id,
        name=_named(name if name is not None else key_id),
        groups=_grouped(groups),
        master_key=master_keys.newest,
        status=KeyStatus.ACTIVE,
        created_at=now,
        expires_at=expires_at,
        changed_at=now,
    )
    secret = master_keys.secret(key.id, key.master_key)
    assert secret is not None  # noqa: S101 - made from the newest, which is there
    return key, secret


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(
            f'"{name[:64]}" is no name; write 1 to 64 letters, digits and characters of +=,.@-_'
        )
    return name


def _grouped(groups: Iterable[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(groups))
    for group in found:
        # A colon marks groups that others vouch for: system:… of a cluster, oidc:… of an issuer.
        if not _GROUP.fullmatch(group):
            raise ValueError(
                f'"{group[:64]}" is no group; write 1 to 128 letters, digits and characters of '
                "+=,.@/-_"
            )
    if len(found) > MOST_GROUPS:
        raise ValueError(f"{len(found)} groups are too many for one key; {MOST_GROUPS} is the most")
    return found


def _read(path: Path) -> list[str]:
    named = f"FAULTBRIDGE_MASTER_KEY_FILE: {path}"
    try:
        lines = path.read_text("utf-8").splitlines()
    except UnicodeDecodeError:
        raise MasterKeyError(f"{named} is no text; write one id=secret a line") from None
    except OSError as error:
        raise MasterKeyError(f"{named} cannot be read ({error.strerror})") from None
    pairs = [text for line in lines if (text := line.strip()) and not text.startswith("#")]
    try:
        check_master_keys(pairs)
    except ValueError as error:
        raise MasterKeyError(f"{named}: {error}") from None
    if not pairs:
        raise MasterKeyError(f"{named} is empty; write one id=secret a line")
    return pairs
