"""Access keys: what is known of them, and nothing that is secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from bridge.store.database import Database
from bridge.store.tables import access_keys
from iam.access_keys import AccessKey, KeyStatus

if TYPE_CHECKING:
    from bridge.model.moment import Micros


class Keys(Database):
    """The access keys of an installation: `iam.access_keys.KeyStore`."""

    async def access_key(self, key_id: str) -> AccessKey | None:
        """Return a key, None where there is none of that id."""
        return await self._run(self._access_key, key_id)

    def _access_key(self, key_id: str) -> AccessKey | None:
        with self._reading() as connection:
            return _one(connection, key_id)

    async def access_keys(self) -> list[AccessKey]:
        """Return all keys, in order of creation."""
        return await self._run(self._access_keys)

    def _access_keys(self) -> list[AccessKey]:
        query = sa.select(access_keys).order_by(access_keys.c.created_at, access_keys.c.id)
        with self._reading() as connection:
            return [_key(row) for row in connection.execute(query)]

    async def add_access_key(self, key: AccessKey) -> None:
        """Store a new key."""
        await self._run(self._add_access_key, key)

    def _add_access_key(self, key: AccessKey) -> None:
        with self._writing() as connection:
            connection.execute(
                access_keys.insert().values(
                    id=key.id,
                    name=key.name,
                    groups=json.dumps(key.groups),
                    master_key=key.master_key,
                    status=key.status.value,
                    created_at=key.created_at,
                    expires_at=key.expires_at,
                    changed_at=key.changed_at,
                )
            )

    async def set_access_key_status(self, key_id: str, status: KeyStatus) -> AccessKey | None:
        """Let a key be used, or not; return it as it is then, None where there is none."""
        return await self._run(self._set_access_key_status, key_id, status, self.now())

    def _set_access_key_status(
        self, key_id: str, status: KeyStatus, now: Micros
    ) -> AccessKey | None:
        with self._writing() as connection:
            connection.execute(
                access_keys.update()
                .where(access_keys.c.id == key_id, access_keys.c.status != status.value)
                .values(status=status.value, changed_at=now)
            )
            return _one(connection, key_id)

    async def delete_access_key(self, key_id: str) -> bool:
        """Forget a key; False where there is none."""
        return await self._run(self._delete_access_key, key_id)

    def _delete_access_key(self, key_id: str) -> bool:
        with self._writing() as connection:
            found = _one(connection, key_id)
            connection.execute(access_keys.delete().where(access_keys.c.id == key_id))
        return found is not None


def _one(connection: sa.Connection, key_id: str) -> AccessKey | None:
    query = sa.select(access_keys).where(access_keys.c.id == key_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else _key(row)


def _key(row: Any) -> AccessKey:
    return AccessKey(
        id=row.id,
        name=row.name,
        groups=tuple(json.loads(row.groups)),
        master_key=row.master_key,
        status=KeyStatus(row.status),
        created_at=row.created_at,
        expires_at=row.expires_at,
        changed_at=row.changed_at,
    )
