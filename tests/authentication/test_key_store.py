"""Access keys in both databases, and seen at once by whoever else is on them."""

from __future__ import annotations

from bridge.model.moment import Micros
from bridge.store import Store
from iam.access_keys import KeyStatus, KeyStore, MasterKeys, new_access_key

MASTER_KEYS = MasterKeys(["1=" + "k" * 32])


async def test_keys_are_kept_changed_and_forgotten(database: str) -> None:
    store, other = Store.open(database), Store.open(database)
    keys: KeyStore = store  # what iam asks for is what the store has
    now = store.now()
    first, _ = new_access_key(
        MASTER_KEYS, name="ci", groups=("a", "b/c"), now=now, expires_at=Micros(now + 1)
    )
    second, _ = new_access_key(
        MASTER_KEYS, name="ci", groups=(), now=Micros(now + 1), expires_at=None
    )
    for key in (second, first):
        await keys.add_access_key(key)
    assert await other.access_keys() == [first, second]
    assert await other.access_key(first.id) == first
    changed = await keys.set_access_key_status(first.id, KeyStatus.INACTIVE)
    assert changed is not None
    assert (changed.status, changed.changed_at >= first.changed_at) == (KeyStatus.INACTIVE, True)
    # A repeat changes nothing, not even the time.
    assert await keys.set_access_key_status(first.id, KeyStatus.INACTIVE) == changed
    assert await other.access_key(first.id) == changed
    assert await keys.delete_access_key(first.id)
    assert not await keys.delete_access_key(first.id)
    assert await other.access_key(first.id) is None
    assert await keys.set_access_key_status(first.id, KeyStatus.ACTIVE) is None
    assert await other.access_keys() == [second]
    await store.close()
    await other.close()
