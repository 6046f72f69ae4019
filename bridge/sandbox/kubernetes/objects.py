"""The cluster's memory: objects by key, one version counter, and the history that watches read.

The store knows nothing of schemas, identities or HTTP. What it keeps from etcd and the generic
registry of Kubernetes: one `resourceVersion` for the whole cluster that grows by one with every
change, optimistic concurrency, `generation`, finalizers, and a bounded history past which a
reader is told to list again (410 Gone, reason `Expired`).

It belongs to one asyncio loop. Everything but iterating a subscription is synchronous and
completes without yielding, so no caller ever sees a half-made change.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from bridge.sandbox.kubernetes.changes import (
    Change,
    History,
    HistoryExpiredError,
    Key,
    Object,
    Subscription,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")

__all__ = [
    "Change",
    "HistoryExpiredError",
    "Key",
    "Object",
    "ObjectConflictError",
    "ObjectError",
    "ObjectExistsError",
    "ObjectNotFoundError",
    "ObjectStore",
    "Subscription",
    "copy_json",
    "timestamp",
]


class ObjectError(Exception):
    """What a request asks cannot be done to the object at this key."""

    def __init__(self, key: Key, message: str) -> None:
        super().__init__(message)
        self.key = key


class ObjectNotFoundError(ObjectError):
    """No object has this key."""


class ObjectExistsError(ObjectError):
    """Another object already has this key."""


class ObjectConflictError(ObjectError):
    """The object is not in the version, or not the very object (uid), that the caller expects."""


def copy_json(value: T) -> T:
    """Copy a JSON value in depth (several times faster than copy.deepcopy)."""
    if isinstance(value, dict):
        return cast("T", {name: copy_json(item) for name, item in value.items()})
    if isinstance(value, list):
        return cast("T", [copy_json(item) for item in value])
    return value


def timestamp(moment: datetime) -> str:
    """Write a moment as Kubernetes does in metadata: RFC 3339, UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _holders(key: Key, obj: Object) -> list[str]:
    """Name what keeps an object from disappearing; a namespace has holders in its spec too."""
    holders = list(obj["metadata"].get("finalizers") or ())
    if (key.group, key.resource) == ("", "namespaces"):
        holders += (obj.get("spec") or {}).get("finalizers") or ()
    return holders


def drop_empty(metadata: dict[str, Any]) -> None:
    """Leave out what metadata has none of, as its encoding does (`omitempty`)."""
    for field in ("labels", "annotations", "finalizers", "ownerReferences"):
        if field in metadata and not metadata[field]:
            del metadata[field]


class ObjectStore:
    """All objects of one cluster, in memory.

    `now` is the cluster's clock (aware datetimes). `status_is_separate(group, resource)` tells
    whether the resource has a status subresource: only where it has none does a change of
    `status` raise `metadata.generation`. `history` is how many changes a watch can go back.

    Objects go in and come out as deep copies: a caller may change what it got, and must call
    `update` for the change to happen.
    """

    def __init__(
        self,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        status_is_separate: Callable[[str, str], bool] = lambda _group, _resource: True,
        history: int = 1000,
    ) -> None:
        self.now = now
        self._status_is_separate = status_is_separate
        self._history = History(history)
        self._objects: dict[tuple[str, str], dict[tuple[str, str], Object]] = {}

    @property
    def version(self) -> int:
        """The resourceVersion of the last change."""
        return self._history.version

    @property
    def oldest(self) -> int:
        """The lowest version from which a watch can still start."""
        return self._history.oldest

    def get(self, key: tuple[str, str, str, str]) -> Object | None:
        """Return a copy of the object, or None where there is none."""
        found = self._find(Key(*key))
        return None if found is None else copy_json(found)

    def list(
        self, group: str, resource: str, namespace: str | None = None, *, at: int | None = None
    ) -> list[Object]:
        """Return copies of all objects of a resource, ordered by namespace and name.

        `namespace=None` means everywhere. `at` gives them as they were at an earlier version;
        raises HistoryExpiredError when that is no longer known.
        """
        kept = self._objects.get((group, resource), {})
        if at is not None and at < self.version:
            kept = dict(kept)
            for change in self._history.back_to(at):
                if (change.key.group, change.key.resource) == (group, resource):
                    place = (change.key.namespace, change.key.name)
                    kept.pop(place, None)
                    if change.previous is not None:
                        kept[place] = change.previous
        return [
            copy_json(kept[place])
            for place in sorted(kept)
            if namespace is None or place[0] == namespace
        ]

    def keys(self) -> Iterable[Key]:
        """Name every object of the cluster, as it is now."""
        return [
            Key(group, resource, namespace, name)
            for (group, resource), kept in self._objects.items()
            for namespace, name in kept
        ]

    def create(
        self,
        key: tuple[str, str, str, str],
        obj: Object,
        *,
        generation: int | None = 1,
        dry_run: bool = False,
    ) -> Object:
        """Store a new object; sets uid, versions and creationTimestamp and returns a copy.

        `generation=None` is for the kinds that have none (pods, events, config maps …).
        `dry_run` does everything but storing it. Raises ObjectExistsError where the key is taken.
        """
        key = Key(*key)
        if self._find(key) is not None:
            raise ObjectExistsError(key, f"{key.resource} {key.name!r} already exists")
        new = copy_json(obj)
        metadata = new.setdefault("metadata", {})
        for field in ("deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation"):
            metadata.pop(field, None)
        metadata["name"] = key.name
        if key.namespace:
            metadata["namespace"] = key.namespace
        else:
            metadata.pop("namespace", None)
        drop_empty(metadata)
        metadata["uid"] = str(uuid.uuid4())
        metadata["creationTimestamp"] = timestamp(self.now())
        if generation is not None:
            metadata["generation"] = generation
        if dry_run:
            metadata.pop("resourceVersion", None)
            return new
        return self._record("ADDED", key, new, None)

    def update(
        self,
        key: tuple[str, str, str, str],
        obj: Object,
        *,
        expected_version: int | str | None = None,
        dry_run: bool = False,
    ) -> Object:
        """Replace an object and return a copy of what is stored.

        The object's own uid, when given, must be that of the stored one; creation and deletion
        marks are kept as they are. A replacement equal to what is stored changes nothing, not
        even the version. An object that is being deleted disappears once it has no finalizer.
        Raises ObjectNotFoundError, or ObjectConflictError where version or uid differ.
        """
        key = Key(*key)
        old = self._require(key)
        metadata = obj.get("metadata") or {}
        self._expect(key, old, uid=metadata.get("uid"), version=expected_version)
        new = copy_json(obj)
        self._keep_system_fields(key, new, old)
        if new == old:
            return copy_json(old)
        if "generation" in old["metadata"] and self._differs(key, new, old):
            new["metadata"]["generation"] = old["metadata"]["generation"] + 1
        if dry_run:
            return new
        if "deletionTimestamp" in old["metadata"] and not _holders(key, new):
            # Watches see the object as it last was in storage, its last finalizer included.
            self._record("DELETED", key, copy_json(old), old)
            return new
        return self._record("MODIFIED", key, new, old)

    def delete(
        self,
        key: tuple[str, str, str, str],
        *,
        uid: str | None = None,
        expected_version: int | str | None = None,
        add_finalizers: Iterable[str] = (),
        dry_run: bool = False,
    ) -> Object:
        """Remove an object, or mark it as being deleted while it has finalizers.

        Returns a copy of the object as it was last (with deletionTimestamp where it still
        exists). `add_finalizers` are put on it first: how a propagation policy is remembered.
        Raises ObjectNotFoundError, or ObjectConflictError where uid or version differ.
        """
        key = Key(*key)
        old = self._require(key)
        self._expect(key, old, uid=uid, version=expected_version, precondition=True)
        new = copy_json(old)
        metadata = new["metadata"]
        finalizers = metadata.get("finalizers", [])
        finalizers += [name for name in add_finalizers if name not in finalizers]
        if finalizers:
            metadata["finalizers"] = finalizers
        if not _holders(key, new):
            return new if dry_run else self._record("DELETED", key, new, old)
        if "deletionTimestamp" not in metadata:
            metadata["deletionTimestamp"] = timestamp(self.now())
            metadata["deletionGracePeriodSeconds"] = 0
            if "generation" in metadata:
                metadata["generation"] += 1
        return new if dry_run or new == old else self._record("MODIFIED", key, new, old)

    def vanish(self, key: tuple[str, str, str, str]) -> Object | None:
        """Remove an object at once, whatever holds it; return it as it was, None if not there."""
        key = Key(*key)
        old = self._find(key)
        return None if old is None else self._record("DELETED", key, copy_json(old), old)

    def subscribe(self, since: int | None = None) -> Subscription:
        """Read the changes after version `since` (None: from now on), in order, without a gap.

        Raises HistoryExpiredError here, or while iterating, when the history is no longer kept.
        """
        return self._history.subscribe(since)

    def change_after(self, version: int) -> Change | None:
        """Return the change that followed a version; None when there is none yet.

        Raises HistoryExpiredError when it is no longer kept.
        """
        return self._history.after(version)

    @property
    def readers(self) -> int:
        """How many subscriptions are open."""
        return self._history.readers

    def compact(self) -> None:
        """Forget the history: every watch that starts from an older version gets 410 Gone."""
        self._history.forget()

    def _find(self, key: Key) -> Object | None:
        return self._objects.get((key.group, key.resource), {}).get((key.namespace, key.name))

    def _require(self, key: Key) -> Object:
        found = self._find(key)
        if found is None:
            raise ObjectNotFoundError(key, f"{key.resource} {key.name!r} not found")
        return found

    @staticmethod
    def _expect(
        key: Key,
        old: Object,
        *,
        uid: str | None,
        version: int | str | None,
        precondition: bool = False,
    ) -> None:
        has = old["metadata"]
        if uid and uid != has["uid"]:
            raise ObjectConflictError(
                key,
                f"the UID in the precondition ({uid}) does not match the UID in record "
                f"({has['uid']}). The object might have been deleted and then recreated"
                if precondition
                else f"Precondition failed: UID in precondition: {uid}, "
                f"UID in object meta: {has['uid']}",
            )
        if version is not None and str(version) != has["resourceVersion"]:
            raise ObjectConflictError(
                key,
                f"the ResourceVersion in the precondition ({version}) does not match the "
                f"ResourceVersion in record ({has['resourceVersion']}). The object might have "
                "been modified"
                if precondition
                else "the object has been modified; please apply your changes to the latest "
                "version and try again",
            )

    @staticmethod
    def _keep_system_fields(key: Key, new: Object, old: Object) -> None:
        metadata = new.setdefault("metadata", {})
        metadata["name"] = key.name
        drop_empty(metadata)
        for field in (
            "namespace",
            "uid",
            "creationTimestamp",
            "resourceVersion",
            "generation",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
        ):
            if field in old["metadata"]:
                metadata[field] = old["metadata"][field]
            else:
                metadata.pop(field, None)

    def _differs(self, key: Key, new: Object, old: Object) -> bool:
        ignored = {"metadata"}
        if self._status_is_separate(key.group, key.resource):
            ignored.add("status")
        return any(
            new.get(field) != old.get(field) for field in (new.keys() | old.keys()) - ignored
        )

    def _record(
        self,
        kind: Literal["ADDED", "MODIFIED", "DELETED"],
        key: Key,
        obj: Object,
        previous: Object | None,
    ) -> Object:
        self._history.add(kind, key, obj, previous)
        kept = self._objects.setdefault((key.group, key.resource), {})
        if kind == "DELETED":
            del kept[(key.namespace, key.name)]
        else:
            kept[(key.namespace, key.name)] = obj
        return copy_json(obj)
