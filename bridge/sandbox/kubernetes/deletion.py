"""What deleting an object sets off: options, namespaces, definitions and owners."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bridge.sandbox.kubernetes import preparation, request, status
from bridge.sandbox.kubernetes.crd import CLEANUP
from bridge.sandbox.kubernetes.objects import (
    Change,
    HistoryExpiredError,
    Key,
    Object,
    ObjectStore,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

ORPHAN = "orphan"
FOREGROUND = "foregroundDeletion"

_POLICIES: dict[str, tuple[str, ...]] = {
    "Background": (),
    "Orphan": (ORPHAN,),
    "Foreground": (FOREGROUND,),
}


@dataclass(frozen=True)
class DeleteOptions:
    """How an object is to be deleted."""

    uid: str | None = None
    resource_version: str | None = None
    finalizers: tuple[str, ...] = ()
    dry_run: bool = False


def read_options(body: bytes, content_type: str, query: Mapping[str, str]) -> DeleteOptions:
    """Read DeleteOptions from the body, or from the query where there is no body.

    `gracePeriodSeconds` is accepted and means nothing: there is no kubelet to wait for, pods go
    at once. Raises ApiError for other options that are wrong.
    """
    options: Any = dict(query)
    if body.strip():
        options, _ = request.parse(body, content_type)
    if not isinstance(options, dict) or options.get("kind", "DeleteOptions") != "DeleteOptions":
        raise status.bad_request("the body of a DELETE request must be DeleteOptions")
    policy = options.get("propagationPolicy") or "Background"
    if str(options.get("orphanDependents", "false")).lower() == "true":
        policy = "Orphan"
    if policy not in _POLICIES:
        wrong = status.unsupported_value("propagationPolicy", policy, [*sorted(_POLICIES), ""])
        raise status.invalid("meta.k8s.io", "DeleteOptions", "", [wrong])
    given = options.get("dryRun") or []
    conditions = options.get("preconditions") or {}
    return DeleteOptions(
        conditions.get("uid"),
        conditions.get("resourceVersion"),
        _POLICIES[policy],
        preparation.dry_run([given] if isinstance(given, str) else list(given), "DeleteOptions"),
    )


class Collector:
    """Does what the namespace, definition and garbage collection controllers do.

    `forget` is told of each object that finally disappears.
    """

    def __init__(self, store: ObjectStore, forget: Callable[[Key, Object], None]) -> None:
        self._store = store
        self._forget = forget

    async def run(self) -> None:
        """Follow the store until cancelled."""
        while True:
            with self._store.subscribe() as subscription:
                self.sweep()
                try:
                    async for change in subscription:
                        if _matters(change):
                            self.sweep()
                except HistoryExpiredError:
                    continue  # so much has happened at once that a fresh look is needed

    def sweep(self) -> None:
        """Delete all that has to go now, until nothing changes any more."""
        while True:
            before = self._store.version
            self._namespaces()
            self._definitions()
            self._owners()
            if self._store.version == before:
                return

    def _namespaces(self) -> None:
        for namespace in self._store.list("", "namespaces"):
            if "deletionTimestamp" not in namespace["metadata"]:
                continue
            name = namespace["metadata"]["name"]
            place = Key("", "namespaces", "", name)
            inside = [key for key in self._keys() if key.namespace == name]
            if inside:
                if namespace.get("status", {}).get("phase") != "Terminating":
                    namespace["status"] = {"phase": "Terminating"}
                    self._store.update(place, namespace)
                self._delete(inside)
            else:
                namespace["spec"]["finalizers"] = []
                self._store.update(place, namespace)

    def _definitions(self) -> None:
        group, plural = "apiextensions.k8s.io", "customresourcedefinitions"
        for definition in self._store.list(group, plural):
            if "deletionTimestamp" not in definition["metadata"]:
                continue
            spec = definition["spec"]
            served = (spec["group"], spec["names"]["plural"])
            inside = [key for key in self._keys() if (key.group, key.resource) == served]
            if inside:
                self._delete(inside)
            else:
                key = Key(group, plural, "", definition["metadata"]["name"])
                self._release(key, definition, CLEANUP)

    def _owners(self) -> None:
        everything = {key: obj for key in self._keys() if (obj := self._store.get(key))}
        present = {obj["metadata"]["uid"] for obj in everything.values()}
        for key, obj in everything.items():
            metadata = obj["metadata"]
            finalizers = metadata.get("finalizers", ())
            if "deletionTimestamp" in metadata and {ORPHAN, FOREGROUND} & set(finalizers):
                self._owner(key, obj, everything)
            owners = metadata.get("ownerReferences")
            if owners and not any(owner["uid"] in present for owner in owners):
                self._delete([key])

    def _owner(self, key: Key, owner: Object, everything: Mapping[Key, Object]) -> None:
        uid = owner["metadata"]["uid"]
        dependents = {
            place: obj
            for place, obj in everything.items()
            if any(ref["uid"] == uid for ref in obj["metadata"].get("ownerReferences", ()))
        }
        if ORPHAN in owner["metadata"]["finalizers"]:
            for place, obj in dependents.items():
                references = obj["metadata"]["ownerReferences"]
                obj["metadata"]["ownerReferences"] = [
                    reference for reference in references if reference["uid"] != uid
                ]
                if self._store.get(place) is not None:
                    self._store.update(place, obj)
            self._release(key, owner, ORPHAN)
            return
        owning = {
            ref["uid"]
            for obj in everything.values()
            for ref in obj["metadata"].get("ownerReferences", ())
        }
        for place, obj in dependents.items():
            # What owns something itself waits for that in its turn, and holds the owner up.
            self._delete([place], (FOREGROUND,) if obj["metadata"]["uid"] in owning else ())
        blocking = [
            place
            for place, obj in dependents.items()
            if self._store.get(place) is not None
            and any(
                ref["uid"] == uid and ref.get("blockOwnerDeletion")
                for ref in obj["metadata"]["ownerReferences"]
            )
        ]
        if not blocking:
            self._release(key, owner, FOREGROUND)

    def _keys(self) -> Iterable[Key]:
        return self._store.keys()

    def _delete(self, keys: Iterable[Key], finalizers: tuple[str, ...] = ()) -> None:
        for key in keys:
            obj = self._store.get(key)
            if obj is not None and "deletionTimestamp" not in obj["metadata"]:
                gone = self._store.delete(key, add_finalizers=finalizers)
                if "deletionTimestamp" not in gone["metadata"]:
                    self._forget(key, gone)

    def _release(self, key: Key, obj: Object, finalizer: str) -> None:
        metadata = obj["metadata"]
        metadata["finalizers"] = [name for name in metadata["finalizers"] if name != finalizer]
        if self._store.get(key) is not None:
            self._store.update(key, obj)
        if not metadata["finalizers"]:
            self._forget(key, obj)


def _matters(change: Change) -> bool:
    metadata = change.object["metadata"]
    before = change.previous["metadata"] if change.previous else {}
    return (
        change.type == "DELETED"
        or "deletionTimestamp" in metadata
        or metadata.get("ownerReferences") != before.get("ownerReferences")
    )
